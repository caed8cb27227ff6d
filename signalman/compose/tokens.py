"""Signalman's own tokens, as the commands make, list and revoke them."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from signalman.access.own_tokens import RANDOM_BYTES, new_token
from signalman.backends.standalone.migrations import migrate, migrations
from signalman.backends.standalone.tokens import NewToken, OwnToken, OwnTokens
from signalman.channel import Catalog
from signalman.config import Config
from signalman.errors import ConfigError, Fault
from signalman.event import Scope

__all__ = ["Created", "OwnToken", "OwnTokenStore"]


@dataclass(frozen=True, slots=True)
class Created:
    """A token that was made. This is the only time that anybody has its text."""

    id: UUID
    text: str


class OwnTokenStore:
    """The schema in the database of ``directory.url``, for a pack that has no accounts of its own.

    Every method raises `BackendUnavailable` when the server does not answer or refuses, with what to do about it.

    Raises:
        ConfigError: No database is configured, or the pack asks the platform's accounts, where no token made here is.
    """

    def __init__(self, config: Config, pack: Catalog) -> None:
        self._url = config.directory.url.get_secret_value()
        faults = []
        if pack.access.statements:
            reason = f"the pack '{pack.pack}' asks the platform's own accounts (directory.sql): make tokens there"
            faults.append(Fault("configuration", "channels.pack", reason))
        if not self._url:
            faults.append(Fault("configuration", "directory.url", "is not set: it says where the tokens are kept"))
        if faults:
            raise ConfigError(faults)

    async def migrate(self) -> list[str]:
        """Make the schema, or bring it up to date; names of what was applied.

        Raises:
            ConfigError: The database has migrations that this version does not know, or knows with another text.
        """
        return await migrate(self._url, migrations())

    async def create(
        self,
        *,
        name: str,
        scope: Scope,
        roles: Collection[str],
        permissions: Collection[str],
        expires_at: datetime | None,
    ) -> Created:
        """Make a token, which is good at once."""
        created = Created(uuid4(), new_token(secrets.token_bytes(RANDOM_BYTES)))
        digest = hashlib.sha256(created.text.encode()).hexdigest()
        kept = NewToken(created.id, name, digest, scope, frozenset(roles), frozenset(permissions), expires_at)
        await OwnTokens(self._url).add(kept)
        return created

    async def list(self) -> Collection[OwnToken]:
        """All tokens, the oldest first."""
        return await OwnTokens(self._url).list()

    async def revoke(self, token_id: UUID) -> Literal["revoked", "already", "unknown"]:
        """End a token; gateways are told at once."""
        return await OwnTokens(self._url).revoke(token_id)
