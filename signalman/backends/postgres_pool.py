"""Connections to one PostgreSQL database, made when they are needed and dropped when in doubt."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import asyncpg

from signalman.backends.postgres_hosts import Connection, PostgresHosts

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

Check: TypeAlias = Callable[[Sequence[str], Sequence[tuple[str, str]]], None]
"""Is told a statement's parameters, as types, and its columns, as names and types, before it is run; may raise."""

STALE = (
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    BrokenPipeError,
    ConnectionResetError,
)
"""How a connection shows that it died while it lay idle. The driver takes it for an error of its own when the server's
last word has been read, and the end of the connection has not.
"""

_CLOSE_TIMEOUT = 1.0
"""Seconds that the server has to take its leave."""


class PostgresPool:
    """A few connections to one database. Between `open` and `close`, it may be used by many tasks at once.

    Args:
        hosts: Where the server is. Several pools may share them.
        database: The database; None is the one of the hosts' URL.
        connections: At most so many at a time; who finds none free waits.
    """

    def __init__(self, hosts: PostgresHosts, database: str | None, *, connections: int) -> None:
        self._hosts = hosts
        self._database = database
        self._connections = connections
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Be ready. Does not ask the server for anything."""
        self._pool = await asyncpg.create_pool(
            min_size=0, max_size=self._connections, connect=self._connect, reset=_keep_as_it_is
        )

    async def close(self) -> None:
        """Close all connections, within a second whatever the server does."""
        pool, self._pool = self._pool, None
        if pool is not None:
            # A pool that cannot be closed in time terminates its connections.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await pool.close()

    async def fetch(self, sql: str, asked: Sequence[str], check: Check) -> list[asyncpg.Record]:
        """All rows of *sql* with *asked* as its one parameter, in a transaction that cannot write. A connection that
        lay idle and turns out to be dead is replaced, and the statement sent again. Sets no limit of time; may be
        cancelled. Raises the driver's errors, and what *check* raises.
        """
        for _ in range(self._connections):
            with contextlib.suppress(*STALE):
                return await self._fetch(sql, asked, check)
        return await self._fetch(sql, asked, check)

    async def _fetch(self, sql: str, asked: Sequence[str], check: Check) -> list[asyncpg.Record]:
        if self._pool is None:
            raise RuntimeError("the pool is not open")
        connection = await self._pool.acquire()
        try:
            return await _read(connection, sql, asked, check)
        except BaseException:
            # To cancel a statement in an orderly way, the driver waits for a server that perhaps hangs.
            connection.terminate()
            raise
        finally:
            await self._pool.release(connection)

    async def _connect(self, dsn: str | None = None, **settings: Any) -> Connection:  # noqa: ARG002 # the pool has none
        return await self._hosts.connect(self._database, **settings)


async def _read(connection: Any, sql: str, asked: Sequence[str], check: Check) -> list[asyncpg.Record]:
    # As a transaction's own property, not the session's: PgBouncer refuses default_transaction_read_only when a session
    # begins, and where it pools transactions, what one session sets another has.
    await connection.execute("BEGIN READ ONLY")
    statement = await connection.prepare(sql, name="")
    check(
        [each.name for each in statement.get_parameters()],
        [(each.name, each.type.name) for each in statement.get_attributes()],
    )
    rows: list[asyncpg.Record] = await statement.fetch(list(asked))
    await connection.execute("COMMIT")
    return rows


async def _keep_as_it_is(_connection: Connection) -> None:
    """No state is ever set on a connection; undoing it would cost a round trip, and YugabyteDB refuses parts of it."""
