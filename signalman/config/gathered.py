"""Values from several sources laid over one another, each remembered with the place it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signalman.catalog.findings import Key, dotted
from signalman.errors import Fault


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set."""

    file: str
    """A file's path, ``environment`` or ``command line``."""
    name: str | None = None
    """The variable's or option's name; None in a file, where the key is its own name."""

    def fault(self, key: Key, reason: str) -> Fault:
        """A fault of the value at *key*, in the words of the person who set it."""
        return Fault(self.file, dotted(key) if self.name is None else self.name, reason)


NOWHERE = Origin("configuration")
"""For what nobody set."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Nested values by section and key; what is put later wins."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Key, Origin] = field(default_factory=dict)

    def put(self, key: tuple[str, ...], value: Any, origin: Origin) -> None:
        """Set *value* at *key*. Below something that is no table it is dropped: that fault is told already."""
        *inner, last = key
        table = self.values
        for part in inner:
            below = table.setdefault(part, {})
            if not isinstance(below, dict):
                return
            table = below
        table[last] = value
        self.origins[key] = origin

    def put_table(self, table: Mapping[str, Any], origin: Origin, at: tuple[str, ...] = ()) -> None:
        """Set every value of a nested *table*, one by one, so that each knows its origin."""
        for name, value in table.items():
            if isinstance(value, dict) and value:
                self.put_table(value, origin, (*at, name))
            else:
                self.put((*at, name), value, origin)

    def origin(self, key: Key) -> Origin | None:
        """Where the value at *key* was set, or what holds it, or something within it; None for a default."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.origins:
                return self.origins[key[:length]]
        return next((origin for known, origin in self.origins.items() if known[: len(key)] == key), None)

    def without(self, keys: set[Key]) -> dict[str, Any]:
        """The values without those at *keys*, to judge the rest by itself."""
        return _without(self.values, keys, ())


def _without(table: dict[str, Any], keys: set[Key], at: Key) -> dict[str, Any]:
    kept = {name: value for name, value in table.items() if (*at, name) not in keys}
    return {
        name: _without(value, keys, (*at, name)) if isinstance(value, dict) else value for name, value in kept.items()
    }
