"""Whose turn it is to be looked at again: everybody's within a certain time, a few at a time. Pure, without a clock."""

from typing import Generic, TypeVar

Each = TypeVar("Each")


class Rota(Generic[Each]):
    """A round. Times in seconds.

    Args:
        every: Nobody waits longer than this, and the time between two calls of `turn`, for his turn.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._since: dict[Each, float] = {}
        """When each had his last turn, or came; the longest ago first."""
        self._owed = 0.0
        self._at: float | None = None

    def add(self, each: Each, now: float) -> None:
        """*each* has just come, and has his turn a whole round later; or goes on waiting for it."""
        if self._at is None:
            self._at = now
        self._since.setdefault(each, now)

    def drop(self, each: Each) -> None:
        """*each* is gone."""
        self._since.pop(each, None)

    def turn(self, now: float) -> list[Each]:
        """Those who have their turn now: an even share of all, so that those who came together do not have it together
        for ever; and everybody who has waited long enough.
        """
        elapsed, self._at = now - (now if self._at is None else self._at), now
        self._owed += len(self._since) * max(0.0, elapsed) / self._every
        share = min(int(self._owed), len(self._since))
        self._owed -= int(self._owed)
        found: list[Each] = []
        for each, since in self._since.items():
            if len(found) >= share and 0 <= now - since < self._every:
                break
            found.append(each)
        for each in found:
            del self._since[each]
            self._since[each] = now
        return found
