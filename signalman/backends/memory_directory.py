"""`Directory` in memory, for tests and for development without the platform's databases."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from signalman.access.tokens import token_hash
from signalman.errors import BackendUnavailable
from signalman.ports import TokenOwner


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryToken:
    """An API token with everything that decides whether it is good. Flags are None where a database has NULL."""

    owner: TokenOwner
    active: bool | None = True
    user_active: bool | None = True
    tenant_active: bool | None = True
    subscription: str | None = None
    """The status of the tenant's subscription; None without one."""


class MemoryDirectory:
    """Tokens by their hash.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._tokens: dict[str, MemoryToken] = {}
        self.available = True
        """Set to False, every call raises `BackendUnavailable`."""

    def put(self, text: str, token: MemoryToken) -> None:
        """Know *token* by its *text*, ``fw_…``, from now on; only the hash is kept."""
        self._tokens[token_hash(text)] = token

    async def find_token(self, sha256_hex: str) -> TokenOwner | None:
        """See `Directory.find_token`."""
        self._check()
        token = self._tokens.get(sha256_hex)
        return token.owner if token is not None and self._is_good(token) else None

    async def ping(self) -> None:
        """See `Directory.ping`."""
        self._check()

    def _is_good(self, token: MemoryToken) -> bool:
        expires_at = token.owner.expires_at
        return (
            bool(token.active and token.user_active and token.tenant_active)
            and token.subscription != "suspended"
            and (expires_at is None or expires_at > self._clock())
        )

    def _check(self) -> None:
        if not self.available:
            raise BackendUnavailable("postgres", "the connection failed")
