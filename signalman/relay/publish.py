"""Last stage: finished events to what the bus takes, one entry per feed.

The one reason of this stage is ``too_large`` at an event type: an event of it has more bytes than its channel allows.
"""

from collections.abc import Iterable, Sequence

from signalman.errors import DecodeError
from signalman.event import Event, Feed, Json, Outgoing, OutgoingEvent, Record
from signalman.relay.encode import encode
from signalman.relay.identity import identity

Addressed = tuple[Feed, OutgoingEvent]
"""An event ready to be published, and the feed it belongs to."""


def address(
    record: Record, event: Event, rows: Sequence[dict[str, Json]] = (), *, largest: int | None = None
) -> Addressed:
    """A redacted *event* that came out of *record* and changes *rows*, as JSON with its identity, and its feed.

    Raises:
        DecodeError: The event with its rows has more than *largest* bytes.
    """
    data = encode(event, rows)
    if largest is not None and len(data) > largest:
        raise DecodeError("too_large", event.type)
    return Feed(event.channel, event.scope), OutgoingEvent(record, identity(event), data)


def outgoing(events: Iterable[Addressed]) -> list[Outgoing]:
    """*events* grouped by feed: feeds in the order of their first event, events of a feed in their own order."""
    feeds: dict[Feed, list[OutgoingEvent]] = {}
    for feed, event in events:
        feeds.setdefault(feed, []).append(event)
    return [Outgoing(feed, tuple(entering)) for feed, entering in feeds.items()]
