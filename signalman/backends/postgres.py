"""FrameWorks' accounts: one PostgreSQL or YugabyteDB server, one database for each of its services."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import asyncpg
import structlog

from signalman.backends.postgres_pool import PostgresPool
from signalman.backends.sql_file import statements
from signalman.errors import BackendUnavailable
from signalman.ports import TokenOwner

log = structlog.get_logger(__name__)

_NOBODY = "00000000-0000-0000-0000-000000000000"


class FrameworksDirectory:
    """`Directory` on FrameWorks' databases. Use as an async context manager.

    Entering does not wait for the server, and it may go and come back at any time. The role needs CONNECT and SELECT on
    four tables and nothing else: ``commodore.api_tokens`` and ``commodore.users``, ``quartermaster.tenants``,
    ``purser.tenant_subscriptions``. Nothing is written: ``last_used_at`` is the platform's own business.

    Args:
        url: ``postgres://user:password@host:port/…?sslmode=…``; several hosts are separated by commas. The database in
            its path is replaced by each of the three.
        commodore: Database of users and API tokens.
        quartermaster: Database of tenants.
        purser: Database of subscriptions.
        connections: To each database, at most.
        timeout: Seconds after which a call is over, whatever the server does.

    Raises:
        ValueError: The URL cannot be understood. It is not repeated.
    """

    def __init__(
        self,
        url: str,
        *,
        commodore: str = "commodore",
        quartermaster: str = "quartermaster",
        purser: str = "purser",
        connections: int = 4,
        timeout: float = 5.0,
    ) -> None:
        def pool(database: str) -> PostgresPool:
            return PostgresPool(url, database, connections=connections, connect_timeout=timeout * 0.6)

        self._commodore, self._quartermaster, self._purser = pool(commodore), pool(quartermaster), pool(purser)
        self._timeout = timeout
        self._sql = statements("postgres.sql")
        self._up = True

    async def __aenter__(self) -> Self:
        for pool in self._pools:
            await pool.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools))

    async def find_token(self, sha256_hex: str) -> TokenOwner | None:
        """See `Directory.find_token`.

        Raises:
            BackendUnavailable: The server does not answer in time, or refuses.
        """
        async with self._answering("look up an API token"):
            row = await self._commodore.fetch_row(self._sql["find_token"], sha256_hex)
            if row is None or not await self._may_read(row["tenant_id"]):
                return None
            return _owner(row)

    async def ping(self) -> None:
        """Return when every table that `find_token` reads can be read.

        Raises:
            BackendUnavailable: One cannot.
        """
        async with self._answering("read the accounts"):
            await self._commodore.fetch_row(self._sql["find_token"], "")
            await self._may_read(_NOBODY)
            await self._is_suspended(_NOBODY)

    @property
    def _pools(self) -> tuple[PostgresPool, ...]:
        return self._commodore, self._quartermaster, self._purser

    async def _may_read(self, tenant_id: str) -> bool:
        active = await self._quartermaster.fetch_row(self._sql["tenant_active"], tenant_id)
        return active is not None and active[0] is True and not await self._is_suspended(tenant_id)

    async def _is_suspended(self, tenant_id: str) -> bool:
        suspended = await self._purser.fetch_row(self._sql["tenant_suspended"], tenant_id)
        return suspended is None or suspended[0] is not False

    @contextlib.asynccontextmanager
    async def _answering(self, action: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            self._note(up=False, error=type(error).__name__)
            raise BackendUnavailable("postgres", f"could not {action}") from error
        self._note(up=True)

    def _note(self, *, up: bool, **details: str) -> None:
        # Every client that comes asks; one line for each change tells as much.
        if up is not self._up:
            self._up = up
            if up:
                log.info("directory_back")
            else:
                log.warning("directory_unavailable", **details)


def _owner(row: asyncpg.Record) -> TokenOwner:
    return TokenOwner(
        token_id=row["token_id"],
        user_id=row["user_id"],
        tenant_id=row["tenant_id"],
        role=row["role"],
        permissions=frozenset(permission for permission in row["permissions"] if permission),
        expires_at=row["expires_at"],
    )
