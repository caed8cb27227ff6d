"""Operators at their places, as a tree that is walked beside the value, along its paths only.

A place is found wherever the allow-list would find it: a list on the way, said or not, means each object in it.
"""

from collections.abc import Iterator, Mapping, Sequence

from signalman.addresses import holds_address
from signalman.event import Json
from signalman.fields import Redaction
from signalman.redaction.place import Centroid
from signalman.redaction.pseudonyms import Pseudonyms
from signalman.redaction.values import GONE, Gone, Operate, Run, operate

EXPOSED = frozenset({"mask", "hash"})
"""Operators whose results must pass the net: a network looks like an address, and stands under a key such as ``ip``."""

Entry = tuple[tuple[str, ...], Redaction]
"""What is left of a path, and what is to be done at its end."""


class Place:
    """One place of a value: what is done to it, or below it."""

    __slots__ = ("_centroids", "_named", "_operate", "_others", "is_exposed")

    def __init__(self, entries: Sequence[Entry], pseudonyms: Pseudonyms) -> None:
        """Raises ValueError where two operators are for one place, or one is below another."""
        here = [redaction for path, redaction in entries if not path]
        if here and len(entries) > 1:
            raise ValueError(f"two operators for one place: {', '.join(each.path for _, each in entries)}")
        self._operate: Operate | None = operate(here[0], pseudonyms) if here else None
        self.is_exposed = bool(here) and here[0].operation in EXPOSED
        self._centroids = tuple(
            Centroid(path[0], redaction.longitude or "", redaction.resolution)
            for path, redaction in entries
            if len(path) == 1 and redaction.operation == "centroid"
        )
        below = _by_name(entries)
        self._named = {name: Place(below[name], pseudonyms) for name in below if name != "*"}
        self._others = Place(below["*"], pseudonyms) if "*" in below else None

    def exposed(self) -> Iterator[str]:
        """The end of each path, from here on, whose result the net must let pass, whether or not lists are on it."""
        for name, place in (*self._named.items(), *([("*", self._others)] if self._others else [])):
            for step in (name, f"{name}[]"):
                if place.is_exposed:
                    yield step
                yield from (f"{step}.{rest}" for rest in place.exposed())

    def value(self, value: Json, run: Run) -> Json | Gone:
        """*value* after the operators here and below; itself where nothing changes."""
        if self._operate is not None:
            return self._operate(value, run)
        if type(value) is dict:
            return self.members(value, run)
        if type(value) is list:
            made = [self.value(item, run) for item in value]
            return value if all(new is old for new, old in zip(made, value, strict=True)) else made
        return value

    def members(self, value: dict[str, Json], run: Run) -> dict[str, Json]:
        """The same for an object, which is copied before its first change."""
        made = value
        for name in self._named if self._others is None else value:
            if name not in value:
                continue
            item = value[name]
            new = self._member(name, item, run)
            if new is not item:
                made = dict(value) if made is value else made
                if new is GONE:
                    del made[name]
                else:
                    made[name] = new
        for centroid in self._centroids:
            made, unread = centroid.of(made)
            run.unread += unread
        return made

    def _member(self, name: str, item: Json, run: Run) -> Json | Gone:
        place = self._named.get(name)
        if place is not None:
            return place.value(item, run)
        if self._others is None:
            return item
        # What exposes every value of a map must not let an address pass as a key of it.
        if self._others.is_exposed and holds_address(name):
            return run.refuse()
        return self._others.value(item, run)


def _by_name(entries: Sequence[Entry]) -> Mapping[str, Sequence[Entry]]:
    """What lies below, by the next name; what is for every key is for each named one too."""
    below: dict[str, list[Entry]] = {}
    for path, redaction in entries:
        if path and not (len(path) == 1 and redaction.operation == "centroid"):
            below.setdefault(path[0], []).append((path[1:], redaction))
    others = below.get("*", [])
    return {name: [*own, *(others if name != "*" else [])] for name, own in below.items()}
