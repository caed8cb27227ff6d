"""Fourth stage: encoded events to what the bus takes, one entry per feed."""

from collections.abc import Iterable

from signalman.event import Event, Feed, Outgoing
from signalman.relay.encode import encode

Addressed = tuple[Feed, bytes]
"""An event as JSON, and the feed it belongs to."""


def address(event: Event) -> Addressed:
    """A redacted *event* as JSON, with its feed."""
    return Feed(event.channel, event.scope), encode(event)


def outgoing(events: Iterable[Addressed]) -> list[Outgoing]:
    """*events* grouped by feed: feeds in the order of their first event, events of a feed in their own order."""
    feeds: dict[Feed, list[bytes]] = {}
    for feed, event in events:
        feeds.setdefault(feed, []).append(event)
    return [Outgoing(feed, tuple(encoded)) for feed, encoded in feeds.items()]
