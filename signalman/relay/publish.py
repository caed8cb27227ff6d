"""Last stage: finished events to what the bus takes, one entry per feed."""

from collections.abc import Iterable, Sequence

from signalman.event import Event, Feed, Json, Outgoing, OutgoingEvent, Record
from signalman.relay.encode import encode
from signalman.relay.identity import identity

Addressed = tuple[Feed, OutgoingEvent]
"""An event ready to be published, and the feed it belongs to."""


def address(record: Record, event: Event, rows: Sequence[dict[str, Json]] = ()) -> Addressed:
    """A redacted *event* that came out of *record* and changes *rows*, as JSON with its identity, and its feed."""
    return Feed(event.channel, event.scope), OutgoingEvent(record, identity(event), encode(event, rows))


def outgoing(events: Iterable[Addressed]) -> list[Outgoing]:
    """*events* grouped by feed: feeds in the order of their first event, events of a feed in their own order."""
    feeds: dict[Feed, list[OutgoingEvent]] = {}
    for feed, event in events:
        feeds.setdefault(feed, []).append(event)
    return [Outgoing(feed, tuple(entering)) for feed, entering in feeds.items()]
