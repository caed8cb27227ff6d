"""Second stage: an understood record to the events it means, each on its channel, not yet redacted.

What the pack does not name goes nowhere; what has no scope goes to nobody, or to those who run the platform where the
pack says so. An event has the pack's own name for its
type, also where the platform used an alias. Reasons of this stage: ``missing`` (the payload or a required field) and
``wrong_type``.
"""

from collections.abc import Callable
from types import MethodType
from typing import Final, Literal, NamedTuple

from signalman.channel import Catalog, EventType
from signalman.event import PLATFORM, Decoded, Event, Scope, new_event
from signalman.relay.expand import Expansion
from signalman.relay.form import Form

Outcome = Literal["published", "ignored", "unknown", "unscoped"]
"""What became of a record that was understood; ``published`` also when a batch held no item."""


class Routed(NamedTuple):
    """Where a record goes."""

    outcome: Outcome
    events: tuple[Event, ...] = ()
    contradictions: int = 0
    """Items of a batch left out because they name another scope than their envelope."""


_routed: Final[Callable[[tuple[Outcome, tuple[Event, ...], int]], Routed]] = MethodType(tuple.__new__, Routed)
"""`Routed` out of a tuple, as `signalman.event` makes what is made for every record."""


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
        if decoded.scope:
            return route.events(decoded, decoded.scope)
        if route.is_platforms and decoded.scope is not None:
            return route.events(decoded, PLATFORM)
        return Routed("unscoped")


class _Route:
    """One event type's way."""

    def __init__(self, catalog: Catalog, channel: str, event_type: EventType) -> None:
        self.is_platforms = event_type.platform
        """Whether a record without any scope is the platform's own."""
        self._channel = channel
        self._form = Form(event_type)
        self._name = event_type.name
        self._expansion: Expansion | None = None
        if event_type.expand is not None:
            item = catalog.channels[channel].events[event_type.expand.type]
            envelope = catalog.topics[event_type.topic].envelope
            self._name = item.name
            self._expansion = Expansion(event_type, Form(item), envelope, catalog.levels)

    def events(self, decoded: Decoded, scope: Scope) -> Routed:
        _, id_, _, time, source, _, body = decoded
        data = self._form.data(body)
        if self._expansion is None:
            event = new_event((id_, self._name, time, source, scope, self._channel, data, None))
            return _routed(("published", (event,), 0))
        items, contradictions = self._expansion.items(decoded, scope, data)
        name, channel = self._name, self._channel
        events = [new_event((item_id, name, time, source, scope, channel, item, None)) for item_id, item in items]
        return _routed(("published", tuple(events), contradictions))
