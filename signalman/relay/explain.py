"""The way of one record through all stages, told to people: where it goes, what was taken out and why.

It is made by the relay's own stages, so that it cannot say anything else than what they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from signalman.channel import Catalog, EventType
from signalman.errors import DecodeError
from signalman.event import Decoded, Event, Feed, Record, Scope
from signalman.notice import About
from signalman.redaction import Pseudonyms
from signalman.relay.columns import Row
from signalman.relay.decode import Decoder
from signalman.relay.fates import Fates, Field
from signalman.relay.publish import address
from signalman.relay.redact import Redactor
from signalman.relay.route import Outcome, Router
from signalman.relay.rows import Rows
from signalman.relay.signals import Signals
from signalman.relay.whereabouts import Part, beside, lifted, parts

Stage = Literal["decode", "route", "redact", "publish"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record goes to the dead letters."""

    stage: Stage
    error: DecodeError


@dataclass(frozen=True, slots=True)
class Way:
    """Where the channel files send an event type."""

    channel: str
    declared: EventType
    """The event type as the record has it: a batch, where it is one."""
    event_type: EventType
    """What is published: that of a batch's items, else the same."""
    lifted: tuple[str, ...]
    """Fields of the data that came, or may have come, from beside the payload."""
    beside: tuple[str, ...]
    """Paths of the record that lie beside the payload: out of reach for every keep list."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it is published."""

    event: Event
    """Redacted."""
    fields: tuple[Field, ...]
    rows: tuple[Row, ...]
    rows_removed: int
    """Values of rows that the net removed or their operators could not read."""
    rows_unread: int
    """Row changes left out because a value does not fit its column."""
    feed: Feed
    json: bytes
    """What subscribers receive."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What each stage did to a record, as far as it came."""

    topic: str
    """Kafka topic."""
    parts: tuple[Part, ...] = ()
    type: str = ""
    """As the record has it; the pack may know it by another name."""
    scope: Scope | None = None
    outcome: Outcome | Literal["signal"] | None = None
    """None where the record did not get there."""
    concerns: tuple[About, ...] = ()
    """Of a signal: about whose access it is."""
    way: Way | None = None
    contradictions: int = 0
    """Items of a batch left out because they name another scope."""
    first: Told | None = None
    others: int = 0
    """Further events of the same batch, which went through the same stages."""
    refusal: Refusal | None = None


def explain(
    record: Record, catalog: Catalog, names: Mapping[str, str], *, pseudonyms: Pseudonyms | None = None
) -> Explanation:
    """Send *record* through all stages and tell what they did.

    Args:
        record: As Kafka has it.
        catalog: The pack.
        names: Kafka topic → logical topic.
        pseudonyms: For the operator ``hash``; a pack that uses it needs them.
    """
    told = Explanation(record.topic)
    try:
        decoded = Decoder(catalog, names).decode(record)
    except DecodeError as error:
        return replace(told, refusal=Refusal("decode", error))
    envelope = catalog.topics[decoded.topic].envelope
    told = replace(told, parts=parts(record, decoded, envelope, catalog.levels), type=decoded.type, scope=decoded.scope)
    if notices := Signals(catalog).notices(decoded):
        return replace(told, outcome="signal", concerns=tuple(each.about for each in notices))
    return _routed(told, decoded, record, catalog, pseudonyms or Pseudonyms(None))


def _routed(
    told: Explanation, decoded: Decoded, record: Record, catalog: Catalog, pseudonyms: Pseudonyms
) -> Explanation:
    route = catalog.routes.get((decoded.topic, decoded.type))
    if route is not None:
        told = replace(told, way=_way(decoded, *route, catalog))
    try:
        routed = Router(catalog).route(decoded)
    except DecodeError as error:
        return replace(told, refusal=Refusal("route", error))
    told = replace(told, outcome=routed.outcome, contradictions=routed.contradictions)
    if not routed.events or told.way is None:
        return told
    return _published(told, told.way, routed.events, record, catalog, pseudonyms)


def _published(
    told: Explanation,
    way: Way,
    events: tuple[Event, ...],
    record: Record,
    catalog: Catalog,
    pseudonyms: Pseudonyms,
) -> Explanation:
    redactor, rows = Redactor(catalog, pseudonyms=pseudonyms), Rows(catalog, pseudonyms=pseudonyms)
    largest = catalog.channels[way.channel].limits.event_bytes
    stage: Stage = "redact"
    done = []
    try:
        # All of them: what is wrong with the last one sends the whole record to the dead letters.
        for event in events:
            stage = "redact"
            safe = redactor.redact(event).event
            stage = "publish"
            changed = rows.changes(event)
            done.append((safe, changed, address(record, safe, changed.rows, largest=largest)))
    except DecodeError as error:
        return replace(told, refusal=Refusal(stage, error))
    safe, changed, (feed, entering) = done[0]
    fates = Fates(catalog, way.event_type, way.channel, pseudonyms)
    first = Told(
        safe,
        fates.of(events[0]),
        changed.rows,
        changed.removed + changed.values_unread,
        changed.unread,
        feed,
        entering.data,
    )
    return replace(told, first=first, others=len(done) - 1)


def _way(decoded: Decoded, channel: str, declared: EventType, catalog: Catalog) -> Way:
    published = catalog.channels[channel].events[declared.expand.type] if declared.expand else declared
    envelope = catalog.topics[decoded.topic].envelope
    return Way(channel, declared, published, lifted(decoded, published), beside(decoded, envelope, declared, published))
