"""The directories that `test_directory` holds against the contract, filled in the same words."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Protocol

import asyncpg
import psutil

from signalman.access.tokens import token_hash
from signalman.backends.memory_directory import MemoryDirectory, MemoryToken
from signalman.backends.postgres import FrameworksDirectory
from signalman.ports import Directory, TokenOwner
from tests.servers import Postgres


class Accounts(Protocol):
    """A directory, and the platform behind it."""

    @property
    def directory(self) -> Directory:
        """The one under test."""

    async def put(self, text: str, token: MemoryToken) -> None:
        """Store *token* by its *text*, with its user, tenant and subscription."""

    def leave(self) -> None:
        """The platform's server goes away."""

    def come_back(self) -> None:
        """And is there again, with everything stored."""


class MemoryAccounts:
    """Nothing behind it."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory()

    async def put(self, text: str, token: MemoryToken) -> None:
        """See `Accounts`."""
        self.directory.put(text, token)

    def leave(self) -> None:
        """See `Accounts`."""
        self.directory.available = False

    def come_back(self) -> None:
        """See `Accounts`."""
        self.directory.available = True


class PostgresAccounts:
    """The platform's databases on a real server."""

    def __init__(self, server: Postgres, directory: FrameworksDirectory) -> None:
        self.server = server
        self.directory = directory

    async def put(self, text: str, token: MemoryToken) -> None:
        """See `Accounts`."""
        owner = token.owner
        await self.run(
            "commodore",
            "INSERT INTO commodore.users (id, tenant_id, role, is_active) VALUES ($1, $2, $3, $4)",
            *(owner.user_id, owner.tenant_id, owner.role, token.user_active),
        )
        await self.run(
            "commodore",
            "INSERT INTO commodore.api_tokens"
            " (id, tenant_id, user_id, token_value, token_name, permissions, is_active, expires_at)"
            " VALUES ($1, $2, $3, $4, 'test', $5, $6, to_timestamp($7::float8)::timestamp)",
            *(owner.token_id, owner.tenant_id, owner.user_id, token_hash(text)),
            *(sorted(owner.permissions), token.active, owner.expires_at),
        )
        await self.run(
            "quartermaster",
            "INSERT INTO quartermaster.tenants (id, name, is_active) VALUES ($1, 'test', $2)",
            *(owner.tenant_id, token.tenant_active),
        )
        if token.subscription is not None:
            await self.run(
                "purser",
                "INSERT INTO purser.tenant_subscriptions (tenant_id, status) VALUES ($1, $2)",
                *(owner.tenant_id, token.subscription),
            )

    async def run(self, database: str, sql: str, *values: object) -> None:
        """Run one statement as the platform would."""
        connection = await asyncpg.connect(self.server.dsn(database))
        try:
            await connection.execute(sql, *values)
        finally:
            await connection.close()

    def leave(self) -> None:
        """See `Accounts`."""
        self.server.stop()

    def come_back(self) -> None:
        """See `Accounts`."""
        self.server.start()


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    """The server and all its sessions hang, as when their machine does; connections stay open."""
    # A session that is left running would answer; one that ends meanwhile is in nobody's way.
    sessions = psutil.Process(server.pid).children(recursive=True)
    server.pause()
    try:
        for session in sessions:
            with suppress(psutil.NoSuchProcess):
                session.suspend()
        yield
    finally:
        for session in sessions:
            with suppress(psutil.NoSuchProcess):
                session.resume()
        server.resume()


def new_text() -> str:
    """The text of a token that nobody has."""
    return f"fw_{uuid.uuid4().hex}{uuid.uuid4().hex}"


def new_token(expires_at: float | None = None) -> MemoryToken:
    """A good token of a new user of a new tenant."""
    token_id, user_id, tenant_id = (str(uuid.uuid4()) for _ in range(3))
    return MemoryToken(
        owner=TokenOwner(token_id, user_id, tenant_id, "admin", frozenset({"streams:read", "read"}), expires_at)
    )


def with_owner(token: MemoryToken, **changes: object) -> MemoryToken:
    """*token* with another owner's details."""
    return replace(token, owner=replace(token.owner, **changes))  # type: ignore[arg-type]  # names are the test's


class SilentServer:
    """Listens and never says a word, as a frozen machine does."""

    def __init__(self) -> None:
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> int:
        """Its port."""
        self._server = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _hear(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
