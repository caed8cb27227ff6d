"""The allow-list: of an object, the members that a pack names, and nothing else."""

from collections.abc import Iterable
from typing import Final

from signalman.event import Json
from signalman.fields import KeepTree
from signalman.redaction.parsed import as_parsed

_ABSENT: Final = object()


class Keep:
    """One level of an allow-list."""

    __slots__ = ("_below", "_map", "_whole")

    def __init__(self, tree: KeepTree) -> None:
        self._whole = tuple(as_parsed(name) for name, below in tree.items() if below is None)
        parts = ((name, below) for name, below in tree.items() if below is not None and name != "*")
        self._below = tuple((as_parsed(name), Keep(below)) for name, below in parts)
        self._map = _Map(tree) if "*" in tree else None

    def prune(self, value: dict[str, Json]) -> dict[str, Json]:
        """The members of *value* that the list names, as a new object: whole ones first, then those in parts, each in
        the list's order; last the other keys of a map.
        """
        kept: dict[str, Json] = {}
        for name in self._whole:
            item = value.get(name, _ABSENT)
            if item is not _ABSENT:
                kept[name] = item
        for name, below in self._below:
            item = value.get(name)
            # Anything else than objects is not what the list means, and is dropped.
            if type(item) is dict:
                kept[name] = below.prune(item)
            elif type(item) is list:
                kept[name] = below.each(item)
        if self._map is not None:
            self._map.prune_into(kept, value)
        return kept

    def each(self, items: Iterable[Json]) -> list[Json]:
        """The objects among *items*, pruned."""
        return [self.prune(item) for item in items if type(item) is dict]


class _Map:
    """The keys of a map that an allow-list does not name one by one."""

    __slots__ = ("_below", "_named")

    def __init__(self, tree: KeepTree) -> None:
        below = tree["*"]
        self._named = frozenset(tree) - {"*"}
        self._below = None if below is None else Keep(below)

    def prune_into(self, kept: dict[str, Json], value: dict[str, Json]) -> None:
        """Add them to *kept*: whole, or of each object, or list of objects, what is listed below."""
        below = self._below
        for name, item in value.items():
            if name in self._named:
                continue
            if below is None:
                kept[name] = item
            elif type(item) is dict:
                kept[name] = below.prune(item)
            elif type(item) is list:
                kept[name] = below.each(item)
