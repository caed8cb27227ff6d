"""`Snapshots` in memory, for tests and for trying out a gateway without ClickHouse."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from signalman.backends.clickhouse_sql import scope_of
from signalman.errors import BackendUnavailable, BadMessage, SnapshotTooLarge
from signalman.ports import SnapshotQuery, SnapshotRows
from signalman.table import Condition, Table

_ZEROS = (None, "", 0, "0", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", str(uuid.UUID(int=0)))
"""What `Condition` calls unset, in the JSON of snapshot rows. (The text "0" is taken for a number's.)"""


class MemorySnapshots:
    """Rows as JSON objects, in the form in which snapshots have them; a row replaces an older one of its key.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
        self._columns: dict[str, dict[str, str]] = {}
        self.available = True
        """Set to False, every call raises `BackendUnavailable`."""
        self.reads = 0
        """How many times `read` was called."""

    def create(self, source: str, columns: Mapping[str, str]) -> None:
        """Let `columns` tell of a table *source*: column → ClickHouse type. Rows need no such table."""
        self._columns[source] = dict(columns)

    def drop(self, source: str) -> None:
        """Undo `create`, and forget the rows."""
        self._columns.pop(source, None)
        self._rows.pop(source, None)

    def put(self, table: Table, row: Mapping[str, Any]) -> None:
        """Store *row* of *table*, scope columns included, unless the one there has a higher version."""
        rows = self._rows.setdefault(table.source, {})
        name = tuple(row[column] for column in (*table.scope, *table.key))
        if name not in rows or _version(table, row) >= _version(table, rows[name]):
            rows[name] = dict(row)

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        """See `Snapshots.read`."""
        self.reads += 1
        table, after = query.table, query.after
        if after is not None and len(after) != len(table.key):
            raise BadMessage("invalid_request", "The position to go on after is not a key of this table.")
        found = sorted(self._matching(query), key=lambda row: _key(table, row))
        rows = [row for row in found if after is None or _key(table, row) > after][: query.limit]
        if query.limit is None and len(rows) > table.max_rows:
            raise SnapshotTooLarge(table.name, table.max_rows)
        shown = tuple({column: row[column] for column in table.columns} for row in rows)
        return SnapshotRows(shown, int(self._clock() * 1000))

    async def count(self, query: SnapshotQuery) -> int:
        """See `Snapshots.count`."""
        return sum(1 for _ in self._matching(query))

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        """See `Snapshots.columns`."""
        self._check()
        return self._columns.get(table.source)

    async def ping(self) -> None:
        """See `Snapshots.ping`."""
        self._check()

    def _matching(self, query: SnapshotQuery) -> Iterator[dict[str, Any]]:
        self._check()
        scope = {column: value for column, _, value in scope_of(query)}
        for row in self._rows.get(query.table.source, {}).values():
            own = all(row[column] == value for column, value in scope.items())
            if own and self._passes(query, row):
                yield row

    def _passes(self, query: SnapshotQuery, row: Mapping[str, Any]) -> bool:
        return all(self._holds(condition, row[condition.column]) for condition in query.table.where) and all(
            row[column] is not None and _text(row[column]) in values for column, values in query.filters
        )

    def _holds(self, condition: Condition, value: Any) -> bool:
        match condition.test:
            case "unset":
                return value in _ZEROS
            case "set":
                return value not in _ZEROS
            case "equals":
                return _equal(value, condition.value)
            case "differs":
                return not _equal(value, condition.value)
            case "newer_than":
                age = self._clock() - datetime.fromisoformat(value).timestamp() if value else None
                return age is not None and age < int(condition.value or 0)

    def _check(self) -> None:
        if not self.available:
            raise BackendUnavailable("clickhouse", "the connection failed")


def _key(table: Table, row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_text(row[column]) for column in table.key)


def _version(table: Table, row: Mapping[str, Any]) -> Any:
    version = row[table.version] if table.version else ""
    return (len(version), version) if isinstance(version, str) and version.isdecimal() else (0, version)


def _equal(value: Any, wanted: Any) -> bool:
    # 64-bit integers are text here, and numbers in the store.
    return value == wanted or (isinstance(value, str) and not isinstance(wanted, bool) and value == str(wanted))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
