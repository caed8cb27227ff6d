"""ClickHouse over HTTP, with clickhouse-connect's asynchronous client."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import structlog
from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.asyncclient import AsyncClient

from signalman.backends.clickhouse_rows import FORMAT, SqlSnapshots, refusals
from signalman.backends.clickhouse_sql import Limits, Statement

log = structlog.get_logger(__name__)

# The driver logs each failure with a traceback, besides raising it; who catches it tells it once.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)

_GRACE = 1.0
"""Seconds that the server has to say itself that a query took too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickHouseServer:
    """How to reach a server's HTTP interface."""

    host: str
    port: int = 8123
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = "default"
    tls: bool = False
    ca_file: str | None = None
    """Certificate authority in PEM form; None trusts the system's."""
    connect_timeout: float = 2.0
    """Seconds."""
    connections: int = 16
    """At most so many at a time."""


class _Connection:
    """A client that connects when it is first needed, and again when that failed: a server that is away at start
    hinders nothing. Reconnecting later is the client's own business.
    """

    def __init__(self, server: ClickHouseServer, *, timeout: float, show_errors: bool) -> None:
        self._server = server
        self._timeout = timeout
        self._show_errors = show_errors
        self._connecting = asyncio.Lock()
        self._client: AsyncClient | None = None

    async def client(self) -> AsyncClient:
        """The connected client. Raises the driver's errors."""
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
                log.info("clickhouse_connected", host=self._server.host, port=self._server.port)
            return self._client

    async def close(self) -> None:
        """Close all connections."""
        async with self._connecting:
            if self._client is not None:
                await self._client.close()
                self._client = None

    async def _connect(self) -> AsyncClient:
        server = self._server
        return await create_async_client(
            host=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            # None named: statements do it themselves, and so a client connects even while the database is not there.
            interface="https" if server.tls else "http",
            ca_cert=server.ca_file,
            connect_timeout=server.connect_timeout,
            send_receive_timeout=self._timeout,
            connector_limit=server.connections,
            connector_limit_per_host=server.connections,
            # With a session id the server would refuse queries that run at the same time.
            autogenerate_session_id=False,
            client_name="signalman",
            compress="lz4",
            query_retries=0,
            # Values travel in the body: addresses have a limit of length and are written to access logs.
            form_encode_query_params=True,
            show_clickhouse_errors=self._show_errors,
        )


class _Client:
    """Owner of a connection: an asynchronous context manager."""

    _connection: _Connection

    async def close(self) -> None:
        """Close all connections. It may be used again afterwards."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class ClickHouseSnapshots(_Client, SqlSnapshots):
    """`Snapshots` on a ClickHouse server, 24.8 or later.

    The user needs SELECT on the packs' tables and on nothing else, and a profile with ``readonly`` 0 or 2, since limits
    and the second scope filter travel as settings. Every call is over after the limit of seconds and one more, be the
    server away, hanging or busy.
    """

    def __init__(
        self, server: ClickHouseServer, *, limits: Limits | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(database=server.database, limits=limits, clock=clock)
        self._patience = self._limits.seconds + _GRACE
        # ClickHouse's own errors quote statements and values.
        self._connection = _Connection(server, timeout=self._patience, show_errors=False)

    async def _run(self, statement: Statement) -> bytes:
        try:
            async with asyncio.timeout(self._patience):
                client = await self._connection.client()
                return await client.raw_query(
                    statement.sql,
                    parameters=statement.parameters,
                    # When this side hangs up, the query need not go on.
                    settings={**statement.settings, "cancel_http_readonly_queries_on_client_close": "1"},
                    fmt=FORMAT,
                )
        except aiohttp.ClientError as error:
            raise ConnectionError from error


class ClickHouseWarehouse(_Client):
    """Where the simulator writes: runs statements and inserts rows. Makes its database when it is not there."""

    def __init__(self, server: ClickHouseServer, *, timeout: float = 30.0) -> None:
        self._database = server.database
        self._timeout = timeout
        self._connection = _Connection(server, timeout=timeout, show_errors=True)
        self._made = False

    async def execute(self, sql: str) -> None:
        """Run one statement that has no answer, in the warehouse's database.

        Raises:
            BackendUnavailable: The server does not answer, or refuses.
        """
        with refusals():
            async with asyncio.timeout(self._timeout):
                await (await self._client()).command(sql)

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert *rows*, each with one Python value per column.

        Raises:
            BackendUnavailable: The server does not answer, or refuses.
        """
        with refusals():
            async with asyncio.timeout(self._timeout):
                await (await self._client()).insert(table, rows, column_names=columns, database=self._database)

    async def _client(self) -> AsyncClient:
        client = await self._connection.client()
        if not self._made:
            await client.command(f"CREATE DATABASE IF NOT EXISTS `{self._database}`", use_database=False)
            client.database = self._database
            self._made = True
        return client
