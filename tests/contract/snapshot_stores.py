"""The stores that `test_snapshots` holds against the contract, and the tables that it fills."""

import asyncio
import uuid
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import orjson

from signalman.backends.chdb import ChdbEngine
from signalman.backends.clickhouse import ClickHouseServer
from signalman.backends.clickhouse_rows import SqlSnapshots
from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.ports import SnapshotQuery, SnapshotRows, Snapshots
from signalman.table import Table
from tests.servers import ClickHouse

DATABASE = "contract"
A, B, C = (f"{n * 8}-0000-4000-8000-000000000000" for n in "abc")
"""Three tenants."""

Row = Mapping[str, Any]

COLUMNS = {
    "tenant_id": "UUID",
    "thing_id": "UUID",
    "part": "String",
    "number": "UInt64",
    "node_id": "LowCardinality(String)",
    "status": "LowCardinality(String)",
    "viewers": "UInt32",
    "inputs": "UInt16",
    "progress": "UInt8",
    "bytes": "UInt64",
    "has_issues": "Nullable(UInt8)",
    "issue": "Nullable(String)",
    "tracks": "Nullable(UInt16)",
    "fps": "Nullable(Float32)",
    "lost": "Nullable(UInt64)",
    "clip_start": "Nullable(Int64)",
    "latitude": "Float64",
    "score": "Float32",
    "country": "FixedString(2)",
    "present": "Bool",
    "is_synced": "Nullable(Bool)",
    "price": "Int64",
    "urls": "Array(String)",
    "positions": "Array(UInt32)",
    "prices": "Array(Int64)",
    "seen_at": "DateTime",
    "started_at": "Nullable(DateTime)",
    "tokyo_at": "DateTime('Asia/Tokyo')",
    "updated_at": "DateTime64(3)",
    "version": "UInt64",
    "secret": "String",
    "metadata": "String",
}
"""Every type of column that the platform's current-state tables have. The last two are never listed."""

KEY = ("thing_id", "part", "number")

THING: Row = {
    "tenant_id": A,
    "thing_id": str(uuid.UUID(int=1)),
    "part": "p",
    "number": "0",
    "node_id": "edge-1",
    "status": "live",
    "viewers": 4294967295,
    "inputs": 65535,
    "progress": 100,
    "bytes": "18446744073709551615",
    "has_issues": 1,
    "issue": 'it\u2019s "late"\n\\ \u0000 \U0001f600 </script>',
    "tracks": 2,
    "fps": 29.5,
    "lost": "9007199254740993",
    "clip_start": "-9223372036854775808",
    "latitude": 52.520008,
    "score": 0.5,
    "country": "--",
    "present": True,
    "is_synced": False,
    "price": "-1",
    "urls": ["https://a.example/x?y='z'", ""],
    "positions": [0, 4294967295],
    "prices": ["9223372036854775807", "0"],
    "seen_at": "2026-02-28T23:59:59Z",
    "started_at": "2026-01-02T03:04:05Z",
    "tokyo_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-02T03:04:05.678Z",
    "version": "1",
    "secret": "not for anybody",
    "metadata": '{"base_url":"http://10.0.0.1"}',
}
"""A row in the form in which it comes out again."""

NULLS: Row = {name: None for name, type_ in COLUMNS.items() if type_.startswith("Nullable")}


def things(source: str, **changes: Any) -> Table:
    """A table of the pack over *source*."""
    table = Table(
        name="things",
        title="Things",
        source=source,
        scope=("tenant_id",),
        scope_types=("uuid",),
        key=KEY,
        columns=tuple(name for name in COLUMNS if name not in {"tenant_id", "secret", "metadata"}),
        version="version",
        where=(),
        max_rows=1000,
    )
    return replace(table, **changes)


def shown(row: Row, table: Table) -> dict[str, Any]:
    """What a subscriber sees of *row*."""
    return {column: row[column] for column in table.columns}


class Backend(Protocol):
    """Where rows are put: the other side of a store."""

    async def create(self, source: str, body: str) -> None:
        """Make a table: its columns and engine in *body*."""
        ...

    async def put(self, table: Table, rows: Iterable[Row]) -> None:
        """Store rows, in a part of their own."""
        ...

    async def alter(self, sql: str, source: str, columns: Mapping[str, str] | None) -> None:
        """Run a statement that changes a table, with ``{table}`` for its name; *columns* is what is left of it."""
        ...


@dataclass
class Memory:
    """`MemorySnapshots`."""

    snapshots: MemorySnapshots

    async def create(self, source: str, body: str) -> None:
        """Make a table: one that has all `COLUMNS`."""
        self.snapshots.create(source, COLUMNS)

    async def put(self, table: Table, rows: Iterable[Row]) -> None:
        """Store rows."""
        for row in rows:
            self.snapshots.put(table, row)

    async def alter(self, sql: str, source: str, columns: Mapping[str, str] | None) -> None:
        """Change a table."""
        if columns is None:
            self.snapshots.drop(source)
        else:
            self.snapshots.create(source, columns)


@dataclass
class Embedded:
    """The engine in this process."""

    engine: ChdbEngine

    async def create(self, source: str, body: str) -> None:
        """Make a table."""
        await self._run(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        await self._run(f"CREATE TABLE {DATABASE}.{source} {body}")

    async def put(self, table: Table, rows: Iterable[Row]) -> None:
        """Store rows."""
        await self.engine.write(
            lambda client: client.raw_insert(
                f"{DATABASE}.{table.source}",
                insert_block=lines(rows),
                fmt="JSONEachRow",
                settings={"date_time_input_format": "best_effort"},
            )
        )

    async def alter(self, sql: str, source: str, columns: Mapping[str, str] | None) -> None:
        """Change a table."""
        await self._run(sql.format(table=f"{DATABASE}.{source}"))

    async def _run(self, sql: str) -> None:
        await self.engine.write(lambda client: client.command(sql))


@dataclass
class Served:
    """A server, reached over HTTP."""

    server: ClickHouse

    async def create(self, source: str, body: str) -> None:
        """Make a table."""
        await self._run(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        await self._run(f"CREATE TABLE {DATABASE}.{source} {body}")

    async def put(self, table: Table, rows: Iterable[Row]) -> None:
        """Store rows."""
        await self._run(
            f"INSERT INTO {DATABASE}.{table.source} FORMAT JSONEachRow\n{lines(rows).decode()}",
            date_time_input_format="best_effort",
        )

    async def alter(self, sql: str, source: str, columns: Mapping[str, str] | None) -> None:
        """Change a table."""
        await self._run(sql.format(table=f"{DATABASE}.{source}"))

    async def _run(self, sql: str, **settings: str) -> None:
        await asyncio.to_thread(self.server.run_sql, sql, **settings)


def lines(rows: Iterable[Row]) -> bytes:
    """*rows* as ClickHouse's JSONEachRow."""
    return b"\n".join(orjson.dumps(dict(row)) for row in rows)


@dataclass
class Store:
    """Snapshots under test, and where to put rows for them."""

    snapshots: Snapshots
    backend: Backend
    made: set[str] = field(default_factory=set)

    async def table(self, **changes: Any) -> Table:
        """A new empty table with all `COLUMNS`, versioned by ``version``."""
        source = f"things_{uuid.uuid4().hex[:12]}"
        columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
        order = ", ".join(("tenant_id", *KEY))
        await self.backend.create(source, f"({columns}) ENGINE = ReplacingMergeTree(version) ORDER BY ({order})")
        return things(**{"source": source, **changes})

    async def put(self, table: Table, *rows: Row) -> None:
        """Store *rows*, each completed by `THING`."""
        if rows:
            await self.backend.put(table, [{**THING, **row} for row in rows])

    async def rows(self, table: Table, tenant: str = A, **query: Any) -> tuple[dict[str, Any], ...]:
        """The rows of a query."""
        return (await self.read(table, tenant, **query)).rows

    async def read(self, table: Table, tenant: str = A, **query: Any) -> SnapshotRows:
        """The answer to a query."""
        return await self.snapshots.read(SnapshotQuery(table, (tenant,), **query))

    async def count(self, table: Table, tenant: str = A, **query: Any) -> int:
        """How many rows a query has."""
        return await self.snapshots.count(SnapshotQuery(table, (tenant,), **query))

    @property
    def sql(self) -> SqlSnapshots:
        """The snapshots, for tests of those that speak SQL."""
        assert isinstance(self.snapshots, SqlSnapshots)
        return self.snapshots


def address(server: ClickHouse, **changes: Any) -> ClickHouseServer:
    """How Signalman reaches the tests' server."""
    reach = ClickHouseServer(
        host=server.host, port=server.port, user=server.user, password=server.password, database=DATABASE
    )
    return replace(reach, **changes)


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run *work* to its end on a loop in a thread of its own, from wherever this is called."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
