"""Snapshots for many at once: one query for all who ask the same within a second, a few queries at a time, what rows
may show, and what time has done to them.

When thousands of clients come back together they ask for the same few tables; the store must not notice.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

import orjson

from signalman.clock import apply
from signalman.event import Json
from signalman.gateway.pages import key_of
from signalman.gateway.shown import Shown
from signalman.metrics import Metrics
from signalman.net import Net
from signalman.ports import SnapshotQuery, SnapshotRows, Snapshots
from signalman.redaction import Pseudonyms
from signalman.table import Table

Row = dict[str, Json]
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Reading(Generic[T]):
    """A query under way or just done."""

    task: "asyncio.Task[T]" = field(init=False)
    began: float | None = None
    """When the store was asked; None while waiting for a place."""
    rows: int = 0
    """Rows of the answer, once it is there."""


class SharedSnapshots:
    """A `Snapshots` that shares answers and cleans them. Its rows are shared too: nobody may change them.

    An answer is given to whoever asks while the query runs and until *ttl* seconds after it began, so rows may be that
    much older than the call: ``as_of_ms`` tells. A failure is given only to those who were waiting for it.

    Args:
        snapshots: The store.
        metrics: Counts reads by outcome: ``read``, ``shared``, ``failed``.
        ttl: Seconds.
        concurrency: Queries that the store gets at a time; the others wait.
        max_rows: Rows of finished answers that are kept at most, oldest answers forgotten first.
        clock: Seconds that never go back.
        pseudonyms: For tables that hash columns.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        metrics: Metrics,
        *,
        ttl: float = 1.0,
        concurrency: int = 8,
        max_rows: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        self._store = snapshots
        self._metrics = metrics
        self._ttl = ttl
        self._places = asyncio.Semaphore(concurrency)
        self._max_rows = max_rows
        self._clock = clock
        self._net = Net()
        self._pseudonyms = pseudonyms or Pseudonyms(None)
        self._tables: dict[Table, Shown] = {}
        self._readings: dict[tuple[str, SnapshotQuery], _Reading[Any]] = {}

    async def read(self, query: SnapshotQuery, *, fresh: bool = False) -> SnapshotRows:
        """Read rows in key order, after the table's operators and without addresses: a value that holds one, or stands
        in a column with a host-like name, is absent from its row unless the table exposes the column; a row whose key
        holds one is left out. Rows have the table's derived columns, and are as its clock rules have them at the moment
        of reading. *fresh*: only an answer will do whose query has not begun yet, for one who knows what has happened.

        A hashed key is never told, not even as where a page begins: then all rows are read, and the pages are cut here,
        in the order of the pseudonyms.

        Raises:
            BackendUnavailable: The store does not answer.
            SnapshotTooLarge: *query* has no limit, or its table a hashed key, and more rows than the table allows.
        """
        if not self._shown(query.table).hashes_key:
            return await self._shared("read", query, self._read, fresh=fresh)
        whole = replace(query, after=None, limit=None)
        return _page(query, await self._shared("read", whole, self._read_sorted, fresh=fresh))

    async def count(self, query: SnapshotQuery) -> int:
        """How many rows the store has for *query*, whatever its ``after`` and ``limit``.

        Raises:
            BackendUnavailable: The store does not answer.
        """
        return await self._shared("count", replace(query, after=None, limit=None), self._store.count)

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        """See `Snapshots.columns`; never shared."""
        return await self._store.columns(table)

    async def ping(self) -> None:
        """Return when the store answers; never shared."""
        await self._store.ping()

    async def _shared(
        self,
        what: str,
        query: SnapshotQuery,
        ask: Callable[[SnapshotQuery], Coroutine[Any, Any, T]],
        *,
        fresh: bool = False,
    ) -> T:
        name = (what, query)
        reading = self._readings.get(name)
        if reading is None or self._is_old(reading) or (fresh and reading.began is not None):
            reading = self._readings[name] = self._start(name, query, ask)
        else:
            self._metrics.snapshots.labels(query.table.name, "shared").inc()
        # One who gives up must not take the answer from the others.
        return await asyncio.shield(reading.task)

    def _start(
        self,
        name: tuple[str, SnapshotQuery],
        query: SnapshotQuery,
        ask: Callable[[SnapshotQuery], Coroutine[Any, Any, T]],
    ) -> _Reading[T]:
        reading: _Reading[T] = _Reading()
        reading.task = asyncio.create_task(self._ask(reading, query, ask))
        reading.task.add_done_callback(partial(self._done, name, reading))
        return reading

    async def _ask(
        self, reading: _Reading[T], query: SnapshotQuery, ask: Callable[[SnapshotQuery], Coroutine[Any, Any, T]]
    ) -> T:
        async with self._places:
            began = reading.began = self._clock()
            answer = await ask(query)
            self._metrics.snapshot_seconds.labels(query.table.name).observe(self._clock() - began)
        return answer

    def _done(self, name: tuple[str, SnapshotQuery], reading: _Reading[Any], task: "asyncio.Task[Any]") -> None:
        """Keep an answer for a while; forget a failure before those who waited for it wake up and ask again."""
        if task.cancelled() or task.exception():
            self._metrics.snapshots.labels(name[1].table.name, "failed").inc()
            self._forget(name, reading)
            return
        self._metrics.snapshots.labels(name[1].table.name, "read").inc()
        answer = task.result()
        reading.rows = len(answer.rows) if isinstance(answer, SnapshotRows) else 0
        self._make_room()
        # An answer is big, and perhaps nobody asks again.
        task.get_loop().call_later(self._ttl, self._forget, name, reading)

    def _make_room(self) -> None:
        total = sum(reading.rows for reading in self._readings.values())
        for name, reading in list(self._readings.items()):
            if total <= self._max_rows:
                break
            if reading.rows:
                total -= reading.rows
                del self._readings[name]

    def _forget(self, name: tuple[str, SnapshotQuery], reading: _Reading[Any]) -> None:
        if self._readings.get(name) is reading:
            del self._readings[name]

    def _is_old(self, reading: _Reading[Any]) -> bool:
        return reading.task.done() and reading.began is not None and self._clock() - reading.began >= self._ttl

    async def _read(self, query: SnapshotQuery) -> SnapshotRows:
        """Read, clean, and where that or the clock took rows from a page, fill the page up."""
        read = await self._store.read(query)
        rows = await self._current(query, read)
        page, full = read, query.limit
        while full is not None and len(rows) < full and len(page.rows) == (query.limit or 0):
            query = replace(query, after=key_of(query, page.rows[-1]), limit=full - len(rows))
            page = await self._store.read(query)
            rows += await self._current(query, page)
        return SnapshotRows(tuple(rows), read.as_of_ms)

    async def _read_sorted(self, query: SnapshotQuery) -> SnapshotRows:
        """Read all rows, into the order of the keys that they show."""
        read = await self._read(query)
        return replace(read, rows=tuple(sorted(read.rows, key=partial(key_of, query))))

    async def _current(self, query: SnapshotQuery, read: SnapshotRows) -> list[Row]:
        """The rows as they may be shown, as they are by now: the store does not know what time alone has changed."""
        table = query.table
        clean = await self._shown(table).clean(read.rows, query.scope)
        if not table.derived and not table.clock:
            return clean
        rows = (apply({**row, **table.derived}, table.clock, read.as_of_ms) for row in clean)
        return [dict(row) for row in rows if row is not None]

    def _shown(self, table: Table) -> Shown:
        if table not in self._tables:
            self._tables[table] = Shown(table, self._net, self._pseudonyms)
        return self._tables[table]


def _page(query: SnapshotQuery, read: SnapshotRows) -> SnapshotRows:
    """The page of *query* out of all rows in key order."""
    if query.after is None and query.limit is None:
        return read
    start = bisect_right(read.rows, query.after, key=partial(key_of, query)) if query.after else 0
    return replace(read, rows=read.rows[start:][: query.limit])


def parts(rows: Iterable[Row], max_rows: int = 500, max_bytes: int = 64 * 1024) -> Iterator[tuple[Row, ...]]:
    """Cut *rows* into parts of at most *max_rows* rows and *max_bytes* bytes of JSON; none is empty.

    A single row that is bigger is a part of its own.
    """
    part: list[Row] = []
    size = 2
    for row in rows:
        # With the comma that joins it to the next one.
        more = len(orjson.dumps(row)) + 1
        if part and (len(part) == max_rows or size + more > max_bytes):
            yield tuple(part)
            part, size = [], 2
        part.append(row)
        size += more
    if part:
        yield tuple(part)
