"""How a subscription begins: which tables, how old they are, and who shares a read."""

import asyncio

import orjson
import pytest

from signalman.errors import BackendUnavailable
from signalman.event import Position
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.join import Joins, lag_ms, tables_of
from signalman.gateway.requests import Filter
from signalman.gateway.snapshots import SharedSnapshots
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.ports import SnapshotQuery, SnapshotRows
from tests.unit.gateway.make import FEED, STREAM, catalog, event, publication, table

ROWS: tuple[dict[str, object], ...] = ({"stream_id": STREAM, "status": "live", "updated_at": "2026-08-20T10:11:12Z"},)
AS_OF = 1_787_220_675_000  # three seconds after the row's change


class Store:
    """Counts reads; answers when allowed to."""

    def __init__(self, rows: tuple[dict[str, object], ...] = ROWS) -> None:
        self.rows = rows
        self.queries: list[SnapshotQuery] = []
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        self.queries.append(query)
        await self.gate.wait()
        if self.failing:
            raise BackendUnavailable("clickhouse", "away")
        return SnapshotRows(self.rows, AS_OF)

    async def count(self, query: SnapshotQuery) -> int:
        return len(self.rows)

    async def ping(self) -> None:
        return None


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def followed() -> tuple[FollowedFeed, View]:
    """A feed at position 1 and its view."""
    feed = FollowedFeed(FEED, max_frames=3, max_bytes=1 << 20)
    feed.start(Position("e1", 1))
    return feed, feed.view(Filter())


def joins(store: Store, clock: Clock) -> Joins:
    """Joins over *store*."""
    shared = SharedSnapshots(store, Metrics(), clock=clock)
    return Joins(shared, clock, part_rows=500, part_bytes=65536, share=1.0)


def test_a_filter_leaves_out_tables_without_its_column() -> None:
    """A table that cannot be restricted as asked is not sent, rather than sent whole."""
    system = catalog().channels["system"]
    assert [t.name for t in tables_of(system, Filter())] == ["nodes", "orchestrators"]
    assert [t.name for t in tables_of(system, Filter(fields=(("node_id", frozenset("n")),)))] == ["nodes"]


def test_the_lag_is_the_age_of_the_newest_row() -> None:
    """Measured when the rows were read; unknown without rows."""
    assert lag_ms(table(), SnapshotRows(ROWS, AS_OF)) == 3000
    assert lag_ms(table(), SnapshotRows((), AS_OF)) is None
    assert lag_ms(table(), SnapshotRows(({"updated_at": "17"},), AS_OF)) is None


async def test_frames_carry_rows_parts_and_age() -> None:
    """A read becomes `snapshot` frames of the view."""
    _, view = followed()
    read = await joins(Store(), Clock()).read(view, table())
    (frame,) = (orjson.loads(data) for data in read.frames)
    assert frame == {
        "type": "snapshot",
        "view": view.name,
        "table": "streams",
        "key": ["stream_id"],
        "part": 1,
        "last": True,
        "as_of": "2026-08-20T10:11:15.000Z",
        "lag_ms": 3000,
        "rows": list(ROWS),
    }


async def test_no_rows_are_one_empty_part() -> None:
    """A client learns that a table is empty."""
    _, view = followed()
    read = await joins(Store(rows=()), Clock()).read(view, table())
    (frame,) = (orjson.loads(data) for data in read.frames)
    assert (frame["rows"], frame["last"], frame["lag_ms"]) == ([], True, None)


async def test_all_who_join_together_share_one_read() -> None:
    """A thousand who come within a second cost one query and get the very same bytes."""
    _, view = followed()
    store = Store()
    shared = joins(store, Clock())
    reads = await asyncio.gather(*(shared.read(view, table()) for _ in range(1000)))
    assert len(store.queries) == 1
    assert all(read is reads[0] for read in reads)


async def test_a_later_one_reads_anew() -> None:
    """After the second is over, rows are read again."""
    _, view = followed()
    store, clock = Store(), Clock()
    shared = joins(store, clock)
    await shared.read(view, table())
    clock.now += 1.0
    await shared.read(view, table())
    assert len(store.queries) == 2


async def test_a_shared_read_comes_with_the_place_where_it_began() -> None:
    """What happened since the shared rows were read is in the log behind their mark."""
    feed, view = followed()
    shared = joins(Store(), Clock())
    first = await shared.read(view, table())
    feed.publication(publication(1, event(2)))
    second = await shared.read(view, table())
    assert second is first
    assert [frame.prev for frame in view.since(second.mark)] == [1]


async def test_rows_whose_mark_fell_out_of_the_log_are_not_shared() -> None:
    """When so much happened that the log no longer reaches the mark, the rows are read again."""
    feed, view = followed()
    store = Store()
    shared = joins(store, Clock())
    read = await shared.read(view, table())
    for seq in range(1, 6):
        feed.publication(publication(seq, event(seq)))
    assert not read.joins(view)
    assert (await shared.read(view, table())).joins(view)
    assert len(store.queries) == 2


async def test_a_read_from_before_a_reset_does_not_join_after_it() -> None:
    """What the reset lost is in no log, so the rows must be newer than it."""
    feed, view = followed()
    store = Store()
    store.gate.clear()
    shared = joins(store, Clock())
    early = asyncio.ensure_future(shared.read(view, table()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    feed.publication(publication(7, event(8)))
    store.gate.set()
    assert not (await early).joins(view)
    assert (await shared.read(view, table())).joins(view)


async def test_a_failure_is_shared_only_by_those_who_waited() -> None:
    """Whoever asks after a failure gets a new attempt."""
    _, view = followed()
    store = Store()
    store.failing = True
    shared = joins(store, Clock())
    results = await asyncio.gather(*(shared.read(view, table()) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [BackendUnavailable] * 3
    await asyncio.sleep(0)
    store.failing = False
    assert (await shared.read(view, table())).frames


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    """A client that leaves while its tables are read does not cancel the query for the rest."""
    _, view = followed()
    store = Store()
    store.gate.clear()
    shared = joins(store, Clock())
    leaving = asyncio.ensure_future(shared.read(view, table()))
    staying = asyncio.ensure_future(shared.read(view, table()))
    await asyncio.sleep(0)
    leaving.cancel()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert (await staying).frames
