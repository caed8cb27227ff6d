"""API tokens of the platform that are taken back, and sockets that must notice."""

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import uuid4

import asyncpg
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from signalman.access.tokens import token_hash
from signalman.catalog import default_folder
from tests.servers import Postgres

NOTIFY = default_folder("frameworks") / "notify.sql"
"""The pack's own triggers, as an operator installs them."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One token, of a user of its own."""

    text: str
    id: str
    user: str


def give_out(postgres: Postgres, tenant: str, count: int) -> list[ApiToken]:
    """Tokens of *tenant* that the platform's databases know, with their users."""
    made = [ApiToken(f"fw_{uuid4().hex}{uuid4().hex}", str(uuid4()), str(uuid4())) for _ in range(count)]
    users = ", ".join(f"('{token.user}', '{tenant}', 'owner')" for token in made)
    tokens = ", ".join(
        f"('{token.id}', '{tenant}', '{token.user}', '{token_hash(token.text)}', 'test', ARRAY['read', 'streams:read'])"
        for token in made
    )
    postgres.run_sql(
        "commodore",
        f"INSERT INTO commodore.users (id, tenant_id, role) VALUES {users};"
        "INSERT INTO commodore.api_tokens (id, tenant_id, user_id, token_value, token_name, permissions)"
        f" VALUES {tokens}",
    )
    postgres.run_sql(
        "quartermaster",
        f"INSERT INTO quartermaster.tenants (id, name) VALUES ('{tenant}', 'T') ON CONFLICT DO NOTHING",
    )
    return made


class Accounts:
    """The platform's service for accounts, as far as it takes tokens back. Use as an async context manager."""

    def __init__(self, postgres: Postgres) -> None:
        self._dsn = postgres.dsn("commodore")
        self._connection: asyncpg.Connection | None = None

    async def __aenter__(self) -> Self:
        self._connection = await asyncpg.connect(self._dsn)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._connection is not None
        await self._connection.close()

    async def revoke(self, token: ApiToken) -> float:
        """Take *token* back; the moment at which that was asked for, by `time.monotonic`."""
        assert self._connection is not None
        began = time.monotonic()
        await self._connection.execute("UPDATE commodore.api_tokens SET is_active = FALSE WHERE id = $1", token.id)
        return began


class Holder:
    """A socket opened with a token, which reads until it is closed. Use as an async context manager."""

    def __init__(self, url: str, token: ApiToken) -> None:
        self.token = token
        self.codes: list[str] = []
        """Of the errors that it was told."""
        self.close_code: int | None = None
        self.closed_at = 0.0
        """By `time.monotonic`."""
        self._url = url
        self._socket: ClientConnection | None = None
        self._welcomed = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.token.text}"}
        self._socket = await connect(f"{self._url}/v1/ws", additional_headers=headers, proxy=None)
        self._reading = asyncio.create_task(self._read(self._socket))
        async with asyncio.timeout(30):
            await self._welcomed.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._socket is not None
        assert self._reading is not None
        await self._socket.close()
        await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it."""
        return self.close_code is None

    async def closed(self, within: float) -> None:
        """Return once it is closed."""
        assert self._reading is not None
        async with asyncio.timeout(within):
            await asyncio.shield(self._reading)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                message = orjson.loads(frame)
                if message["type"] == "welcome":
                    self._welcomed.set()
                elif message["type"] == "error":
                    self.codes.append(message["code"])
        except ConnectionClosed:
            pass
        self.closed_at = time.monotonic()
        self.close_code = socket.close_code
