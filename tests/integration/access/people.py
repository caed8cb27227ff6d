"""Those who come: each with a tenant, a user and tokens of his own in the platform's databases."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from signalman.access.own_tokens import new_token
from signalman.access.tokens import token_hash
from tests.integration.access.states import HAPPENS, HASHER, OTHER_TENANT, STANDALONE
from tests.servers import Postgres

DATABASES = ("commodore", "quartermaster", "purser", STANDALONE)

_SECRET = "tfs_the-secret-of-everybody"
_HASH = HASHER.hash(_SECRET)

KEYS = """
CREATE TABLE IF NOT EXISTS commodore.service_keys (
    id text PRIMARY KEY,
    token_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    secret_hash text NOT NULL,
    permissions text[] NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    expires_at timestamp
)
"""
"""A table of split tokens, as another platform has one."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, by a name that no other has."""

    name: str

    @property
    def tenant(self) -> str:
        """Id of his tenant."""
        return str(self._id("tenant"))

    @property
    def user(self) -> str:
        """Id of his user."""
        return str(self._id("user"))

    @property
    def token(self) -> str:
        """Id of his tokens."""
        return str(self._id("token"))

    @property
    def fw_token(self) -> str:
        """His API token."""
        return f"fw_{self._id('one').hex}{self._id('two').hex}"

    @property
    def key_id(self) -> str:
        """First half of his split token."""
        return f"tfk_{self._id('key').hex}"

    @property
    def split_key(self) -> str:
        """The whole of it."""
        return f"{self.key_id}.{_SECRET}"

    @property
    def own_token(self) -> str:
        """His token of Signalman's own."""
        return new_token(self._id("three").bytes + self._id("four").bytes)

    def _id(self, what: str) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_DNS, f"{what} of {self.name}")


class People:
    """The platform's databases, and what happens to those who are in them."""

    def __init__(self, databases: dict[str, Any]) -> None:
        self._databases = databases

    async def settle(self, people: Sequence[Person]) -> None:
        """Have all of *people* there, good in every respect, each in a tenant of his own."""
        commodore, quartermaster, _, standalone = (self._databases[name] for name in DATABASES)
        await quartermaster.executemany(
            "INSERT INTO quartermaster.tenants (id, name) VALUES ($1::text::uuid, 'test') ON CONFLICT DO NOTHING",
            [(OTHER_TENANT,), *((each.tenant,) for each in people)],
        )
        await commodore.executemany(
            "INSERT INTO commodore.users (id, tenant_id, role) VALUES ($1::text::uuid, $2::text::uuid, 'owner')",
            [(each.user, each.tenant) for each in people],
        )
        await commodore.executemany(
            "INSERT INTO commodore.api_tokens (id, tenant_id, user_id, token_value, token_name, permissions)"
            " VALUES ($1::text::uuid, $2::text::uuid, $3::text::uuid, $4, 'test', '{read}')",
            [(each.token, each.tenant, each.user, token_hash(each.fw_token)) for each in people],
        )
        await commodore.executemany(
            "INSERT INTO commodore.service_keys (id, token_id, tenant_id, user_id, secret_hash, permissions)"
            " VALUES ($1, $2::text::uuid, $3::text::uuid, $4::text::uuid, $5, '{read}')",
            [(each.key_id, each.token, each.tenant, each.user, _HASH) for each in people],
        )
        await standalone.executemany(
            "INSERT INTO signalman.tokens (id, name, digest, scope, permissions)"
            " VALUES ($1::text::uuid, 'test', $2, ARRAY[$3], '{read}')",
            [(each.token, token_hash(each.own_token), each.tenant) for each in people],
        )

    async def befall(self, state: str, people: Sequence[Person]) -> None:
        """Have *state* come over *people*; nothing happens where it is no state of the databases."""
        for database, sql, ids in HAPPENS.get(state, ()):
            await self._databases[database].execute(sql, [getattr(each, ids) for each in people])


@asynccontextmanager
async def populated(server: Postgres) -> AsyncIterator[People]:
    """The platform's databases on *server*."""
    async with AsyncExitStack() as stack:
        databases = {}
        for name in DATABASES:
            databases[name] = await asyncpg.connect(server.dsn(name))
            stack.push_async_callback(databases[name].close)
        await databases["commodore"].execute(KEYS)
        yield People(databases)
