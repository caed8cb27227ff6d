"""Joins and resumes as they are shared: everybody who begins on a view within a second gets the very same bytes."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from signalman.gateway.join import Join, Joined, row_frames
from signalman.gateway.measure import Measure
from signalman.gateway.requests import Cursor, Filter
from signalman.gateway.resume import resume
from signalman.gateway.snapshots import SharedSnapshots, parts
from signalman.gateway.view import View
from signalman.ports import SnapshotQuery, SnapshotRows
from signalman.table import Table

T = TypeVar("T")
Name = tuple[str, Cursor | tuple[str, ...]]
"""View, and the cursor of those who come back with one, or the names of the tables that the others get."""


@dataclass(slots=True, eq=False)
class _Beginning:
    began: float
    task: "asyncio.Task[Joined]"

    def is_shared(self, oldest: float) -> bool:
        return self.began > oldest and (not self.task.done() or self.task.result().holds)


class Joins:
    """Begins subscriptions. All who begin on a view within *share* seconds, and with the same cursor, share it.

    Sharing is right because what is shared says where the view's log goes on: whoever gets rows that are a second old
    gets everything since they were asked for.

    Args:
        snapshots: The tables.
        measure: How far they are behind.
        clock: Unix seconds.
        now_ms: The bus's clock.
        part_rows: Rows of one `snapshot` frame, at most.
        part_bytes: Size of one, about.
        share: Seconds.
    """

    def __init__(
        self,
        snapshots: SharedSnapshots,
        measure: Measure,
        *,
        clock: Callable[[], float],
        now_ms: Callable[[], int],
        part_rows: int,
        part_bytes: int,
        share: float,
    ) -> None:
        self._snapshots = snapshots
        self._measure = measure
        self._clock = clock
        self._now_ms = now_ms
        self._part_rows = part_rows
        self._part_bytes = part_bytes
        self._share = share
        self._beginnings: dict[Name, _Beginning] = {}

    async def join(self, view: View, tables: Sequence[Table]) -> Joined:
        """Begin with the rows of *tables*.

        The log may go on from another place by the time this returns: see `Joined.holds`.

        Raises:
            BackendUnavailable: ClickHouse does not answer.
            SnapshotTooLarge: There are more rows than a table allows.
        """
        return await self._shared((view.name, tuple(table.name for table in tables)), partial(self._join, view, tables))

    async def resume(self, view: View, cursor: Cursor) -> Joined:
        """Go on from *cursor*, for which there is no `resume.refusal`. See `join` for what may happen meanwhile."""
        return await self._shared((view.name, cursor), partial(_in_steps, resume(view, cursor)))

    async def _shared(self, name: Name, begin: Callable[[], Coroutine[None, None, Joined]]) -> Joined:
        beginning = self._beginnings.get(name)
        if beginning is None or not beginning.is_shared(self._clock() - self._share):
            beginning = self._beginnings[name] = _Beginning(self._clock(), asyncio.create_task(begin()))
            beginning.task.add_done_callback(partial(self._done, name, beginning))
        # One who gives up must not take the answer from the others.
        return await asyncio.shield(beginning.task)

    async def _join(self, view: View, tables: Sequence[Table]) -> Joined:
        now_ms = self._now_ms()
        join = Join(view, tables, now_ms=now_ms, window_ms=self._measure.window_ms(tables))
        reads = await asyncio.gather(*(self._read(view, table) for table in tables))
        await _in_steps(self._measure.compare(view, list(zip(tables, reads, strict=True)), now_ms, self._now_ms()))
        rows: list[bytes] = []
        for table, read in zip(tables, reads, strict=True):
            chunks = parts(read.rows, self._part_rows, self._part_bytes)
            rows += row_frames(view, table, chunks, read.as_of_ms, self._measure.lag_ms(table, read))
        return await _in_steps(join.finish(rows))

    async def _read(self, view: View, table: Table) -> SnapshotRows:
        began = self._clock()
        read = await self._snapshots.read(SnapshotQuery(table, view.feed.scope, _fields(view.filter)), fresh=True)
        self._measure.queried(table, round((self._clock() - began) * 1000))
        return read

    def _done(self, name: Name, beginning: _Beginning, task: "asyncio.Task[Joined]") -> None:
        """Keep a beginning as long as it may be shared, and a failure not at all: who waited for it may ask again."""
        if task.cancelled() or task.exception() is not None:
            self._forget(name, beginning)
            return
        delay = max(0.0, beginning.began + self._share - self._clock())
        task.get_loop().call_later(delay, self._forget, name, beginning)

    def _forget(self, name: Name, beginning: _Beginning) -> None:
        if self._beginnings.get(name) is beginning:
            del self._beginnings[name]


def _fields(filter_: Filter) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(sorted(values))) for name, values in filter_.fields)


async def _in_steps(work: Generator[None, None, T]) -> T:
    """Do *work*, and let others have their turn wherever it stops."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        await asyncio.sleep(0)
