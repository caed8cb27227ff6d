"""What the pretend platform gave out that must never reach a subscriber."""

from signalman.event import Json

SHORTEST = 7
"""Characters of the shortest secret that a search through bytes cannot mistake for something else."""


class Ledger:
    """Remembers every secret once. Texts shorter than `SHORTEST` are no secrets: nobody could tell them apart."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, *secrets: str) -> None:
        """Remember *secrets*."""
        self._secrets.update(secret for secret in secrets if len(secret) >= SHORTEST)

    def add_value(self, value: Json) -> None:
        """Remember a JSON value as its text stands in a document; of a list, every item."""
        if isinstance(value, list):
            for item in value:
                self.add_value(item)
        else:
            self.add(str(value))

    def secrets(self) -> frozenset[str]:
        """Everything remembered so far."""
        return frozenset(self._secrets)
