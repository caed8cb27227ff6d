"""What flows: a record as Kafka holds it, an event understood, a publication on a feed.

All of them are immutable values without behaviour of their own. What is made for every record or event is a named
tuple, which takes a quarter of the time that a frozen dataclass takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MethodType
from typing import Any, NamedTuple

Json = Any
"""A decoded JSON value: None, bool, int, float, str, list or dict."""

Scope = tuple[str, ...]
"""Whose something is: ids from the widest level to the narrowest, ``(tenant,)`` for FrameWorks."""

PLATFORM: Scope = ("@platform",)
"""What belongs to the platform itself and to no tenant. Only those granted it by name read it, and no id that a record,
a credential or a client brings can become it.
"""


class Record(NamedTuple):
    """One Kafka message as read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When the broker or producer stamped it, Unix milliseconds."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Decoded(NamedTuple):
    """A record's envelope, understood; the payload is not yet judged."""

    topic: str
    """Logical topic of the pack (``analytics``), not the Kafka name, which regions and deployments change."""
    id: str
    type: str
    time: str
    """RFC 3339, exactly as the source wrote it."""
    source: str
    scope: Scope | None
    """Empty when no level is there at all, None when some are and others are not: then nobody may see the event, unless
    its type says that the empty one is the platform's own."""
    body: Mapping[str, Json]
    """The whole record's JSON object: routing reads payloads out of it and never changes it."""


class Event(NamedTuple):
    """An event on its way to one channel. ``data`` is raw before redaction and safe to show after it."""

    id: str
    type: str
    time: str
    source: str
    scope: Scope
    channel: str
    data: dict[str, Json]
    subject: str | None = None


new_decoded: Callable[[tuple[str, str, str, str, str, Scope | None, Mapping[str, Json]]], Decoded] = MethodType(
    tuple.__new__, Decoded
)
"""`Decoded` out of a tuple of its parts: a third of the time, for what is made for every record."""

new_event: Callable[[tuple[str, str, str, str, Scope, str, dict[str, Json], str | None]], Event] = MethodType(
    tuple.__new__, Event
)
"""The same for `Event`."""


@dataclass(frozen=True, slots=True, order=True)
class Feed:
    """Channel × scope: the unit of order, history and Redis subscription."""

    channel: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a feed. ``seq`` has no holes within one ``epoch``; the first publication of an epoch begins at 1."""

    epoch: str
    seq: int
    ms: int = 0
    """When the bus took the publication that ends here, Unix milliseconds by the bus's own clock. Together with ``seq``
    it names that very publication: a bus that came back with old data may give the same ``seq`` to another one."""


class OutgoingEvent(NamedTuple):
    """One event ready to be published: already redacted, already JSON."""

    record: Record
    """Where it came from. All events of a record go to one feed, together."""
    identity: bytes
    """A short digest of what the event is, the same for each copy of it on whatever topic."""
    data: bytes
    """A JSON object with CloudEvents names (`docs/protocol.md`)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Events of one feed and one batch, in order."""

    feed: Feed
    events: tuple[OutgoingEvent, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a batch of events."""

    events: int = 0
    """Those that entered their feed now."""
    fenced: int = 0
    """Those whose record had entered before: read again after a crash or a rebalance, or by another group."""
    repeated: int = 0
    """Those that another record had brought already: a mirrored topic, or a producer that tried twice."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A batch of events as it arrives on a feed: ``seq`` of its events are ``prev + 1 … position.seq``."""

    feed: Feed
    position: Position
    """Of the last event in the batch."""
    prev: int
    events: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class History:
    """The end of a feed's past as the bus has kept it."""

    position: Position | None
    """Where the feed stands: at the last of the publications. None where there is no feed."""
    publications: tuple[Publication, ...]
    """The newest ones, oldest first, without a hole between them."""
    since_ms: int
    """Everything that was published on the feed after this moment, by the bus's clock, is among them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records as a source yields them."""

    records: tuple[Record, ...]
    skipped: int = 0
    """Records that were passed over just before these, because they are too old to be told as news, or are gone."""
