"""The loop that lets a world run by the clock."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from signalman.errors import BackendUnavailable
from signalman.simulate.runner import run
from signalman.simulate.wire import Emitted
from signalman.simulate.world import World
from tests.unit.simulate.make import START


class Bench:
    """A clock that moves only by sleeping, a topic and a warehouse that remember, each as `run` wants them."""

    def __init__(self) -> None:
        self.now = START
        self.emitted: list[Emitted] = []
        self.emitted_at: list[float] = []
        self.statements: list[str] = []
        self.inserts: list[tuple[float, str, int]] = []
        self.streams: list[tuple[float, float]] = []
        self.away_until = START

    def clock(self) -> float:
        """The time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    async def emit(self, emitted: Sequence[Emitted]) -> None:
        """Take records."""
        assert emitted
        self.emitted.extend(emitted)
        self.emitted_at.extend(self.now for _ in emitted)

    async def execute(self, sql: str) -> None:
        """Take a statement."""
        self.statements.append(sql)

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Take rows, when it is there."""
        if self.now < self.away_until:
            raise BackendUnavailable("clickhouse", "away")
        assert all(len(row) == len(columns) for row in rows)
        self.inserts.append((self.now, table, len(rows)))
        if table == "stream_state_current":
            at = columns.index("updated_at")
            self.streams.extend((self.now, row[at].timestamp()) for row in rows)


@pytest.fixture
def bench() -> Bench:
    """All that `run` needs."""
    return Bench()


async def lived(bench: Bench, *, seconds: float, **options: Any) -> World:
    """A world after *seconds* on the bench."""
    world = World(start=START)
    await run(
        world, emit=bench.emit, warehouse=bench, clock=bench.clock, sleep=bench.sleep, duration=seconds, **options
    )
    return world


async def test_events_go_out_as_they_happen(bench: Bench) -> None:
    """All of them, none later than a tick, and no longer than asked for."""
    await lived(bench, seconds=20)
    assert [each.key for each in bench.emitted] == [each.key for each in World(start=START).step(START + 20)]
    assert all(-0.001 < at - each.time < 0.11 for at, each in zip(bench.emitted_at, bench.emitted, strict=True))
    assert bench.now == pytest.approx(START + 20, abs=0.11)


async def test_the_first_snapshot_is_not_empty(bench: Bench) -> None:
    """The tables are there, and hold the world's past, before anything is emitted."""
    await lived(bench, seconds=0)
    assert len(bench.statements) == 8
    assert {table for _, table, _ in bench.inserts} == {statement.split()[5] for statement in bench.statements}
    assert sum(count for _, _, count in bench.inserts) > 500


async def test_rows_come_after_their_lag(bench: Bench) -> None:
    """Not before it is over, and about a second after it at the latest, with one insert a second for a table."""
    await lived(bench, seconds=12, lag=5.0)
    late = [at - since for at, since in bench.streams if since >= START]
    assert late
    assert all(5.0 <= each < 6.2 for each in late)
    times = [at for at, table, _ in bench.inserts if table == "stream_state_current"]
    assert all(second - first > 0.99 for first, second in pairwise(times))


async def test_rows_wait_while_the_warehouse_is_away(bench: Bench) -> None:
    """Nothing is lost, and events go on."""
    other = Bench()
    await lived(other, seconds=30)
    bench.away_until = START + 15
    await lived(bench, seconds=30)
    assert len(bench.emitted) == len(other.emitted)
    assert [each[1:] for each in bench.inserts] == [each[1:] for each in other.inserts]
    assert bench.inserts[0][0] >= START + 15


async def test_without_a_warehouse(bench: Bench) -> None:
    """Events alone."""
    world = World(start=START)
    await run(world, emit=bench.emit, warehouse=None, clock=bench.clock, sleep=bench.sleep, duration=5)
    assert bench.emitted
    assert not bench.statements
