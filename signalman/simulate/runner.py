"""Runs a world by the clock: its events go out, and the rows that they become are written a little later."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from signalman.errors import BackendUnavailable
from signalman.simulate.ingest import Ingest, Insert
from signalman.simulate.warehouse import Warehouse, schema
from signalman.simulate.wire import Emitted
from signalman.simulate.world import World

log = logging.getLogger(__name__)

WRITE_EVERY = 1.0
"""Seconds between inserts, however often the world steps: a warehouse wants few and large ones."""

Emit = Callable[[Sequence[Emitted]], Awaitable[None]]
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


async def run(
    world: World,
    *,
    emit: Emit,
    warehouse: Warehouse | None,
    clock: Clock,
    sleep: Sleep,
    lag: float = 2.0,
    tick: float = 0.1,
    duration: float | None = None,
) -> None:
    """Step *world* until it is *duration* seconds past its start; for ever when that is None.

    Before the first step the tables are made and hold what the world's past has left in them.

    Args:
        world: Its start should be about now.
        emit: Puts records on the topics. A step is not taken before the last one's records are out.
        warehouse: Where rows go; None leaves ClickHouse out. While it does not answer, rows wait.
        clock: Unix seconds.
        sleep: Waits for so many seconds.
        lag: Seconds from an event to its rows.
        tick: Seconds between steps.
        duration: Seconds.

    Raises:
        BackendUnavailable: From *emit*, or when the tables cannot be made at the start.
    """
    writer = None if warehouse is None else await _prepared(world, warehouse, lag)
    end = None if duration is None else world.start + duration
    while True:
        now = clock() if end is None else min(clock(), end)
        emitted = world.step(now)
        if emitted:
            await emit(emitted)
        if writer is not None:
            await writer.write(emitted, now)
        if now == end:
            return
        await sleep(tick)


async def _prepared(world: World, warehouse: Warehouse, lag: float) -> "_Writer":
    for statement in schema():
        await warehouse.execute(statement)
    writer = _Writer(warehouse, Ingest(lag))
    await writer.write(world.history(), world.start)
    return writer


class _Writer:
    """Puts events through the ingest and writes what is due."""

    def __init__(self, warehouse: Warehouse, ingest: Ingest) -> None:
        self._warehouse = warehouse
        self._ingest = ingest
        self._waiting: list[Insert] = []
        self._next = 0.0

    async def write(self, emitted: Sequence[Emitted], now: float) -> None:
        """Take events, and write once a second."""
        self._ingest.feed(emitted)
        if now < self._next:
            return
        self._next = now + WRITE_EVERY
        self._waiting.extend(self._ingest.due(now))
        try:
            await self._flush()
        except BackendUnavailable as error:
            log.warning("rows wait: %s", error)

    async def _flush(self) -> None:
        while self._waiting:
            insert = self._waiting[0]
            await self._warehouse.insert(insert.table, insert.columns, insert.rows)
            del self._waiting[0]
