"""Compares what was read with what was published, now and then, and says how much must be replayed."""

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from functools import partial

from signalman import clock
from signalman.event import Json, Publication
from signalman.gateway.changes import Change, changes_in
from signalman.gateway.lag import Windows, measured_lag
from signalman.gateway.replay import portions
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.ports import SnapshotRows
from signalman.table import Table

MOST_EVENTS = 5_000
"""The newest ones are compared; a store that is further behind than these reach is not measured in full at once."""


class Measure:
    """The lag of each table, as far as this process has seen it.

    Args:
        windows: Remembers.
        metrics: Shows.
        now: Unix seconds, by the clock by which the store's ``as_of_ms`` is told.
    """

    def __init__(self, windows: Windows, metrics: Metrics, now: Callable[[], float]) -> None:
        self._windows = windows
        self._metrics = metrics
        self._now = now

    def window_ms(self, tables: Sequence[Table]) -> int:
        """How far back a replay over all of *tables* begins."""
        now, largest = self._now(), 0
        for table in tables:
            window = self._windows.window_ms(table.name, now)
            self._metrics.replay_window.labels(table.name).set(window / 1000)
            largest = max(largest, window)
        return largest

    def lag_ms(self, table: Table, read: SnapshotRows) -> int | None:
        """The largest lag of *table* that was measured of late; without one, the age of the newest row in *read*."""
        measured = self._windows.lag_ms(table.name, self._now())
        return age_ms(table, read) if measured is None else measured

    def lags_ms(self) -> dict[str, int]:
        """The largest lag of each table that was measured of late."""
        return self._windows.lags_ms(self._now())

    def queried(self, table: Table, query_ms: int) -> None:
        """A query of *table* took so long, waiting for its turn included."""
        self._windows.queried(table.name, query_ms, self._now())

    def compare(
        self, view: View, reads: Sequence[tuple[Table, SnapshotRows]], began_ms: int, ended_ms: int
    ) -> Generator[None, None, None]:
        """Measure the tables that are due by *reads*, made between two moments of the bus's clock."""
        now = self._now()
        due = [(table, read) for table, read in reads if table.changed_by and self._windows.is_due(table.name, now)]
        if not due:
            return
        ahead_ms = ended_ms - round(now * 1000)
        changes: dict[str, list[Change]] = {table.name: [] for table, _ in due}
        tables = {table.name: table for table, _ in due}
        for portion in portions(_newest(view)):
            for publication in portion:
                for change in changes_in(publication, tables, view.filter):
                    changes[change.table].append(change)
            yield
        for table, read in due:
            # By the bus's clock; the two clocks are never quite alike, but the store was asked between the two moments.
            as_of_ms = min(max(read.as_of_ms + ahead_ms, began_ms), ended_ms)
            lasts = partial(_lasts, table, read.as_of_ms)
            lag = measured_lag(table, read.rows, changes[table.name], as_of_ms, lasts)
            self._windows.measured(table.name, lag, now)
            if lag is not None:
                self._metrics.snapshot_lag.labels(table.name).set(lag / 1000)
            yield


def age_ms(table: Table, read: SnapshotRows) -> int | None:
    """Age of the newest row when *read* was made, milliseconds: an upper bound of how far the store is behind."""
    if table.version is None:
        return None
    newest = max((str(row[table.version]) for row in read.rows if row.get(table.version)), default=None)
    try:
        updated = datetime.fromisoformat(newest).timestamp() if newest else None
    except ValueError:
        return None  # a version that is a number, not a time
    return None if updated is None else max(0, read.as_of_ms - round(updated * 1000))


def _lasts(table: Table, now_ms: int, row: Mapping[str, Json]) -> bool:
    return clock.apply(row, table.clock, now_ms) is not None


def _newest(view: View) -> Sequence[Publication]:
    position = view.log.position
    if position is None:
        return ()
    oldest, _ = view.log.since(0)
    return view.log.after(max(oldest, position.seq - MOST_EVENTS)) or ()
