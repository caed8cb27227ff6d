"""How far a table in the store is behind its feed, measured by what a snapshot lacks, and how much to replay for it.

The store does not tell how far it has come. But a change that was published before the rows were read and is not in
them had not arrived, so the store was at least that much behind. No clock: moments are passed in.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from signalman.event import Json
from signalman.gateway.changes import Change, key_of
from signalman.table import Table
from signalman.version import is_newer

INTERVAL = 10.0
"""Seconds between two measurements of a table: each compares thousands of rows."""

MEMORY = 600.0
"""Seconds for which the largest measurement counts: a store that was slow will be slow again."""

Lasts = Callable[[Mapping[str, Json]], bool]
"""Whether time alone has not yet taken a row away."""


def measured_lag(
    table: Table, rows: Iterable[Mapping[str, Json]], changes: Iterable[Change], as_of_ms: int, lasts: Lasts
) -> int | None:
    """How many milliseconds the store was behind, at least, when *rows* were read at *as_of_ms* by the bus's clock.

    None when *changes*, everything of late about the table in order, say nothing about it. They may go on after
    *as_of_ms*: what is already in the rows explains what is not.
    """
    held = {key_of(table, row): row for row in rows}
    histories: dict[tuple[Json, ...], list[Change]] = {}
    for change in changes:
        histories.setdefault(change.key, []).append(change)
    told = [change.ms for history in histories.values() for change in history if change.ms <= as_of_ms]
    if not told:
        return None
    missing = (_missing(table, held.get(key), history, lasts) for key, history in histories.items())
    return max((as_of_ms - ms for ms in missing if ms is not None and ms <= as_of_ms), default=0)


def _missing(table: Table, held: Mapping[str, Json] | None, history: list[Change], lasts: Lasts) -> int | None:
    """When the first change of one row was published that the store certainly lacks, or None."""
    if held is None:
        return _unknown_row(table, history, lasts)
    if table.compared and table.version is not None:
        version = held.get(table.version)
        return next((change.ms for change in history if is_newer(change.version, version)), None)
    return history[-1].ms if history[-1].deletes else None


def _unknown_row(table: Table, history: list[Change], lasts: Lasts) -> int | None:
    """The row is not there: the changes after its last deletion are missing, unless a deletion made them void."""
    deletions = [number for number, change in enumerate(history) if change.deletes]
    if not deletions:
        first = history[0]
        return first.ms if lasts(history[-1].row) else None
    deletion = history[deletions[-1]]
    after = history[deletions[-1] + 1 :]
    if table.final:
        return None
    if table.compared:
        after = [change for change in after if not is_newer(deletion.version, change.version)]
    return after[0].ms if after and lasts(after[-1].row) else None


@dataclass(slots=True)
class _Recent:
    """The largest of what was noted within `MEMORY` seconds."""

    noted: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, value: int, now: float) -> None:
        # Only what may yet be the largest is kept, so the first always is.
        while self.noted and self.noted[-1][1] <= value:
            self.noted.pop()
        self.noted.append((now, value))

    def largest(self, now: float) -> int | None:
        while self.noted and now - self.noted[0][0] > MEMORY:
            self.noted.popleft()
        return self.noted[0][1] if self.noted else None


class Windows:
    """How much of a feed's past must be replayed over a table's rows. Times in milliseconds, *now* in seconds.

    Args:
        floor_ms: At least so much.
        most_ms: At most so much: no more past is kept.
    """

    def __init__(self, *, floor_ms: int, most_ms: int) -> None:
        self._floor = floor_ms
        self._most = most_ms
        self._lags: dict[str, _Recent] = {}
        self._queries: dict[str, _Recent] = {}
        self._measured: dict[str, float] = {}

    def window_ms(self, table: str, now: float) -> int:
        """How far back a replay begins: twice what was measured, for the next time may be worse, and a query's time."""
        lag, query = self.lag_ms(table, now) or 0, self._largest(self._queries, table, now) or 0
        return min(max(self._floor, 2 * lag + query), self._most)

    def lag_ms(self, table: str, now: float) -> int | None:
        """The largest lag measured of late, None without a measurement."""
        return self._largest(self._lags, table, now)

    def lags_ms(self, now: float) -> dict[str, int]:
        """The same of all tables that have one."""
        lags = ((table, self.lag_ms(table, now)) for table in sorted(self._lags))
        return {table: lag for table, lag in lags if lag is not None}

    def is_due(self, table: str, now: float) -> bool:
        """Whether the lag of *table* is to be measured again."""
        return now - self._measured.get(table, -INTERVAL) >= INTERVAL

    def measured(self, table: str, lag_ms: int | None, now: float) -> None:
        """The lag of *table* was measured; None when nothing could be told."""
        self._measured[table] = now
        if lag_ms is not None:
            self._lags.setdefault(table, _Recent()).note(lag_ms, now)

    def queried(self, table: str, query_ms: int, now: float) -> None:
        """A query of *table* took so long."""
        self._queries.setdefault(table, _Recent()).note(query_ms, now)

    @staticmethod
    def _largest(recents: dict[str, _Recent], table: str, now: float) -> int | None:
        recent = recents.get(table)
        return recent.largest(now) if recent else None
