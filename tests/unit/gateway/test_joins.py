"""Who shares a join or a resume, and with whom."""

import asyncio
from collections.abc import Mapping

import orjson
import pytest

from signalman.errors import BackendUnavailable
from signalman.event import Position
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.join import Joined
from signalman.gateway.joins import Joins
from signalman.gateway.lag import Windows
from signalman.gateway.measure import Measure
from signalman.gateway.requests import Cursor, Filter
from signalman.gateway.snapshots import SharedSnapshots
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.ports import SnapshotQuery, SnapshotRows
from signalman.table import Table
from tests.unit.gateway.make import NOW_MS, STREAM, event, followed, publication, table

ROWS: tuple[dict[str, object], ...] = ({"stream_id": STREAM, "status": "live", "updated_at": "2026-08-20T10:11:12Z"},)


class Store:
    """Counts reads; answers when allowed to."""

    def __init__(self) -> None:
        self.queries: list[SnapshotQuery] = []
        self.asked = asyncio.Event()
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        self.queries.append(query)
        self.asked.set()
        await self.gate.wait()
        if self.failing:
            raise BackendUnavailable("clickhouse", "away")
        return SnapshotRows(ROWS, NOW_MS)

    async def count(self, query: SnapshotQuery) -> int:
        return len(ROWS)

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        return dict.fromkeys(table.columns, "String")

    async def ping(self) -> None:
        return None


class World:
    """A feed at position 1, its view, and joins over a store."""

    def __init__(self) -> None:
        self.now = 100.0
        self.store = Store()
        self.feed: FollowedFeed = followed(Position("e1", 1, 1), max_frames=3)
        self.view: View = self.feed.view(Filter())
        metrics = Metrics()
        self.joins = Joins(
            SharedSnapshots(self.store, metrics, clock=self._clock),
            Measure(Windows(floor_ms=500, most_ms=500), metrics, self._clock),
            clock=self._clock,
            now_ms=lambda: NOW_MS,
            part_rows=500,
            part_bytes=65536,
            share=1.0,
        )

    def _clock(self) -> float:
        return self.now

    def publish(self, prev: int) -> None:
        """The next event."""
        self.feed.publication(publication(prev, event(prev + 1)), NOW_MS)

    async def join(self, *names: str) -> Joined:
        """One more who wants everything, or these tables."""
        return await self.joins.join(self.view, [table(name) for name in names or ("streams", "others")])


async def test_rows_of_all_tables_come_before_the_past() -> None:
    """One query each, of the view's scope and filter; then what was published before."""
    world = World()
    world.publish(1)
    joined = await world.join()
    frames = [orjson.loads(frame) for frame in joined.frames]
    assert [(frame["type"], frame.get("table")) for frame in frames] == [
        ("snapshot", "streams"),
        ("snapshot", "others"),
        ("events", None),
    ]
    assert frames[0]["rows"] == list(ROWS)
    assert {query.scope for query in world.store.queries} == {world.view.feed.scope}


async def test_all_who_join_together_share_one_join() -> None:
    """A thousand who come within a second cost one query of each table and get the very same bytes."""
    world = World()
    joined = await asyncio.gather(*(world.join() for _ in range(1000)))
    assert len(world.store.queries) == 2
    assert all(each is joined[0] for each in joined)


async def test_who_gets_fewer_tables_has_a_join_of_its_own() -> None:
    """One that is mended within the second is not withheld from those who come after that."""
    world = World()
    fewer = await world.join("others")
    both = await world.join()
    assert (len(fewer.frames), len(both.frames)) == (1, 2)


async def test_a_later_one_reads_anew() -> None:
    """After the second is over, rows are read again."""
    world = World()
    await world.join()
    world.now += 1.0
    await world.join()
    assert len(world.store.queries) == 4


async def test_what_is_shared_says_where_the_log_goes_on() -> None:
    """What happened since the shared rows were asked for is in the log behind their mark."""
    world = World()
    first = await world.join()
    world.publish(1)
    second = await world.join()
    assert second is first
    assert [frame.prev for frame in world.view.since(second.mark)] == [1]


async def test_what_the_log_has_lapped_is_not_shared() -> None:
    """When so much happened that the log no longer reaches the mark, the rows are read again."""
    world = World()
    first = await world.join()
    for seq in range(1, 6):
        world.publish(seq)
    assert not first.holds
    assert (await world.join()).holds
    assert len(world.store.queries) == 4


async def test_a_join_from_before_a_reset_does_not_hold_after_it() -> None:
    """What the reset lost is in no log, so the rows must be newer than it."""
    world = World()
    world.store.gate.clear()
    early = asyncio.ensure_future(world.join())
    await world.store.asked.wait()
    world.feed.retired(Position("e2", 0, NOW_MS), "skipped", NOW_MS)
    world.store.gate.set()
    assert not (await early).holds
    assert (await world.join()).holds


async def test_a_failure_is_shared_only_by_those_who_waited() -> None:
    """Whoever asks after a failure gets a new attempt."""
    world = World()
    world.store.failing = True
    results = await asyncio.gather(*(world.join() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [BackendUnavailable] * 3
    world.store.failing = False
    assert (await world.join()).frames


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    """A client that leaves while its tables are read does not cancel the query for the rest."""
    world = World()
    world.store.gate.clear()
    leaving, staying = asyncio.ensure_future(world.join()), asyncio.ensure_future(world.join())
    await asyncio.sleep(0)
    leaving.cancel()
    world.store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert (await staying).frames


async def test_all_who_come_back_from_one_place_share_the_replay() -> None:
    """When a gateway went away, its clients stood at the same seq; the same bytes serve them all, others get others."""
    world = World()
    world.view = world.feed.view(Filter(types=frozenset({"stream_buffer"})))
    for seq in range(1, 6):
        world.publish(seq)
    token = world.view.token("e1")
    two, two_as_well, three = await asyncio.gather(
        *(world.joins.resume(world.view, Cursor(epoch=token, seq=seq)) for seq in (2, 2, 3))
    )
    assert two is two_as_well
    assert (two.events, three.events, two.recovered) == (4, 0, True)
    assert world.store.queries == []
