"""Rows that live events carry are the rows that the platform's ingest writes: column by column, over a simulated hour.

The same records go both ways: through the platform's ingest into ClickHouse and out again as snapshots, and through the
relay's stages into the tables of a client. Both are looked at in the same moments.
"""

import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import orjson
import pytest

from signalman import clock
from signalman.backends.clickhouse import ClickHouseSnapshots, ClickHouseWarehouse
from signalman.catalog import default_folder, load
from signalman.channel import Catalog, Channel
from signalman.client.tables import Tables
from signalman.event import Event, Record
from signalman.gateway import frames
from signalman.ports import SnapshotQuery
from signalman.relay.decode import Decoder
from signalman.relay.encode import encode
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from signalman.simulate import Emitted, World, tenant_ids
from signalman.simulate.ingest import Ingest
from signalman.simulate.warehouse import schema
from signalman.simulate.wire import rfc3339
from signalman.table import Table
from tests.contract.snapshot_stores import address
from tests.servers import ClickHouse

HOUR = 3600.0
TENANTS = 2
STEP = 5.0
"""Seconds of the world between two looks of the ingest at what came, and between two inserts' being collected."""
LOOKS = 6
GIVEN_UP_MS = 120_000
OFTEN = {"push_rewrite": 20, "stream_end": 20}
"""How often the rows of a type of event are looked at just after it, where that is not 3 times. These two are followed
within a second by others of the same stream, so that a look at any other time hardly ever sees their rows."""
LOST = 0.05
"""Of all ends of sessions, how many nobody ever hears of. In FrameWorks they happen."""

PACK = load(default_folder("frameworks"))
TABLES = [(channel, table) for channel in PACK.channels.values() for table in channel.tables.values()]

Row = Mapping[str, Any]
Place = tuple[str, str, str]
"""Channel, table and tenant."""
Rowset = dict[tuple[Any, ...], Row]


class Platform:
    """The ingest, and the tables that it writes: the truth as a snapshot tells it."""

    def __init__(self, warehouse: ClickHouseWarehouse, snapshots: ClickHouseSnapshots) -> None:
        self._ingest = Ingest(lag=0.0)
        self._warehouse = warehouse
        self._snapshots = snapshots
        self._pending: dict[tuple[str, tuple[str, ...]], list[Sequence[Any]]] = {}

    async def prepare(self) -> None:
        """Make the tables."""
        for statement in schema():
            await self._warehouse.execute(statement)

    def take(self, emitted: Iterable[Emitted], now: float) -> None:
        """What the ingest does at *now*, Unix seconds."""
        self._ingest.feed(emitted)
        for insert in self._ingest.due(now):
            self._pending.setdefault((insert.table, insert.columns), []).extend(insert.rows)

    async def rows(self, table: Table, tenant: str, now: float) -> list[Row]:
        """A snapshot with what time has done to it, as a gateway gives it out at *now*."""
        await self._write(table.source)
        found = await self._snapshots.read(SnapshotQuery(table, (tenant,)))
        aged = (clock.apply({**row, **table.derived}, table.clock, round(now * 1000)) for row in found.rows)
        return [row for row in aged if row is not None]

    async def _write(self, source: str) -> None:
        for table, columns in [place for place in self._pending if place[0] == source]:
            await self._warehouse.insert(table, columns, self._pending.pop((table, columns)))


class Relay:
    """The relay's stages, from a record to the JSON that subscribers receive."""

    def __init__(self, pack: Catalog) -> None:
        self._kafka = {name: topic.default for name, topic in pack.topics.items()}
        self._decoder = Decoder(pack, {kafka: name for name, kafka in self._kafka.items()})
        self._router = Router(pack)
        self._redactor = Redactor(pack)
        self._rows = Rows(pack)

    def events(self, emitted: Emitted) -> list[tuple[Event, dict[str, Any]]]:
        """The events of a record, each with its JSON."""
        record = Record(self._kafka[emitted.topic], 0, 0, 0, emitted.key, emitted.value, emitted.headers)
        return [(event, self._event(event)) for event in self._router.route(self._decoder.decode(record)).events]

    def _event(self, event: Event) -> dict[str, Any]:
        changed = self._rows.changes(event)
        assert (changed.removed, changed.unread) == (0, 0)
        safe = self._redactor.redact(event).event
        decoded: dict[str, Any] = orjson.loads(encode(safe, changed.rows))
        return decoded


@dataclass
class Watcher:
    """A client that has subscribed to every channel of every tenant."""

    tables: dict[tuple[str, str], Tables] = field(default_factory=dict)

    def begin(self, snapshots: Mapping[Place, Sequence[Row]]) -> None:
        """Start from (channel, table, tenant) → rows; without rows where there are none."""
        for tenant in tenant_ids(TENANTS):
            for channel in PACK.channels.values():
                self.tables[channel.name, tenant] = self._begun(channel, tenant, snapshots)

    def hear(self, event: Event, decoded: dict[str, Any]) -> None:
        """A live event."""
        self.tables[event.channel, event.scope[0]].events([decoded])

    def rows(self, channel: Channel, table: Table, tenant: str, now: float) -> list[Row]:
        """What is shown of *table* at *now*."""
        tables = self.tables[channel.name, tenant]
        tables.expire(round(now * 1000))
        return tables.rows(table.name)

    def _begun(self, channel: Channel, tenant: str, snapshots: Mapping[Place, Sequence[Row]]) -> Tables:
        tables = Tables()
        tables.begin(tuple(channel.tables))
        for table in channel.tables.values():
            rows = snapshots.get((channel.name, table.name, tenant), ())
            part = frames.snapshot(view="v", table=table, rows=rows, part=1, last=True, as_of_ms=0, lag_ms=None)
            frame = orjson.loads(part)
            tables.snapshot(frame["table"], frame["key"], frame["rules"], frame["rows"])
        tables.caught_up()
        return tables


def keyed(table: Table, rows: Iterable[Row]) -> Rowset:
    """*rows* by their key."""
    return {tuple(row[column] for column in table.key): row for row in rows}


def text(row: Row) -> bytes:
    """*row* so that true differs from 1, and text from a number."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def was_given_up(table: Table, platform: Row, client: Row) -> bool:
    """Whether the platform's own timer has closed this stream.

    It writes the moment at which it looked into `updated_at`, and no event tells that moment. That is the one column
    that may differ, and only so: later by at least the two minutes that the clock rule waits for as well.
    """
    if table.name != "streams" or platform["status"] != "offline" or platform["updated_at"] == client["updated_at"]:
        return False
    looked, last = clock.moment(platform["updated_at"]), clock.moment(client["updated_at"])
    assert looked is not None
    assert last is not None
    return looked.ms - last.ms >= GIVEN_UP_MS


def compare(table: Table, platform: Iterable[Row], client: Iterable[Row]) -> Counter[str]:
    """Assert that both have the same rows; how many there are by table, and how many of these were given up."""
    truth, shown = keyed(table, platform), keyed(table, client)
    assert shown.keys() == truth.keys(), table.name
    seen: Counter[str] = Counter()
    for key, row in truth.items():
        other = shown[key]
        seen[table.name] += 1
        if was_given_up(table, row, other):
            seen["given up"] += 1
            other = {**other, "updated_at": row["updated_at"]}
        assert text(other) == text(row), table.name
    return seen


@pytest.fixture
async def platform(clickhouse: ClickHouse) -> AsyncIterator[Platform]:
    """An ingest with tables of its own."""
    server = address(clickhouse, database=f"rows_{uuid.uuid4().hex[:8]}")
    async with ClickHouseWarehouse(server) as warehouse, ClickHouseSnapshots(server) as snapshots:
        made = Platform(warehouse, snapshots)
        await made.prepare()
        yield made


def world(seed: int, start: float) -> World:
    """A platform of two tenants."""
    return World(start=start, seed=seed, tenants=TENANTS, streams_per_tenant=4, viewers_per_stream=3)


def lossy(emitted: Iterable[Emitted], dice: Random) -> list[Emitted]:
    """*emitted* without those ends of sessions that get lost."""
    return [each for each in emitted if each.body["event_type"] != "viewer_disconnect" or dice.random() >= LOST]


def terse(emitted: Emitted) -> Emitted:
    """*emitted*, from controllers that do not tell when every other stream began: then tables have to know."""
    update = emitted.body["data"].get("stream_lifecycle_update", {})
    if "started_at" not in update or int(update["stream_id"][-1], 16) % 2:
        return emitted
    said = {name: value for name, value in update.items() if name != "started_at"}
    return changed(emitted, stream_lifecycle_update=said)


def changed(emitted: Emitted, time: float | None = None, **payload: dict[str, Any]) -> Emitted:
    """*emitted* with another payload, and at another *time*."""
    body = {**emitted.body, "data": {**emitted.body["data"], **payload}}
    if time is not None:
        body["timestamp"] = rfc3339(time)
    return replace(emitted, time=emitted.time if time is None else time, body=body, value=orjson.dumps(body))


async def look(
    platform: Platform, watchers: Iterable[Watcher], now: float, only: Callable[[Table, str], bool] = lambda *_: True
) -> tuple[Counter[str], dict[Place, list[Row]]]:
    """Compare every table of every tenant, or *only* some, with what each watcher shows. How many rows there were, and
    the snapshots.
    """
    seen: Counter[str] = Counter()
    snapshots: dict[Place, list[Row]] = {}
    for channel, table in TABLES:
        for tenant in filter(partial(only, table), tenant_ids(TENANTS)):
            rows = snapshots[channel.name, table.name, tenant] = await platform.rows(table, tenant, now)
            for watcher in watchers:
                seen += compare(table, rows, watcher.rows(channel, table, tenant, now))
    return seen, snapshots


@pytest.mark.timeout(600)  # an hour of events, on whatever machine
async def test_rows_equal_what_the_ingest_writes(platform: Platform) -> None:
    """Over an hour, whoever watched from the beginning, and whoever joined in between, shows what a snapshot shows;
    every ten minutes in every table, and just after events in the table that these change.
    """
    begin = time.time() - HOUR
    made, relay, dice, first = world(1, begin), Relay(PACK), Random(1), Watcher()
    first.begin({})
    watchers, seen, met, now = [first], Counter[str](), Counter[str](), begin
    emitted = made.history()
    for number in range(LOOKS):
        until = begin + (number + 1) * HOUR / LOOKS
        while now < until:
            now = min(now + STEP, until)
            for each in map(terse, lossy([*emitted, *made.step(now)], dice)):
                platform.take([each], each.time)
                heard = relay.events(each)
                for event, decoded in heard:
                    for watcher in watchers:
                        watcher.hear(event, decoded)
                kind, tenant = each.body["event_type"], each.body["tenant_id"]
                met[kind] += 1
                if met[kind] <= OFTEN.get(kind, 3):
                    only = partial(is_changed, kind, tenant)
                    seen += (await look(platform, [first], each.time, only))[0]
            emitted = []
            platform.take([], now)
        here, snapshots = await look(platform, watchers, now)
        seen += here
        joined = Watcher()
        joined.begin(snapshots)
        watchers = [first, joined]
    # Silence: streams are given up, nodes go stale.
    for later in (60.0, 95.0, 119.0, 125.0, 181.0):
        platform.take([], now + later)
        seen += (await look(platform, watchers, now + later))[0]
    for name in [*(table.name for _, table in TABLES), "given up"]:
        assert seen[name] > 0, name
    assert {name: min(met[name], often) for name, often in OFTEN.items()} == OFTEN


def is_changed(kind: str, tenant: str, table: Table, other: str) -> bool:
    """Whether events of type *kind* of *tenant* change *table* of the *other* tenant: of the same one."""
    return kind in table.changed_by and tenant == other


async def test_order_does_not_matter(platform: Platform) -> None:
    """Records of one row lie on different partitions, and the relay may read the later one first. What decides is the
    version where tables are compared by it, and that a session which has ended stays so; the result is the same.
    """
    begin = time.time() - HOUR / 4
    made, relay, watcher, now = world(2, begin), Relay(PACK), Watcher(), begin
    watcher.begin({})
    emitted, seen, turned = made.history(), Counter[str](), 0
    while now < begin + HOUR / 4:
        now += 60.0
        emitted += made.step(now)
        platform.take(emitted, now)
        heard = [each for record in emitted for each in relay.events(record)]
        late = sorted(heard, key=lambda each: delayed(*each))
        turned += heard != late
        for event, decoded in late:
            watcher.hear(event, decoded)
        seen += (await look(platform, [watcher], now))[0]
        emitted = []
    assert turned
    for _, table in TABLES:
        assert seen[table.name] > 0, table.name


def delayed(event: Event, decoded: dict[str, Any]) -> float:
    """When a relay reads *event*: up to ten seconds after its time. Events of one row in one second keep their order,
    because nothing in them tells which came first.
    """
    moment = clock.moment(event.time)
    assert moment is not None
    tables = PACK.channels[event.channel].tables
    names = [
        str([change["row"][column] for column in tables[change["table"]].key]) for change in decoded.get("rows", ())
    ]
    return moment.seconds + Random(f"{moment.seconds} {names or event.id}").uniform(0.0, 10.0)


async def test_sessions_that_never_end(platform: Platform) -> None:
    """A session is over after four hours for snapshots, by a condition in SQL, and for clients, by a clock rule."""
    now = time.time()
    relay, watcher = Relay(PACK), Watcher()
    watcher.begin({})
    connect = next(each for each in world(3, now).step(now + 60) if each.body["event_type"] == "viewer_connect")
    for age in (4 * HOUR + 30, 4 * HOUR - 300):
        payload = {**connect.body["data"]["viewer_connect"], "session_id": f"aged-{age:.0f}"}
        aged = changed(connect, now - age, viewer_connect=payload)
        platform.take([aged], now)
        for event, decoded in relay.events(aged):
            watcher.hear(event, decoded)
    seen, _ = await look(platform, [watcher], time.time())
    assert dict(seen) == {"viewers": 1}
