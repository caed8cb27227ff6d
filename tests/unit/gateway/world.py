"""A gateway over an in-process bus and a scripted store, and its clients, with time in the test's hand."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count

import orjson

from signalman.access_ports import Directory
from signalman.backends.memory_bus import MemoryBus, MemoryHub
from signalman.channel import Catalog
from signalman.errors import BackendUnavailable, NotAuthenticated, SnapshotTooLarge
from signalman.event import Feed, Outgoing, OutgoingEvent, Record
from signalman.gateway.connection import Connection
from signalman.gateway.gateway import Gateway
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.metrics import Metrics
from signalman.ports import SnapshotQuery, SnapshotRows
from signalman.principal import Principal
from signalman.table import Table
from tests.access import Check, Guest, open_access, open_admission
from tests.unit.gateway.make import FEED, STREAM, catalog, principal

Message = dict[str, object]


class Store:
    """One row in each table, unless it is away. A table has the columns that `without` leaves it, if it is there."""

    def __init__(self) -> None:
        self.away = False
        self.too_large = False
        self.missing: set[str] = set()
        """Sources that are not there."""
        self.without: set[tuple[str, str]] = set()
        """Source and column that is not there."""
        self.read_tables: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        await self.gate.wait()
        self.read_tables.append(query.table.name)
        lacks = any(source == query.table.source for source, _ in self.without)
        if self.away or lacks or query.table.source in self.missing:
            raise BackendUnavailable("clickhouse", "away")
        if self.too_large:
            raise SnapshotTooLarge("streams", 1)
        return SnapshotRows(({"stream_id": STREAM, "updated_at": "2026-08-20T10:11:12Z"},), 1_787_220_675_000)

    async def count(self, query: SnapshotQuery) -> int:
        return 1

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        if self.away:
            raise BackendUnavailable("clickhouse", "away")
        if table.source in self.missing:
            return None
        types = {**dict.fromkeys(table.columns, "String"), "tenant_id": "UUID", "updated_at": "DateTime"}
        return {name: type_ for name, type_ in types.items() if (table.source, name) not in self.without}

    async def ping(self) -> None:
        return None


class Clock:
    """Time that a test moves; whoever sleeps is woken when it has come."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.now + seconds, woken))
        await woken.wait()

    def move(self, seconds: float) -> None:
        self.now += seconds
        for until, woken in self._sleepers:
            if until <= self.now:
                woken.set()


async def authenticate(token: str) -> Principal:
    """``good`` is somebody, ``later`` cannot be checked now."""
    if token == "later":
        raise BackendUnavailable("postgres", "away")
    if token != "good":
        raise NotAuthenticated("token_invalid", "No.")
    return principal()


class World:
    """A gateway, its bus and its store."""

    def __init__(
        self,
        *,
        view_frames: int = 100,
        check: Check = authenticate,
        pack: Catalog | None = None,
        limits: SessionLimits | None = None,
        directory: Directory | None = None,
    ) -> None:
        self.store = Store()
        self.clock = Clock()
        self.metrics = Metrics()
        self.bus = MemoryHub(epoch="e1", clock=self.clock)
        self.publisher = MemoryBus(self.bus)
        self._offsets = count()
        self.access = open_access(check)
        self.gateway = Gateway(
            catalog=pack or catalog(),
            access=self.access,
            admission=open_admission(self.metrics),
            bus=MemoryBus(self.bus),
            snapshots=SharedSnapshots(self.store, self.metrics, clock=self.clock),
            metrics=self.metrics,
            limits=limits or SessionLimits(),
            directory=directory,
            view_frames=view_frames,
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    async def publish(self, *events: bytes, feed: Feed = FEED) -> None:
        out = []
        for data in events:
            offset = next(self._offsets)
            record = Record("topic", 0, offset, offset, None, None)
            out.append(OutgoingEvent(record, offset.to_bytes(8, "big"), data))
        await self.publisher.publish([Outgoing(feed, tuple(out))])
        await asyncio.sleep(0)

    def outcomes(self) -> dict[str, float]:
        """How resumes ended."""
        (metric,) = self.metrics.resumes.collect()
        return {sample.labels["outcome"]: sample.value for sample in metric.samples if sample.name.endswith("_total")}

    def replayed(self, kind: str) -> tuple[float, float]:
        """How many replays there were of this kind, and how many events in them."""
        (metric,) = self.metrics.replayed_events.collect()
        own = [sample for sample in metric.samples if sample.labels["kind"] == kind]
        found = {sample.name.rpartition("_")[2]: sample.value for sample in own}
        return found["count"], found["sum"]

    def client(
        self, who: Principal | None = None, *, heard: int | None = None, abort: Callable[[], None] | None = None
    ) -> "Client":
        return Client(self, who, heard=heard, abort=abort)

    async def ready(self, who: Principal | None = None) -> "Client":
        client = self.client(who or principal())
        assert [m["type"] for m in client.pull()] == ["hello", "welcome"]
        return client


class Client:
    """The other end of a connection."""

    def __init__(
        self,
        world: World,
        who: Principal | None,
        *,
        heard: int | None = None,
        abort: Callable[[], None] | None = None,
    ) -> None:
        self.news = asyncio.Event()
        self.world = world
        self.visitor = Guest()
        self.connection: Connection = world.gateway.connect(self.news.set, self.visitor, who, heard=heard, abort=abort)

    def say(self, **message: object) -> None:
        self.connection.receive(orjson.dumps(message).decode())

    def pull(self) -> list[Message]:
        self.news.clear()
        return [orjson.loads(data) for data in self.connection.pull()]

    async def until(self, type_: str) -> list[Message]:
        """Everything up to and including the first message of *type_*."""
        heard: list[Message] = []
        async with asyncio.timeout(5):
            while True:
                heard += self.pull()
                if any(m["type"] == type_ for m in heard):
                    return heard
                await self.news.wait()

    async def subscribed(self, **more: object) -> list[Message]:
        self.say(type="subscribe", id="s", channel="streams", **more)
        return await self.until("caught_up")


def types(messages: list[Message]) -> list[object]:
    """The types of *messages*."""
    return [message["type"] for message in messages]
