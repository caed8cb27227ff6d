"""Connections to one PostgreSQL database, made when they are needed and dropped when in doubt."""

import asyncio
import contextlib
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import asyncpg

# Generic for the type checker only.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

STALE = (
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    BrokenPipeError,
    ConnectionResetError,
)
"""How a connection shows that it died while it lay idle."""

_CLOSE_TIMEOUT = 1.0
"""Seconds that the server has to take its leave."""


class PostgresPool:
    """A few connections to one database. Between `open` and `close`, it may be used by many tasks at once.

    Args:
        url: ``postgres://`` with one host or, as YugabyteDB has it, several with commas between. Its path is ignored.
        database: The database.
        connections: At most so many at a time; who finds none free waits.
        connect_timeout: Seconds for a connection, all hosts together. Each has its share of them: the driver would
            spend them all on a first host that hangs.
        role: Shown by the server as ``application_name``.

    Raises:
        ValueError: The URL cannot be understood. It is not repeated.
    """

    def __init__(
        self, url: str, database: str, *, connections: int, connect_timeout: float, role: str = "signalman"
    ) -> None:
        self._hosts = single_hosts(url)
        self._database = database
        self._connections = connections
        self._host_timeout = connect_timeout / len(self._hosts)
        self._role = role
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

    async def fetch_row(self, sql: str, *values: str) -> asyncpg.Record | None:
        """The first row, or None. For statements that only read: a connection that lay idle and turns out to be dead is
        replaced, and the statement sent again. Sets no limit of time; may be cancelled. Raises the driver's errors.
        """
        for _ in range(self._connections):
            with contextlib.suppress(*STALE):
                return await self._fetch_row(sql, *values)
        return await self._fetch_row(sql, *values)

    async def _fetch_row(self, sql: str, *values: str) -> asyncpg.Record | None:
        if self._pool is None:
            raise RuntimeError("the pool is not open")
        connection = await self._pool.acquire()
        try:
            return await connection.fetchrow(sql, *values)
        except BaseException:
            # To cancel a statement in an orderly way, the driver waits for a server that perhaps hangs.
            connection.terminate()
            raise
        finally:
            await self._pool.release(connection)

    async def _connect(self, dsn: str | None = None, **settings: Any) -> Connection:  # noqa: ARG002 # the pool has none
        failure: Exception = ConnectionError("no host")
        for host in list(self._hosts):
            try:
                connection: Connection = await asyncpg.connect(
                    host,
                    database=self._database,
                    timeout=self._host_timeout,
                    # YugabyteDB refuses a cached plan after each change of a table.
                    statement_cache_size=0,
                    server_settings={"application_name": self._role},
                    **settings,
                )
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                failure = error
            else:
                # The next connection begins with the host that was good now.
                self._hosts.sort(key=host.__ne__)
                return connection
        raise failure


def single_hosts(url: str) -> list[str]:
    """*url* once for each of its hosts, with that host alone.

    Raises:
        ValueError: It is no URL of PostgreSQL. It is not repeated.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(
            "the PostgreSQL URL must read postgres://user:password@host:port/database; "
            "characters such as # / ? @ in a password must be encoded"
        )
    user, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [url]
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]


async def _keep_as_it_is(_connection: Connection) -> None:
    """No state is ever set on a connection; undoing it would cost a round trip, and YugabyteDB refuses parts of it."""
