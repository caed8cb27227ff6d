"""Which paths of a value may hold addresses, in a form that is walked beside the value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(slots=True, eq=False)
class Exposure:
    """One place of a value, and what is exposed at it and below it."""

    here: bool = False
    keys: dict[str, "Exposure"] = field(default_factory=dict)
    any_key: "Exposure | None" = None
    items: "Exposure | None" = None

    def key(self, name: str) -> "Exposure":
        """The place of an object's member *name*; a path that names it goes before one with ``*``."""
        return self.keys.get(name) or self.any_key or NOTHING

    def item(self) -> "Exposure":
        """The place of each item of a list."""
        return self.items or NOTHING


NOTHING = Exposure()
"""No path leads here or below."""


@lru_cache(maxsize=1024)
def exposure(paths: frozenset[str]) -> Exposure:
    """Compile dotted *paths*: ``base_url``, ``outputs[].url``, ``tags[]``, ``links.*.url``."""
    if not paths:
        return NOTHING
    return _compiled({tuple(path.replace("[]", ".[]").split(".")) for path in paths})


def _compiled(paths: set[tuple[str, ...]]) -> Exposure:
    below: dict[str, set[tuple[str, ...]]] = {}
    for first, *rest in filter(None, paths):
        below.setdefault(first, set()).add(tuple(rest))
    places: Mapping[str, Exposure] = {name: _compiled(rests) for name, rests in below.items()}
    return Exposure(
        here=() in paths,
        keys={name: place for name, place in places.items() if name not in {"*", "[]"}},
        any_key=places.get("*"),
        items=places.get("[]"),
    )
