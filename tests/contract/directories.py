"""The directories that `test_directory` holds against the contract, filled in the same words."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol

import asyncpg
import psutil

from signalman.access.tokens import token_hash
from signalman.access_ports import Directory, Holder
from signalman.access_rules import Statement
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from signalman.backends.postgres import PostgresDirectory
from signalman.backends.postgres_listener import CHANNEL
from signalman.catalog import default_folder
from signalman.catalog.statements import read_statements
from signalman.notice import About, Notice, notice
from tests.servers import Postgres

OPERATOR = "platform_operator"


class Accounts(Protocol):
    """A directory, and the platform behind it."""

    @property
    def directory(self) -> Directory:
        """The one under test."""

    async def put_tokens(self, tokens: Mapping[str, MemoryAccount]) -> None:
        """Store tokens by their texts, each with its user, tenant and subscription."""

    async def put_user(self, user: MemoryAccount) -> None:
        """Store *user* with its tenant and subscription."""

    async def tell(self, about: About, *ids: str) -> None:
        """The platform's database says that somebody has changed."""

    def leave(self) -> None:
        """The platform's server goes away."""

    def come_back(self) -> None:
        """And is there again, with everything stored."""


class MemoryAccounts:
    """Nothing behind it."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory()

    async def put_tokens(self, tokens: Mapping[str, MemoryAccount]) -> None:
        """See `Accounts`."""
        for text, token in tokens.items():
            self.directory.put_token(text, token)

    async def put_user(self, user: MemoryAccount) -> None:
        """See `Accounts`."""
        self.directory.put_user(user)

    async def tell(self, about: About, *ids: str) -> None:
        """See `Accounts`."""
        self.directory.tell(notice(about, *ids))

    def leave(self) -> None:
        """See `Accounts`."""
        self.directory.available = False

    def come_back(self) -> None:
        """See `Accounts`."""
        self.directory.available = True


class PostgresAccounts:
    """FrameWorks' databases on a real server."""

    def __init__(self, server: Postgres, directory: PostgresDirectory) -> None:
        self.server = server
        self.directory = directory

    async def put_tokens(self, tokens: Mapping[str, MemoryAccount]) -> None:
        """See `Accounts`."""
        held = [(text, token, token.holder) for text, token in tokens.items()]
        async with connected(self.server, "commodore") as commodore:
            await commodore.executemany(
                "INSERT INTO commodore.users (id, tenant_id, role, is_active) VALUES ($1, $2, $3, $4)",
                [(holder.user_id, holder.scope[0], min(holder.roles), token.user_active) for _, token, holder in held],
            )
            await commodore.executemany(
                "INSERT INTO commodore.api_tokens"
                " (id, tenant_id, user_id, token_value, token_name, permissions, is_active, expires_at)"
                " VALUES ($1, $2, $3, $4, 'test', $5, $6, to_timestamp($7::float8)::timestamp)",
                [
                    (
                        *(holder.id, holder.scope[0], holder.user_id, token_hash(text)),
                        *(sorted(holder.permissions or ()), token.active, holder.expires_at),
                    )
                    for text, token, holder in held
                ],
            )
        await self._put_tenants(list(tokens.values()))

    async def put_token(self, text: str, token: MemoryAccount) -> None:
        """One of `put_tokens`."""
        await self.put_tokens({text: token})

    async def put_user(self, user: MemoryAccount) -> None:
        """See `Accounts`."""
        holder = user.holder
        await self.run(
            "commodore",
            "INSERT INTO commodore.users (id, tenant_id, role, platform_operator, is_active)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(holder.id, holder.scope[0], min(holder.roles - {OPERATOR}), OPERATOR in holder.roles, user.active),
        )
        await self._put_tenants([user])

    async def _put_tenants(self, accounts: Sequence[MemoryAccount]) -> None:
        async with connected(self.server, "quartermaster") as quartermaster:
            await quartermaster.executemany(
                "INSERT INTO quartermaster.tenants (id, name, is_active) VALUES ($1, 'test', $2)"
                " ON CONFLICT DO NOTHING",
                [(account.holder.scope[0], account.tenant_active) for account in accounts],
            )
        async with connected(self.server, "purser") as purser:
            await purser.executemany(
                "INSERT INTO purser.tenant_subscriptions (tenant_id, status) VALUES ($1, $2)",
                [(each.holder.scope[0], each.subscription) for each in accounts if each.subscription is not None],
            )

    async def tell(self, about: About, *ids: str) -> None:
        """See `Accounts`."""
        await self.notify("quartermaster" if about == "scope" else "commodore", " ".join((about, *ids)))

    async def notify(self, database: str, payload: str) -> None:
        """Say *payload* on the channel."""
        await self.run(database, "SELECT pg_notify($1, $2)", CHANNEL, payload)

    async def run(self, database: str, sql: str, *values: object) -> None:
        """Run one statement as the platform would."""
        async with connected(self.server, database) as connection:
            await connection.execute(sql, *values)

    def leave(self) -> None:
        """See `Accounts`."""
        self.server.stop()

    def come_back(self) -> None:
        """See `Accounts`."""
        self.server.start()


@asynccontextmanager
async def connected(server: Postgres, database: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """A connection of the platform's."""
    connection = await asyncpg.connect(server.dsn(database))
    try:
        yield connection
    finally:
        await connection.close()


def frameworks_statements() -> Mapping[str, Statement]:
    """What FrameWorks' pack asks."""
    return read_statements((default_folder("frameworks") / "directory.sql").read_text("utf-8"))


def frameworks_directory(url: str, **settings: Any) -> PostgresDirectory:
    """A directory on FrameWorks' databases at *url*."""
    return PostgresDirectory(url, frameworks_statements(), {}, **settings)


@asynccontextmanager
async def following(directory: Directory) -> AsyncIterator["Follower"]:
    """Somebody who follows the directory's changes."""
    follower = Follower(directory)
    try:
        yield follower
    finally:
        await follower.leave()


class Follower:
    """Takes notices one by one, and never waits for longer than a test may."""

    def __init__(self, directory: Directory) -> None:
        self._notices = directory.changes()

    async def next(self) -> Notice:
        """The next one."""
        async with asyncio.timeout(15):
            return await anext(self._notices)

    async def ended(self) -> bool:
        """Whether there is none any more, ever."""
        async with asyncio.timeout(15):
            return await anext(self._notices, None) is None

    async def leave(self) -> None:
        """Follow no longer."""
        close = getattr(self._notices, "aclose")  # noqa: B009 # every implementation is a generator
        await close()


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


def new_account(**changes: Any) -> MemoryAccount:
    """A good token of a new user of a new tenant, with another `Holder`'s details."""
    token_id, user_id, tenant_id = (str(uuid.uuid4()) for _ in range(3))
    holder = Holder(token_id, (tenant_id,), frozenset({"admin"}), frozenset({"streams:read", "read"}), user_id)
    return MemoryAccount(holder=replace(holder, **changes))


def new_user(**changes: Any) -> MemoryAccount:
    """A good user of a new tenant."""
    user_id, tenant_id = (str(uuid.uuid4()) for _ in range(2))
    return MemoryAccount(holder=replace(Holder(user_id, (tenant_id,), frozenset({"admin"}), None, user_id), **changes))


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
