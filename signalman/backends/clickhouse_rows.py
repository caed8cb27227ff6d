"""`Snapshots` over anything that runs SQL as ClickHouse does: what a server and the embedded engine have in common."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from clickhouse_connect.driver.exceptions import ClickHouseError

from signalman.backends.clickhouse_sql import Limits, Statement, count_rows, select_columns, select_rows
from signalman.errors import BackendUnavailable, SnapshotTooLarge
from signalman.ports import SnapshotQuery, SnapshotRows
from signalman.table import Table

FORMAT = "JSONEachRow"
"""ClickHouse writes the rows, one JSON object a line, so that nothing here knows column types."""

_LINES_AT_ONCE = 500
"""Rows parsed before the event loop gets its turn: about one millisecond."""

_TOO_MANY_ROWS = 396
_REFUSALS = {
    36: "the pack's table does not fit the query (BAD_ARGUMENTS)",
    43: "a column has another type than the pack says (ILLEGAL_TYPE_OF_ARGUMENT)",
    47: "a column that the pack lists is not there (UNKNOWN_IDENTIFIER)",
    53: "a column has another type than the pack says (TYPE_MISMATCH)",
    60: "a table of the pack is not there (UNKNOWN_TABLE)",
    81: "the database is not there (UNKNOWN_DATABASE)",
    159: "the query took too long (TIMEOUT_EXCEEDED)",
    164: "the user's profile must allow settings: readonly = 2, not 1 (READONLY)",
    181: "a table of the pack has an engine without FINAL (ILLEGAL_FINAL)",
    192: "user or password is wrong (UNKNOWN_USER)",
    193: "user or password is wrong (WRONG_PASSWORD)",
    201: "the user's quota is used up (QUOTA_EXCEEDED)",
    202: "too many queries run at the same time (TOO_MANY_SIMULTANEOUS_QUERIES)",
    241: "the query needed too much memory (MEMORY_LIMIT_EXCEEDED)",
    386: "a column has another type than the pack says (NO_COMMON_TYPE)",
    452: "the user's profile forbids a setting (SETTING_CONSTRAINT_VIOLATION)",
    497: "the user may not read a table of the pack (ACCESS_DENIED)",
    516: "user or password is wrong (AUTHENTICATION_FAILED)",
}
"""What a person can do about an error code. ClickHouse's own text quotes values, so it is not passed on."""


class SqlSnapshots(ABC):
    """Current-state tables in ClickHouse.

    Args:
        database: Where the packs' tables are.
        limits: What one query may cost.
        clock: Unix seconds.
    """

    def __init__(self, *, database: str, limits: Limits | None = None, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._limits = limits or Limits()
        self._clock = clock

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        """See `Snapshots.read`. Also raises `BadMessage` when scope or ``after`` do not fit the table."""
        table = query.table
        asked_ms = int(self._clock() * 1000)
        with refusals():
            try:
                rows = await _parsed(await self._run(select_rows(query, self._database, self._limits)))
            except ClickHouseError as error:
                if error_code(error) == _TOO_MANY_ROWS:
                    raise SnapshotTooLarge(table.name, table.max_rows) from error
                raise
        if query.limit is None and len(rows) > table.max_rows:
            raise SnapshotTooLarge(table.name, table.max_rows)
        return SnapshotRows(tuple(rows), asked_ms)

    async def count(self, query: SnapshotQuery) -> int:
        """See `Snapshots.count`. Also raises `BadMessage` when the scope does not fit the table."""
        with refusals():
            [row] = await _parsed(await self._run(count_rows(query, self._database, self._limits)))
        return int(row["total"])

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        """See `Snapshots.columns`."""
        with refusals():
            rows = await _parsed(await self._run(select_columns(table, self._database, self._limits)))
        return {row["name"]: row["type"] for row in rows} or None

    async def ping(self) -> None:
        """See `Snapshots.ping`."""
        with refusals():
            await self._run(Statement("SELECT 1", {}, {}))

    @abstractmethod
    async def _run(self, statement: Statement) -> bytes:
        """Run *statement* and return its rows in `FORMAT`. Errors of the driver, of the network and timeouts may
        pass.
        """


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the driver or the network raises into `BackendUnavailable`."""
    try:
        yield
    except ClickHouseError as error:
        raise BackendUnavailable("clickhouse", _detail(error_code(error))) from error
    except TimeoutError as error:
        raise BackendUnavailable("clickhouse", "no answer in time") from error
    except OSError as error:
        raise BackendUnavailable("clickhouse", "the connection failed") from error
    except orjson.JSONDecodeError as error:
        raise BackendUnavailable("clickhouse", "the answer is incomplete") from error


def error_code(error: ClickHouseError) -> int | None:
    """ClickHouse's number of *error*; None when it is not the server's but, say, the network's."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None


def _detail(code: int | None) -> str:
    if code is None:
        return "the connection failed"
    return _REFUSALS.get(code, f"the query was refused with error code {code}")


async def _parsed(answer: bytes) -> list[dict[str, Any]]:
    # JSON has no line ends of its own: each line is one row.
    lines = answer.split(b"\n")
    rows: list[dict[str, Any]] = []
    for start in range(0, len(lines), _LINES_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        rows += [orjson.loads(line) for line in lines[start : start + _LINES_AT_ONCE] if line]
    return rows
