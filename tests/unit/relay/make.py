"""Small complete values for the relay's tests: a catalog, records in the platform's form, a source and a bus."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import orjson

from signalman.channel import Catalog, Channel, Envelope, EventType, Expand, ScopeLevel, Topic
from signalman.errors import BackendUnavailable, LetterTooLarge
from signalman.event import Batch, Decoded, Feed, History, Outgoing, Position, Publication, Published, Record
from signalman.fields import KeepTree
from signalman.ports import BusListener
from signalman.relay.decode import Decoder
from signalman.table import Table

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0002"
STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
TIME = "2026-08-20T10:11:12.123456789Z"
NAMES = {"analytics_events": "analytics", "us-east.analytics_events": "analytics", "service_events": "service"}
LIFT = {"stream_id": ("data.stream_id",)}


def event_type(name: str, keep: KeepTree, **others: Any) -> EventType:
    """An event type of topic analytics whose payload lies under its own name."""
    members: dict[str, Any] = {
        "topic": "analytics",
        "payload": f"data.{name}",
        "lift": LIFT,
        "require": (),
        "expose": frozenset(),
        "subject": "stream_id",
    }
    return EventType(name=name, keep=keep, **(members | others))


def channel(name: str, *types: EventType) -> Channel:
    """A channel without tables."""
    return Channel(name, name, name, frozenset(), {each.name: each for each in types}, {}, {})


def table(name: str, key: Sequence[str], *columns: str, **others: Any) -> Table:
    """A table of a channel, with *key* and *columns*."""
    members: dict[str, Any] = {"version": None, "where": (), "max_rows": 1}
    return Table(
        name=name,
        title=name,
        source=name,
        scope=("tenant_id",),
        scope_types=("uuid",),
        key=tuple(key),
        columns=(*key, *columns),
        **(members | others),
    )


def catalog(*channels: Channel, levels: Sequence[ScopeLevel] = (), scope: Sequence[str] = ()) -> Catalog:
    """A pack of two topics with *channels*, scoped by tenant unless *levels* and their paths *scope* are given."""
    envelope = Envelope("event_id", "event_type", "timestamp", "source", tuple(scope) or ("tenant_id",))
    topics = ("analytics", "service")
    return Catalog(
        pack="test",
        title="Test",
        levels=tuple(levels) or (ScopeLevel("tenant", "uuid", "tenant_id"),),
        topics={name: Topic(name, f"{name}_events", f"signalman-{name}", envelope) for name in topics},
        channels={each.name: each for each in channels},
        ignored=frozenset({"playback_boot"}),
        routes={(each.topic, each.name): (chan.name, each) for chan in channels for each in chan.events.values()},
    )


STREAM_KEEP: KeepTree = {
    "stream_id": None,
    "status": None,
    "details": None,
    "tracks": {"codec": None, "labels": None},
    "nodes": {"*": {"load": None}},
    "counts": {"*": None},
}
LIFECYCLE = event_type("stream_lifecycle_update", STREAM_KEEP)
BATCH = event_type(
    "client_lifecycle_batch",
    {},
    lift={"stream_id": ("data.stream_id",), "node_id": ("data.client_lifecycle_batch.node_id", "data.node_id")},
    expand=Expand("samples", "client_lifecycle_update", "event_id", ("stream_id", "node_id")),
)
SAMPLE = event_type(
    "client_lifecycle_update",
    {"stream_id": None, "node_id": None, "session_id": None},
    lift={"stream_id": ("data.stream_id",), "node_id": ("data.client_lifecycle_update.node_id", "data.node_id")},
)
NODE = event_type(
    "node_lifecycle_update",
    {"node_id": None, "base_url": None, "host": None},
    expose=frozenset({"base_url"}),
    subject="node_id",
)
MESSAGE = event_type(
    "message_received",
    {"conversation_id": None},
    topic="service",
    payload="data",
    lift={},
    require=("conversation_id",),
    subject="conversation_id",
)
REPORT = event_type(
    "skipper_investigation",
    {"resource_id": None},
    topic="service",
    payload="data",
    lift={"resource_id": ("resource_id",)},
    subject="resource_id",
)
CATALOG = catalog(
    channel("streams", LIFECYCLE),
    channel("analytics", BATCH, SAMPLE),
    channel("system", NODE),
    channel("messaging", MESSAGE),
    channel("ai", REPORT),
)


def body(kind: str = "stream_lifecycle_update", payload: object = None, **others: Any) -> dict[str, Any]:
    """A record's JSON object on topic analytics; a member given as None is left out."""
    members = {
        "event_id": "0198f3c0-1111-7abc-8def-000000000001",
        "event_type": kind,
        "timestamp": TIME,
        "source": "foghorn",
        "tenant_id": TENANT,
        "data": {"trigger_type": "T", kind: {"status": "live"} if payload is None else payload, "stream_id": STREAM},
    }
    return {name: value for name, value in (members | others).items() if value is not None}


def record(
    value: Mapping[str, Any] | bytes | None,
    *,
    topic: str = "analytics_events",
    offset: int = 0,
    partition: int = 0,
    headers: Iterable[tuple[str, bytes]] = (),
) -> Record:
    """A Kafka record with *value*, an object or bytes."""
    raw = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return Record(topic, partition, offset, 1_787_220_672_123, b"key", raw, tuple(headers))


def decoded(value: Mapping[str, Any], topic: str = "analytics_events") -> Decoded:
    """*value* decoded by the test catalog."""
    return Decoder(CATALOG, NAMES).decode(record(value, topic=topic))


class FakeSource:
    """Yields the given batches and then ends; remembers in `history` what it was told, in order."""

    def __init__(self, *batches: Sequence[Record] | Batch, history: list[str] | None = None) -> None:
        self._batches = [each if isinstance(each, Batch) else Batch(tuple(each)) for each in batches]
        self.history = history if history is not None else []
        self.letters: list[bytes] = []
        self.committed: list[Batch] = []
        self.refuse_letters = 0
        self.refuse_reads = 0
        self.refuse_commits = 0
        self.largest_letter = 1 << 40

    async def batches(self) -> AsyncIterator[Batch]:
        """The batches left."""
        while self._batches:
            if self.refuse_reads:
                self.refuse_reads -= 1
                raise BackendUnavailable("kafka", "away")
            yield self._batches.pop(0)

    async def commit(self, batch: Batch) -> None:
        """Remember the commit, or refuse it."""
        if self.refuse_commits:
            self.refuse_commits -= 1
            raise BackendUnavailable("kafka", "rebalancing")
        self.history.append("commit")
        self.committed.append(batch)

    async def dead_letter(self, record: Record, value: bytes) -> None:
        """Remember the letter, or refuse it."""
        if len(value) > self.largest_letter:
            raise LetterTooLarge("dead_letters", len(value))
        if self.refuse_letters:
            self.refuse_letters -= 1
            raise BackendUnavailable("kafka", "dead letters refused")
        self.history.append(f"letter {record.offset}")
        self.letters.append(value)


class FakeBus:
    """Remembers what is published; refuses the first `refuse` attempts, and tells of `duplicates` whatever it took."""

    def __init__(self, told: list[str] | None = None) -> None:
        self.told = told if told is not None else []
        self.published: list[Outgoing] = []
        self.attempts: list[Sequence[Outgoing]] = []
        self.beats: list[float] = []
        self.refuse = 0
        self.duplicates = Published()

    async def publish(self, batch: Sequence[Outgoing]) -> Published:
        """Remember *batch*, or refuse it."""
        self.attempts.append(batch)
        self._refuse()
        self.told.append("publish")
        self.published.extend(batch)
        return self.duplicates

    async def retire(self, reason: str) -> None:
        """Remember *reason*, or refuse."""
        self._refuse()
        self.told.append(f"retire {reason}")

    async def beat(self, seconds: float) -> None:
        """Remember the beat, or refuse it."""
        self._refuse()
        self.beats.append(seconds)

    def _refuse(self) -> None:
        if self.refuse:
            self.refuse -= 1
            raise BackendUnavailable("redis", "away")

    def events(self, feed: Feed) -> list[dict[str, Any]]:
        """All events published on *feed*, in order."""
        return [orjson.loads(event.data) for each in self.published if each.feed == feed for event in each.events]

    def listen(self, listener: BusListener) -> None:
        """Relays do not listen."""

    async def subscribe(self, feed: Feed) -> Position | None:
        """Relays do not subscribe."""

    async def unsubscribe(self, feed: Feed) -> None:
        """Relays do not subscribe."""

    async def is_fed(self) -> bool:
        """Relays do not ask."""
        return False

    def now_ms(self) -> int:
        """Relays do not ask."""
        return 0

    async def history(self, feed: Feed, since_ms: int) -> History:
        """Relays do not ask."""
        return History(None, (), since_ms)

    async def missed(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        """Relays do not ask."""

    async def ping(self) -> None:
        """Always there."""
