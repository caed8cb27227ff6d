"""How a subscription begins: its tables' rows, read after the feed was subscribed, as frames for its view.

Everybody who joins a view within a second shares one read and the very same bytes.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from signalman.channel import Channel, Table
from signalman.gateway import frames
from signalman.gateway.requests import Filter
from signalman.gateway.snapshots import SharedSnapshots, parts
from signalman.gateway.view import View
from signalman.ports import SnapshotQuery, SnapshotRows


def tables_of(channel: Channel, filter_: Filter) -> list[Table]:
    """The tables that a subscription through *filter_* begins with: those that have every column it restricts."""
    columns = {name for name, _ in filter_.fields}
    return [table for table in channel.tables.values() if columns <= set(table.columns)]


def lag_ms(table: Table, read: SnapshotRows) -> int | None:
    """Age of the newest row when *read* was made, milliseconds: an upper bound of how far the store is behind."""
    if table.version is None:
        return None
    newest = max((str(row[table.version]) for row in read.rows if row.get(table.version)), default=None)
    try:
        updated = datetime.fromisoformat(newest).timestamp() if newest else None
    except ValueError:
        return None  # a version that is a number, not a time
    return None if updated is None else max(0, read.as_of_ms - round(updated * 1000))


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table's rows as frames of one view, and the place in the view's log at which the read began."""

    mark: int
    generation: int
    frames: tuple[bytes, ...]

    def joins(self, view: View) -> bool:
        """Whether the view's log still holds everything since the read began."""
        return self.generation == view.generation and self.mark >= view.first


@dataclass(slots=True, eq=False)
class _Reading:
    began: float
    mark: int
    generation: int
    task: "asyncio.Task[TableRead]"

    def usable(self, view: View, oldest: float) -> bool:
        return self.began > oldest and self.generation == view.generation and self.mark >= view.first


class Joins:
    """Reads tables for views. All who join a view within *share* seconds get one read, together with its mark.

    The mark is what makes sharing right: rows that were read a second ago lack what happened since, so whoever is given
    them must also be given the view's log from that moment on.
    """

    def __init__(
        self,
        snapshots: SharedSnapshots,
        clock: Callable[[], float],
        *,
        part_rows: int,
        part_bytes: int,
        share: float,
    ) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._part_rows = part_rows
        self._part_bytes = part_bytes
        self._share = share
        self._readings: dict[tuple[str, str], _Reading] = {}

    async def read(self, view: View, table: Table) -> TableRead:
        """The `snapshot` frames of *table* for *view*.

        Raises:
            BackendUnavailable: ClickHouse does not answer.
            SnapshotTooLarge: There are more rows than the table allows.
        """
        name = (view.name, table.name)
        reading = self._readings.get(name)
        if reading is None or not reading.usable(view, self._clock() - self._share):
            task = asyncio.create_task(self._read(view, table))
            reading = _Reading(self._clock(), view.head, view.generation, task)
            self._readings[name] = reading
            reading.task.add_done_callback(partial(self._done, name, reading))
        # One who gives up must not take the answer from the others.
        return await asyncio.shield(reading.task)

    async def _read(self, view: View, table: Table) -> TableRead:
        mark, generation = view.head, view.generation
        query = SnapshotQuery(table, view.feed.scope, _fields(view.filter))
        read = await self._snapshots.read(query, fresh=True)
        return TableRead(mark, generation, tuple(self._frames(view, table, read)))

    def _done(self, name: tuple[str, str], reading: _Reading, task: "asyncio.Task[TableRead]") -> None:
        """Keep an answer as long as it may be shared, and a failure not at all."""
        failed = task.cancelled() or task.exception() is not None
        delay = 0.0 if failed else max(0.0, reading.began + self._share - self._clock())
        task.get_loop().call_later(delay, self._forget, name, reading)

    def _forget(self, name: tuple[str, str], reading: _Reading) -> None:
        if self._readings.get(name) is reading:
            del self._readings[name]

    def _frames(self, view: View, table: Table, read: SnapshotRows) -> list[bytes]:
        chunks = list(parts(read.rows, self._part_rows, self._part_bytes)) or [()]
        lag = lag_ms(table, read)
        return [
            frames.snapshot(
                view=view.name,
                table=table.name,
                key=table.key,
                rows=rows,
                part=number,
                last=number == len(chunks),
                as_of_ms=read.as_of_ms,
                lag_ms=lag,
            )
            for number, rows in enumerate(chunks, 1)
        ]


def _fields(filter_: Filter) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(sorted(values))) for name, values in filter_.fields)
