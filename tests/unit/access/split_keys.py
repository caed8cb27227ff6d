"""Split tokens, a directory that knows one, and a pool that checks it."""

from collections.abc import Collection, Mapping

import pytest
from argon2 import PasswordHasher

from signalman.access.argon2_pool import Argon2Pool
from signalman.access.split_tokens import SplitTokens
from signalman.access.verdicts import Verdicts
from signalman.access_ports import Holder
from signalman.access_rules import TokenScheme
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from signalman.errors import NotAuthenticated
from tests.unit.access.make import NOW, ONE_LEVEL, holder

SCHEMES = (TokenScheme("split", "tfk-", secret_prefix="tfs-"), TokenScheme("hashed", "fw_"))
KEY = "tfk-0123.tfs-the-secret"
MEMORY_KIB = 128
HASHER = PasswordHasher(memory_cost=64, time_cost=1, parallelism=1)
STORED = HASHER.hash("tfs-the-secret")


class Counting(MemoryDirectory):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.asked: list[list[str]] = []

    async def keys(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """Note, then look."""
        self.asked.append(sorted(ids))
        return await super().keys(ids)


class Recorded(Argon2Pool):
    """Remembers what was really checked."""

    def __init__(self) -> None:
        super().__init__(threads=1, waiting=1)
        self.checked: list[tuple[str, str]] = []

    async def fits(self, secret: str, stored: str) -> bool:
        """Note, then check."""
        self.checked.append((secret, stored))
        return await super().fits(secret, stored)


def account(**changes: object) -> MemoryAccount:
    """A good key."""
    return MemoryAccount(holder=holder("logs:read", **({"id": "tfk-0123", "secret_hash": STORED} | changes)))


def made(directory: MemoryDirectory, pool: Argon2Pool, schemes: tuple[TokenScheme, ...] = SCHEMES) -> SplitTokens:
    """Over *directory*; what was found is remembered for a minute that does not pass."""
    verdicts = Verdicts(keep_seconds=60.0, clock=lambda: 0.0)
    return SplitTokens(schemes, directory, ONE_LEVEL, pool=pool, verdicts=verdicts, memory_kib=MEMORY_KIB)


async def refusal(tokens: SplitTokens, token: str) -> NotAuthenticated:
    """How *token* is refused."""
    with pytest.raises(NotAuthenticated) as refused:
        await tokens.authenticate(token, NOW)
    assert str(refused.value) == "The API token is unknown, revoked or expired, or its owner blocked."
    return refused.value
