"""The platform's ClickHouse ingest: behind Kafka by a lag, and with what it carries over from row to row."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from signalman.simulate.live_rows import STREAMS
from signalman.simulate.reported import Row
from signalman.simulate.rows import RowChange, changes
from signalman.simulate.wire import Emitted

NOT_LIVE = frozenset({"offline", "stopped", "gone"})
BACKSTOP_EVERY = 60.0
BACKSTOP_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for one table."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Ingest:
    """Takes events, gives inserts. Pure: the time is passed in and must not go backwards.

    Args:
        lag: Seconds that an event is under way before its rows can be read.
    """

    def __init__(self, lag: float = 2.0) -> None:
        self._lag = lag
        self._under_way: deque[Emitted] = deque()
        self._streams: dict[tuple[UUID, UUID], Row] = {}
        self._next_check: float | None = None

    def feed(self, emitted: Iterable[Emitted]) -> None:
        """Take events, in the order of time."""
        self._under_way.extend(emitted)

    def due(self, now: float) -> list[Insert]:
        """What is to be written by *now*, Unix seconds."""
        written: list[RowChange] = []
        while self._under_way and self._under_way[0].time + self._lag <= now:
            emitted = self._under_way.popleft()
            written.extend(self._carried(change) for change in changes(emitted.body, emitted.topic, now))
        return _grouped([*written, *self._backstop(now)])

    def _carried(self, change: RowChange) -> RowChange:
        if change.table != STREAMS:
            return change
        row = change.row
        key = row["tenant_id"], row["stream_id"]
        if row["started_at"] is None:
            row["started_at"] = self._started_at(row, self._streams.get(key))
        self._streams[key] = row
        return change

    def _started_at(self, row: Row, current: Row | None) -> datetime | None:
        known: datetime | None = current["started_at"] if current else None
        if known is None and row["status"] not in NOT_LIVE:
            known = row["updated_at"]
        return known

    def _backstop(self, now: float) -> list[RowChange]:
        # The platform looks once a minute for streams that nobody reports on any more. Kafka hears nothing of it.
        if self._next_check is None:
            self._next_check = now + BACKSTOP_EVERY
        if now < self._next_check:
            return []
        self._next_check = now + BACKSTOP_EVERY
        moment = datetime.fromtimestamp(now, UTC)
        lost = [row for row in self._streams.values() if _is_lost(row, moment)]
        over = {"status": "offline", "buffer_state": "EMPTY", "current_viewers": 0, "updated_at": moment}
        return [self._carried(RowChange(STREAMS, row | over)) for row in lost]


def _is_lost(row: Row, now: datetime) -> bool:
    return row["status"] not in NOT_LIVE and now - row["updated_at"] > BACKSTOP_AFTER


def _grouped(written: Sequence[RowChange]) -> list[Insert]:
    tables: dict[str, list[Row]] = {}
    for change in written:
        tables.setdefault(change.table, []).append(change.row)
    return [_insert(table, rows) for table, rows in tables.items()]


def _insert(table: str, rows: Sequence[Row]) -> Insert:
    columns = tuple(rows[0])
    return Insert(table, columns, tuple(tuple(row[column] for column in columns) for row in rows))
