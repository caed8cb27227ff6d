"""An event's data, put together out of a record's JSON: its payload, and what the pack lifts into it from beside it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from signalman.channel import EventType
from signalman.errors import DecodeError
from signalman.event import Json
from signalman.relay.path import Path, follow, lacks, parse

Objects = list[dict[str, Json]]
"""Objects of a record in a form's own order, to be read only."""

_NOTHING: Final[dict[str, Json]] = {}
_DATA: Final = -1


class Form:
    """How an event type's data is put together."""

    def __init__(self, event_type: EventType) -> None:
        self._where = event_type.payload
        self._payload = parse(event_type.payload)
        self._require = event_type.require
        # An event type that shows nothing of its payload can do without one; a batch is nothing without its items.
        self._is_optional = event_type.expand is None and event_type.keep.keys() <= event_type.lift.keys()
        self._paths: list[Path] = [self._payload[:-1]]
        self._lift = tuple((name, tuple(map(self._place, paths))) for name, paths in event_type.lift.items())

    def data(self, body: Mapping[str, Json]) -> dict[str, Json]:
        """The payload with what is lifted into it, as a new object.

        Raises:
            DecodeError: There is no payload, it is no object, or it lacks what it requires.
        """
        around = self.around(body)
        payload = around[0].get(self._payload[-1]) if self._payload else None
        if payload is None and (self._is_optional or not self._payload):
            payload = {}
        if payload is None:
            raise DecodeError("missing", self._where)
        if type(payload) is not dict:
            raise DecodeError("wrong_type", self._where)
        data = payload.copy()
        self.complete(data, around, self._where)
        return data

    def around(self, body: Mapping[str, Json]) -> Objects:
        """The objects of *body* out of which `complete` lifts, first the payload's; empty where there is none."""
        objects: Objects = []
        for path in self._paths:
            found = follow(body, path) if path else body
            objects.append(found if type(found) is dict else _NOTHING)
        return objects

    def complete(self, data: dict[str, Json], around: Objects, where: str, index: int | None = None) -> None:
        """Lift into *data*, which lies at *where*, perhaps as item *index* of a list: each field is the first of its
        candidates that says something; where none does, it stays as it is.

        Raises:
            DecodeError: ``missing``: a required field is not there.
        """
        found: dict[str, Json] = {}
        for name, places in self._lift:
            for at, path in places:
                owner = data if at == _DATA else around[at]
                value = owner.get(path) if isinstance(path, str) else follow(owner, path)
                if value is not None and value != "":
                    found[name] = value
                    break
        data.update(found)
        for name in self._require:
            if lacks(data.get(name)):
                place = where if index is None else f"{where}[{index}]"
                raise DecodeError("missing", f"{place}.{name}" if place else name)

    def _place(self, path: str) -> "_Place":
        """A path below the payload is read in the data: an item of a batch is not where its own payload would be."""
        keys, depth = parse(path), len(self._payload)
        if depth and len(keys) > depth and keys[:depth] == self._payload:
            below = keys[depth:]
            return _Place(_DATA, below[0] if len(below) == 1 else below)
        if keys[:-1] not in self._paths:
            self._paths.append(keys[:-1])
        return _Place(self._paths.index(keys[:-1]), keys[-1])


class _Place(NamedTuple):
    """Where a lifted field may lie."""

    at: int
    """Which of the form's objects, or the data."""
    path: str | Path
    """Its key there."""
