"""API tokens of Signalman's own schema: made, listed, revoked. The text of one is never stored."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from signalman.backends.standalone.session import session
from signalman.event import Scope

_USAGE = "USAGE on schema signalman and"


@dataclass(frozen=True, slots=True)
class NewToken:
    """What is kept of a token that is made."""

    id: UUID
    name: str
    digest: str
    """SHA-256 of its text in hexadecimal."""
    scope: Scope
    roles: frozenset[str]
    permissions: frozenset[str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnToken:
    """A token as people see it."""

    id: UUID
    name: str
    scope: Scope
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    state: Literal["good", "suspended", "expired", "revoked"]
    """By the database's clock."""


_LIST = """
SELECT id, name, scope, roles, permissions, created_at, revoked_at,
    -- Python's calendar has no infinity.
    CASE WHEN isfinite(expires_at) THEN expires_at WHEN expires_at < now() THEN to_timestamp(0) END AS expires_at,
    CASE
        WHEN revoked_at IS NOT NULL THEN 'revoked'
        WHEN expires_at <= now() THEN 'expired'
        WHEN EXISTS (SELECT 1 FROM signalman.suspended_scopes AS suspended WHERE suspended.scope = token.scope[1])
            THEN 'suspended'
        ELSE 'good'
    END AS state
FROM signalman.tokens AS token
ORDER BY created_at, id
"""


class OwnTokens:
    """The tokens in the database of *url*. Each call has a connection of its own, as a command needs one.

    Every call raises:
        ValueError: The URL cannot be understood. It is not repeated.
        BackendUnavailable: The server does not answer or refuses, with what to do about it.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def add(self, token: NewToken) -> None:
        """Keep *token*, which is good from now on."""
        async with session(self._url, "create a token", rights=f"{_USAGE} INSERT on signalman.tokens") as connection:
            await connection.execute(
                "INSERT INTO signalman.tokens (id, name, digest, scope, roles, permissions, expires_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                *(token.id, token.name, token.digest, token.scope),
                *(sorted(token.roles), sorted(token.permissions), token.expires_at),
            )

    async def list(self) -> Collection[OwnToken]:
        """All of them, the oldest first."""
        rights = f"{_USAGE} SELECT on signalman.tokens and signalman.suspended_scopes"
        async with session(self._url, "list the tokens", rights=rights) as connection:
            return [_read(row) for row in await connection.fetch(_LIST)]

    async def revoke(self, token_id: UUID) -> Literal["revoked", "already", "unknown"]:
        """End the token of that id; gateways are told at once."""
        rights = f"{_USAGE} SELECT and UPDATE on signalman.tokens"
        async with session(self._url, "revoke a token", rights=rights) as connection:
            before = await connection.fetchrow(
                "SELECT revoked_at FROM signalman.tokens WHERE id = $1 FOR UPDATE", token_id
            )
            if before is None:
                return "unknown"
            if before["revoked_at"] is not None:
                return "already"
            await connection.execute("UPDATE signalman.tokens SET revoked_at = now() WHERE id = $1", token_id)
            return "revoked"


def _read(row: asyncpg.Record) -> OwnToken:
    return OwnToken(
        row["id"],
        row["name"],
        tuple(row["scope"]),
        tuple(row["roles"]),
        tuple(row["permissions"]),
        row["created_at"],
        row["expires_at"],
        row["revoked_at"],
        row["state"],
    )
