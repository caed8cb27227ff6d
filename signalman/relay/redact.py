"""Third stage: an event's data to what subscribers may see. The allow-list first, then the net below it.

The raw event is not changed. What the allow-list does not name is dropped without a word: a new field of the platform
is private until a pack says otherwise.
"""

from typing import Final

from signalman.channel import Catalog, EventType, KeepTree
from signalman.errors import DecodeError
from signalman.event import Event, Json
from signalman.net import Net, holds_address


class Redactor:
    """Redacts by (channel, event type), as the pack says. Pure, and redacting twice changes nothing."""

    def __init__(self, catalog: Catalog, net: Net | None = None) -> None:
        self._net = net or Net()
        self._rules = {
            (channel.name, event_type.name): _Rule(event_type)
            for channel in catalog.channels.values()
            for event_type in channel.events.values()
        }

    def redact(self, event: Event) -> tuple[Event, int]:
        """*event* with safe data and its subject, and how many values the net removed.

        Raises:
            DecodeError: ``address`` at ``id`` or ``source`` when one of them holds an address: without it the event
                would be no event, so it is refused as a whole.
        """
        for name, text in (("id", event.id), ("source", event.source)):
            if holds_address(text):
                raise DecodeError("address", name)
        rule = self._rules[event.channel, event.type]
        data, removed = self._net.clean(rule.keep.prune(event.data), rule.expose)
        subject = data.get(rule.subject) if rule.subject else None
        safe = Event(
            id=event.id,
            type=event.type,
            time=event.time,
            source=event.source,
            scope=event.scope,
            channel=event.channel,
            data=data,
            subject=subject if isinstance(subject, str) and subject else None,
        )
        return safe, removed


class _Rule:
    """What one event type may show."""

    def __init__(self, event_type: EventType) -> None:
        self.keep: Final = _Keep(event_type.keep)
        self.expose: Final = event_type.expose
        self.subject: Final = event_type.subject


class _Keep:
    """One level of an allow-list."""

    __slots__ = ("_below", "_others", "_whole")

    def __init__(self, tree: KeepTree) -> None:
        self._whole = tuple(name for name, below in tree.items() if below is None)
        self._below = {name: _Keep(below) for name, below in tree.items() if below is not None}
        self._others = "*" in tree

    def prune(self, value: dict[str, Json]) -> dict[str, Json]:
        """The members of *value* that the list names, as a new object: whole ones first, in the list's order."""
        kept = {name: value[name] for name in self._whole if name in value}
        if self._below or self._others:
            self._prune_below(value, kept)
        return kept

    def _prune_below(self, value: dict[str, Json], kept: dict[str, Json]) -> None:
        for name, item in value.items():
            if name in kept:
                continue
            below = self._below.get(name) or self._below.get("*")
            if below is not None:
                below.prune_into(name, item, kept)
            elif self._others:
                kept[name] = item

    def prune_into(self, name: str, value: Json, kept: dict[str, Json]) -> None:
        """Keep the object, or the objects of the list, *value*. Anything else is not what the list means: dropped."""
        if isinstance(value, dict):
            kept[name] = self.prune(value)
        elif isinstance(value, list):
            kept[name] = [self.prune(item) for item in value if isinstance(item, dict)]
