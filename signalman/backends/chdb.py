"""ClickHouse's engine inside this process, by the chdb package: for `signalman dev` and for tests.

The same statements and settings as on a server give the same rows. A process can have one engine, over one folder or in
memory, and it serves one query at a time, on a thread of its own.
"""

import asyncio
import importlib.util
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog
from clickhouse_connect.driver.client import Client

from signalman.backends.clickhouse_rows import FORMAT, SqlSnapshots, refusals
from signalman.backends.clickhouse_sql import Limits, Statement
from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")


class ChdbEngine:
    """The engine, while its ``async with`` block runs. Data in memory is gone afterwards.

    Args:
        path: Folder of the data, made when it is not there; None keeps them in memory.

    Raises:
        BackendUnavailable: On entry, when chdb is not installed or another process has the folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._clients: tuple[Client, Client] | None = None

    async def __aenter__(self) -> Self:
        if importlib.util.find_spec("chdb") is None:
            raise BackendUnavailable(
                "clickhouse", "the embedded engine is not installed; run: pip install 'signalman[embedded]'"
            )
        log.info("chdb_starting", path=str(self._path or "memory"))
        began = time.monotonic()
        self._thread = ThreadPoolExecutor(1, "chdb")
        try:
            with refusals():
                await self._on_thread(self._open)
        except BaseException:
            await self._close()
            raise
        log.info("chdb_started", seconds=round(time.monotonic() - began, 3))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def read(self, statement: Statement) -> bytes:
        """Run a SELECT and return its rows in `FORMAT`. Raises the driver's errors."""
        return await self._on_thread(self._select, statement)

    async def write(self, work: Callable[[Client], T]) -> T:
        """Run *work* on the engine's thread, with a client that may change data. Raises the driver's errors."""
        return await self._on_thread(self._change, work)

    async def _on_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._thread is None:
            raise BackendUnavailable("clickhouse", "the embedded engine is not running")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _open(self) -> None:
        # One to read and one to write: a setting of the one, such as readonly, does not pass to the other. What is
        # written is made up, and its errors may be told; errors of reading quote values.
        self._clients = self._connect(show_errors=False), self._connect(show_errors=True)

    def _connect(self, *, show_errors: bool) -> Client:
        import clickhouse_connect

        path = ":memory:" if self._path is None else str(self._path)
        return clickhouse_connect.get_client(interface="chdb", path=path, show_clickhouse_errors=show_errors)

    def _select(self, statement: Statement) -> bytes:
        reader, _ = self._running()
        return reader.raw_query(statement.sql, parameters=statement.parameters, settings=statement.settings, fmt=FORMAT)

    def _change(self, work: Callable[[Client], T]) -> T:
        _, writer = self._running()
        return work(writer)

    def _running(self) -> tuple[Client, Client]:
        if self._clients is None:
            raise BackendUnavailable("clickhouse", "the embedded engine is not running")
        return self._clients

    async def _close(self) -> None:
        if self._thread is not None:
            await self._on_thread(self._shut)
            self._thread.shutdown()
            self._thread = None

    def _shut(self) -> None:
        for client in self._clients or ():
            client.close()
        self._clients = None


class ChdbSnapshots(SqlSnapshots):
    """`Snapshots` on the embedded engine, which somebody else starts and stops."""

    def __init__(
        self,
        engine: ChdbEngine,
        *,
        database: str,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database=database, limits=limits, clock=clock)
        self._engine = engine

    async def _run(self, statement: Statement) -> bytes:
        return await self._engine.read(statement)


class ChdbWarehouse:
    """Where the simulator writes: runs statements and inserts rows. Makes its database when it is not there."""

    def __init__(self, engine: ChdbEngine, *, database: str) -> None:
        self._engine = engine
        self._database = database

    async def execute(self, sql: str) -> None:
        """Run one statement that has no answer, in the warehouse's database.

        Raises:
            BackendUnavailable: The engine refuses.
        """
        with refusals():
            await self._engine.write(lambda client: self._in_database(client).command(sql))

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert *rows*, each with one Python value per column.

        Raises:
            BackendUnavailable: The engine refuses.
        """

        def work(client: Client) -> None:
            self._in_database(client).insert(table, rows, column_names=columns, database=self._database)

        with refusals():
            await self._engine.write(work)

    def _in_database(self, client: Client) -> Client:
        if client.database != self._database:
            client.command(f"CREATE DATABASE IF NOT EXISTS `{self._database}`", use_database=False)
            client.database = self._database
        return client
