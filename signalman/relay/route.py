"""Second stage: an understood record to the events it means, each on its channel, not yet redacted.

What the pack does not name goes nowhere; what has no scope goes to nobody. Reasons of this stage: ``missing`` (the
payload or a required field) and ``wrong_type``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from signalman.channel import Catalog, EventType
from signalman.errors import DecodeError
from signalman.event import Decoded, Event, Json
from signalman.relay.expand import Expansion
from signalman.relay.path import Path, follow, lacks, parse

Outcome = Literal["published", "ignored", "unknown", "unscoped"]
"""What became of a record that was understood; ``published`` also when a batch held no item."""


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a record goes."""

    outcome: Outcome
    events: tuple[Event, ...] = ()
    contradictions: int = 0
    """Items of a batch left out because they name another scope than their envelope."""


class Router:
    """Routes by (logical topic, event type), as the pack says. Pure."""

    def __init__(self, catalog: Catalog) -> None:
        self._ignored = catalog.ignored
        self._routes = {
            key: _Route(catalog, channel, event_type) for key, (channel, event_type) in catalog.routes.items()
        }

    def route(self, decoded: Decoded) -> Routed:
        """The events of *decoded*, in order. Their ``data`` is new at its top level and shares what lies below.

        Raises:
            DecodeError: The payload is not what the event type promises.
        """
        route = self._routes.get((decoded.topic, decoded.type))
        if route is None:
            return Routed("ignored" if decoded.type in self._ignored else "unknown")
        if decoded.scope is None:
            return Routed("unscoped")
        return route.events(decoded)


class _Route:
    """One event type's way."""

    def __init__(self, catalog: Catalog, channel: str, event_type: EventType) -> None:
        self._channel = channel
        self._form = Form(event_type)
        self._expansion: Expansion | None = None
        if event_type.expand is not None:
            item = Form(catalog.channels[channel].events[event_type.expand.type])
            envelope = catalog.topics[event_type.topic].envelope
            self._expansion = Expansion(event_type, item.complete, envelope, catalog.levels)

    def events(self, decoded: Decoded) -> Routed:
        data = self._form.data(decoded.body)
        if self._expansion is None:
            return Routed("published", (self._event(decoded, decoded.id, decoded.type, data),))
        items, contradictions = self._expansion.items(decoded, data)
        name = self._expansion.type
        events = tuple(self._event(decoded, item_id, name, item) for item_id, item in items)
        return Routed("published", events, contradictions)

    def _event(self, decoded: Decoded, event_id: str, name: str, data: dict[str, Json]) -> Event:
        assert decoded.scope is not None  # noqa: S101  # the router publishes nothing without a scope
        return Event(event_id, name, decoded.time, decoded.source, decoded.scope, self._channel, data)


class Form:
    """How an event type's data is put together out of a record's JSON."""

    def __init__(self, event_type: EventType) -> None:
        self._where = event_type.payload
        self._payload = parse(event_type.payload)
        self._lift = tuple((name, tuple(map(self._lifted, paths))) for name, paths in event_type.lift.items())
        self._require = event_type.require
        # An event type that shows nothing of its payload can do without one; a batch is nothing without its items.
        self._is_optional = event_type.expand is None and event_type.keep.keys() <= event_type.lift.keys()

    def data(self, body: Mapping[str, Json]) -> dict[str, Json]:
        """The payload with what is lifted into it, as a new object."""
        payload = follow(body, self._payload)
        if payload is None and (self._is_optional or not self._payload):
            payload = {}
        if payload is None:
            raise DecodeError("missing", self._where)
        if not isinstance(payload, dict):
            raise DecodeError("wrong_type", self._where)
        return self.complete(dict(payload), body, self._where)

    def complete(self, data: dict[str, Json], body: Mapping[str, Json], where: str) -> dict[str, Json]:
        """*data*, lying at *where*, after lifting out of *body* into it and finding all required fields there."""
        found = [(name, _first(paths, body, data)) for name, paths in self._lift]
        data.update((name, value) for name, value in found if value is not None)
        for name in self._require:
            if lacks(data.get(name)):
                raise DecodeError("missing", f"{where}.{name}" if where else name)
        return data

    def _lifted(self, path: str) -> "_Lifted":
        """A path below the payload is read in the data: an item of a batch is not where its own payload would be."""
        keys = parse(path)
        depth = len(self._payload)
        is_below = bool(depth) and len(keys) > depth and keys[:depth] == self._payload
        return (True, keys[depth:]) if is_below else (False, keys)


_Lifted = tuple[bool, Path]
"""Whether a path is read in the data rather than in the record, and the path."""


def _first(paths: tuple[_Lifted, ...], body: Mapping[str, Json], data: Mapping[str, Json]) -> Json:
    """What the first of *paths* that leads to something leads to, else None."""
    for is_below, path in paths:
        found = follow(data if is_below else body, path)
        if not lacks(found):
            return found
    return None
