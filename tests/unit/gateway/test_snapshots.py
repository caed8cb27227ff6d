"""Sharing of snapshot reads, the net under their rows, and parts."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.errors import BackendUnavailable, SnapshotTooLarge
from signalman.gateway.frames import rfc3339
from signalman.gateway.snapshots import SharedSnapshots, parts
from signalman.metrics import Metrics
from signalman.ports import SnapshotQuery, SnapshotRows
from signalman.table import ClockRule, Table

TABLE = Table(
    name="nodes",
    title="Nodes",
    source="node_state_current",
    scope=("tenant_id",),
    scope_types=("string",),
    key=("node_id",),
    columns=("node_id", "base_url", "urls", "host"),
    version=None,
    where=(),
    max_rows=100,
)
QUERY = SnapshotQuery(TABLE, ("t1",))
OTHER = SnapshotQuery(TABLE, ("t2",))


class ScriptedStore:
    """A `Snapshots` that answers when told to."""

    def __init__(self, rows: list[dict[str, Any]] | None = None) -> None:
        self.rows = rows if rows is not None else [{"node_id": "n1"}]
        self.asked: list[SnapshotQuery] = []
        self.running = 0
        self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        """Answer with the page of `rows`."""
        await self._work(query)
        after = query.after[0] if query.after else ""
        rows = [row for row in self.rows if row["node_id"] > after]
        return SnapshotRows(tuple(rows[: query.limit]), len(self.asked))

    async def count(self, query: SnapshotQuery) -> int:
        """Answer with how many there are."""
        await self._work(query)
        return len(self.rows)

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        """Answer with a type for each."""
        return dict.fromkeys(table.columns, "String")

    async def ping(self) -> None:
        """Answer."""
        await self._work(QUERY)

    async def _work(self, query: SnapshotQuery) -> None:
        self.asked.append(query)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def shared(store: ScriptedStore, clock: Callable[[], float] | None = None, **options: Any) -> SharedSnapshots:
    """`SharedSnapshots` over *store*."""
    return SharedSnapshots(store, Metrics(), clock=clock or Clock(), **options)


async def turns(count: int = 5) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_query_serves_all_who_ask_at_once() -> None:
    """A thousand askers of the same cost one query and get the very same rows."""
    store = ScriptedStore()
    snapshots = shared(store)
    reads = await asyncio.gather(*(snapshots.read(QUERY) for _ in range(1000)))
    assert len(store.asked) == 1
    assert all(read is reads[0] for read in reads)


async def test_an_answer_is_shared_until_it_is_old() -> None:
    """Within a second from its beginning an answer is given again; then the store is asked anew."""
    store, clock = ScriptedStore(), Clock()
    snapshots = shared(store, clock, ttl=1.0)
    first = await snapshots.read(QUERY)
    clock.now = 0.99
    assert await snapshots.read(QUERY) is first
    clock.now = 1.0
    assert await snapshots.read(QUERY) is not first
    assert len(store.asked) == 2


async def test_age_counts_from_the_beginning_of_the_query() -> None:
    """A slow answer is as old as its query, but whoever asks while it runs waits for it."""
    store, clock = ScriptedStore(), Clock()
    snapshots = shared(store, clock, ttl=1.0)
    store.gate.clear()
    waiting = [asyncio.create_task(snapshots.read(QUERY))]
    await turns()
    clock.now = 5.0
    waiting.append(asyncio.create_task(snapshots.read(QUERY)))
    await turns()
    store.gate.set()
    assert (await waiting[0]) is (await waiting[1])
    await snapshots.read(QUERY)
    assert len(store.asked) == 2


async def test_a_fresh_answer_is_of_a_query_not_yet_begun() -> None:
    """Who wants a fresh answer is not given one whose query has begun, finished or not, but shares one that waits."""
    store = ScriptedStore()
    snapshots = shared(store, concurrency=1)
    old = await snapshots.read(QUERY)
    store.gate.clear()
    waiting = [asyncio.create_task(snapshots.read(QUERY, fresh=True)) for _ in range(2)]
    await turns()
    waiting += [asyncio.create_task(snapshots.read(QUERY, fresh=True)) for _ in range(2)]
    await turns()
    store.gate.set()
    reads = await asyncio.gather(*waiting)
    assert old is not reads[0] is reads[1] is not reads[2] is reads[3]
    assert len(store.asked) == 3


@pytest.mark.parametrize(
    "other",
    [OTHER, replace(QUERY, limit=1), replace(QUERY, filters=(("node_id", ("n1",)),)), replace(QUERY, after=("a",))],
)
async def test_different_queries_are_not_shared(other: SnapshotQuery) -> None:
    """Another scope, filter or page is another query."""
    store = ScriptedStore()
    snapshots = shared(store)
    await asyncio.gather(snapshots.read(QUERY), snapshots.read(other))
    assert store.asked == [QUERY, other]


async def test_counts_of_all_pages_are_one() -> None:
    """A count is shared by all pages of a query, and never with the rows."""
    store = ScriptedStore()
    snapshots = shared(store)
    pages = [replace(QUERY, limit=1), replace(QUERY, after=("n0",), limit=2)]
    assert await asyncio.gather(*(snapshots.count(page) for page in pages)) == [1, 1]
    await snapshots.read(QUERY)
    assert len(store.asked) == 2


async def test_giving_up_does_not_disturb_the_others() -> None:
    """One who is cancelled, even the one who asked first, takes nothing from those who still wait."""
    store = ScriptedStore()
    snapshots = shared(store)
    store.gate.clear()
    first, second = (asyncio.create_task(snapshots.read(QUERY)) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    assert first.cancelled()
    store.gate.set()
    assert (await second).rows == ({"node_id": "n1"},)
    assert len(store.asked) == 1


async def test_an_answer_nobody_waits_for_is_kept() -> None:
    """When all have given up, what was asked for is there for who comes next; its failure disturbs nobody."""
    store = ScriptedStore()
    snapshots = shared(store)
    store.gate.clear()
    for error in (None, BackendUnavailable("clickhouse", "away")):
        store.error = error
        asker = asyncio.create_task(snapshots.read(QUERY if error is None else OTHER))
        await turns()
        asker.cancel()
        await turns()
        store.gate.set()
        await turns()
    assert (await snapshots.read(QUERY)).rows == ({"node_id": "n1"},)
    assert len(store.asked) == 2


@pytest.mark.parametrize("error", [BackendUnavailable("clickhouse", "away"), SnapshotTooLarge("nodes", 100)], ids=str)
async def test_failure_is_shared_by_those_who_waited_only(error: Exception) -> None:
    """All who waited get the failure; who asks afterwards, even at once, gets another try."""
    store = ScriptedStore()
    snapshots = shared(store)
    store.error = error
    results = await asyncio.gather(*(snapshots.read(QUERY) for _ in range(3)), return_exceptions=True)
    assert results == [error] * 3
    assert len(store.asked) == 1
    store.error = None
    assert (await snapshots.read(QUERY)).rows == ({"node_id": "n1"},)


async def test_asking_again_on_failure_asks_the_store_again() -> None:
    """A waiter that tries again as soon as it wakes up is not given the same failure."""
    store = ScriptedStore()
    snapshots = shared(store)

    async def persistent() -> SnapshotRows:
        try:
            return await snapshots.read(QUERY)
        except BackendUnavailable:
            store.error = None
            return await snapshots.read(QUERY)

    store.error = BackendUnavailable("clickhouse", "away")
    await asyncio.gather(*(persistent() for _ in range(3)))
    assert len(store.asked) == 2


async def test_the_store_gets_a_few_queries_at_a_time() -> None:
    """More different queries than there are places wait for their turn, and all are answered."""
    store = ScriptedStore()
    snapshots = shared(store, concurrency=3)
    queries = [SnapshotQuery(TABLE, (f"t{n}",)) for n in range(10)]
    store.gate.clear()
    asked = [asyncio.create_task(ask(query)) for query in queries for ask in (snapshots.read, snapshots.count)]
    await turns()
    assert len(store.asked) == 3
    store.gate.set()
    await asyncio.gather(*asked)
    assert store.most == 3
    assert len(store.asked) == 20


async def test_finished_answers_are_bounded() -> None:
    """Of finished answers only so many rows are kept, the newest; the answer itself is given whatever its size."""
    store = ScriptedStore([{"node_id": str(n)} for n in range(10)])
    snapshots = shared(store, max_rows=25)
    for tenant in ("t1", "t2", "t3"):
        assert len((await snapshots.read(SnapshotQuery(TABLE, (tenant,)))).rows) == 10
    assert sum(reading.rows for reading in snapshots._readings.values()) == 20
    await snapshots.read(SnapshotQuery(TABLE, ("t3",)))
    assert len(store.asked) == 3
    await snapshots.read(QUERY)
    assert len(store.asked) == 4


async def test_an_idle_gateway_keeps_nothing() -> None:
    """Answers are let go after their time although nobody asks again."""
    snapshots = shared(ScriptedStore(), ttl=0)
    await snapshots.read(QUERY)
    await turns()
    assert snapshots._readings == {}


async def test_metrics_tell_reads_shared_and_failed() -> None:
    """Each asker shows in exactly one outcome, but for those who shared a failure."""
    store, metrics = ScriptedStore(), Metrics()
    snapshots = SharedSnapshots(store, metrics, clock=Clock())
    await asyncio.gather(*(snapshots.read(QUERY) for _ in range(3)))
    store.error = BackendUnavailable("clickhouse", "away")
    with pytest.raises(BackendUnavailable):
        await snapshots.read(OTHER)
    value = metrics.registry.get_sample_value
    counts = {
        outcome: value("signalman_snapshots_total", {"table": "nodes", "outcome": outcome})
        for outcome in ("read", "shared", "failed")
    }
    assert counts == {"read": 1, "shared": 2, "failed": 1}
    assert value("signalman_snapshot_seconds_count", {"table": "nodes"}) == 1


async def test_ping_asks_the_store() -> None:
    """A ping is never an old answer."""
    store = ScriptedStore()
    snapshots = shared(store)
    await snapshots.ping()
    await snapshots.ping()
    assert len(store.asked) == 2


async def test_addresses_do_not_pass() -> None:
    """A value that holds an address, and a column with a host-like name, are removed; the rest of the row stays."""
    row = {"node_id": "n1", "base_url": "http://192.0.2.7:80/x", "urls": ["https://a.example", "2001:db8::1"]}
    [clean] = (await shared(ScriptedStore([{**row, "host": "edge.example"}])).read(QUERY)).rows
    assert clean == {"node_id": "n1", "urls": ["https://a.example"]}


async def test_exposed_columns_may_hold_addresses() -> None:
    """A column that the table exposes passes as it is, with all items of a list."""
    row = {"node_id": "n1", "base_url": "http://192.0.2.7:80/x", "urls": ["2001:db8::1"], "host": "192.0.2.8"}
    table = replace(TABLE, expose=frozenset({"base_url", "urls", "host"}))
    read = await shared(ScriptedStore([row])).read(SnapshotQuery(table, ("t1",)))
    assert read.rows == (row,)


async def test_a_row_without_its_key_is_left_out() -> None:
    """A row whose key holds an address cannot be shown in part: nobody could tell which row it is."""
    rows = [{"node_id": "192.0.2.1"}, {"node_id": "a"}]
    assert (await shared(ScriptedStore(rows)).read(QUERY)).rows == ({"node_id": "a"},)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_pages_are_full_although_rows_are_left_out(size: int) -> None:
    """A page that lost rows is filled up with the next ones, so that only the last page is short."""
    rows = [{"node_id": f"192.0.2.{n}"} for n in range(4)] + [{"node_id": name} for name in "abcd"]
    snapshots = shared(ScriptedStore(rows))
    walked: list[str] = []
    while True:
        after = (walked[-1],) if walked else None
        page = (await snapshots.read(replace(QUERY, after=after, limit=size))).rows
        walked += [row["node_id"] for row in page]
        if len(page) < size:
            break
    assert walked == list("abcd")


STALE = replace(
    TABLE,
    columns=("node_id", "seen"),
    derived={"stale": False},
    clock=(ClockRule("seen", 90_000, set={"stale": True}), ClockRule("seen", 3_600_000)),
)
"""A node that says nothing for 90 s is stale, one that says nothing for an hour is gone."""


def seen(number: int, seconds_ago: int) -> dict[str, Any]:
    """A node that was last heard of so long before the store is asked: at 1970-01-02."""
    return {"node_id": f"n{number:02}", "seen": rfc3339(86_400 - seconds_ago)}


class TimedStore(ScriptedStore):
    """One that was asked at a moment of its own."""

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        """Answer with the page of `rows`."""
        return replace(await super().read(query), as_of_ms=86_400_000)


async def test_rows_are_as_time_has_made_them() -> None:
    """Columns that the store does not have, and what the clock alone does, at the moment when the store was asked."""
    store = TimedStore([seen(1, 5), seen(2, 90), seen(3, 3_600)])
    read = await shared(store).read(replace(QUERY, table=STALE))
    assert read.rows == ({**seen(1, 5), "stale": False}, {**seen(2, 90), "stale": True})
    assert store.rows == [seen(1, 5), seen(2, 90), seen(3, 3_600)]


@given(ages=st.lists(st.sampled_from([5, 90, 3_600]), max_size=12), size=st.integers(1, 5))
async def test_pages_are_full_although_time_took_rows(ages: list[int], size: int) -> None:
    """A page has its rows wherever enough are left, and together the pages have each row once."""
    store = TimedStore([seen(number, age) for number, age in enumerate(ages)])
    snapshots, query, pages = shared(store), replace(QUERY, table=STALE, limit=size), []
    while True:
        read = await snapshots.read(query)
        pages.append([row["node_id"] for row in read.rows])
        if len(read.rows) < size:
            break
        query = replace(query, after=(read.rows[-1]["node_id"],))
    left = [f"n{number:02}" for number, age in enumerate(ages) if age < 3_600]
    assert [node for page in pages for node in page] == left
    assert all(len(page) == size for page in pages[:-1])


async def test_other_work_goes_on_while_rows_are_cleaned() -> None:
    """Thousands of rows do not hold up the event loop."""
    snapshots = shared(ScriptedStore([{"node_id": str(n)} for n in range(5000)]))
    read = asyncio.create_task(snapshots.read(QUERY))
    passed = 0
    while not read.done():
        await asyncio.sleep(0)
        passed += 1
    assert passed >= 20


ROWS = st.lists(st.fixed_dictionaries({"node_id": st.text(max_size=40).map(repr)}), max_size=30)


@given(ROWS, st.integers(1, 10), st.integers(10, 200))
def test_parts_hold_all_rows_within_bounds(rows: list[dict[str, Any]], max_rows: int, max_bytes: int) -> None:
    """Property: parts together are the rows in order; each is within both bounds, or is a single row."""
    cut = list(parts(rows, max_rows, max_bytes))
    assert [row for part in cut for row in part] == rows
    for part in cut:
        assert 1 <= len(part) <= max_rows
        assert len(part) == 1 or len(orjson.dumps(part)) <= max_bytes


def test_parts_are_as_few_as_rows_allow() -> None:
    """A part ends only where the next row would not fit."""
    rows = [{"n": number} for number in range(1001)]
    assert [len(part) for part in parts(rows)] == [500, 500, 1]
    assert [len(part) for part in parts(rows[:4], 500, 2 * len(b'{"n":0},') + 2)] == [2, 2]
    assert list(parts([])) == []
