"""What flows: a record as Kafka holds it, an event understood, a publication on a feed.

All of them are immutable values without behaviour of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any
"""A decoded JSON value: None, bool, int, float, str, list or dict."""

Scope = tuple[str, ...]
"""Whose something is: ids from the widest level to the narrowest, ``(tenant,)`` for FrameWorks."""


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka message as read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When the broker or producer stamped it, Unix milliseconds."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A record's envelope, understood; the payload is not yet judged."""

    topic: str
    """Logical topic of the pack (``analytics``), not the Kafka name, which regions and deployments change."""
    id: str
    type: str
    time: str
    """RFC 3339, exactly as the source wrote it."""
    source: str
    scope: Scope | None
    """None when a level is missing or empty: then nobody may see the event."""
    body: Mapping[str, Json]
    """The whole record's JSON object: routing reads payloads out of it and never changes it."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event on its way to one channel. ``data`` is raw before redaction and safe to show after it."""

    id: str
    type: str
    time: str
    source: str
    scope: Scope
    channel: str
    data: dict[str, Json]
    subject: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Feed:
    """Channel × scope: the unit of order, history and Redis subscription."""

    channel: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a feed. ``seq`` has no holes within one ``epoch``; the first publication of an epoch is 1."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Events of one feed and one batch, ready to be published: already redacted, already JSON."""

    feed: Feed
    events: tuple[bytes, ...]
    """Each one event as a JSON object with CloudEvents names (`docs/protocol.md`)."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A batch of events as it arrives on a feed: ``seq`` of its events are ``prev + 1 … position.seq``."""

    feed: Feed
    position: Position
    """Of the last event in the batch."""
    prev: int
    published_ms: int
    """When the bus took it, Unix milliseconds."""
    events: tuple[bytes, ...] = field(repr=False)
