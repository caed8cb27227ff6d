"""Shared counts as a test wants them: away, slow, or there; and what they were asked."""

import asyncio
from collections.abc import Collection, Mapping

from signalman.access_ports import Backoff, Rate
from signalman.backends.memory_quotas import MemoryQuotas
from signalman.errors import BackendUnavailable


class Clock:
    """Seconds, as the test has them pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeShared:
    """Counts in memory that can be away. What another gateway does is done to `others`."""

    def __init__(self, clock: Clock) -> None:
        self.others = MemoryQuotas(clock)
        self.is_away = False
        self.hangs = False
        self.asked: list[str] = []

    async def take(self, key: str, rate: Rate) -> float:
        await self._answer("take")
        return await self.others.take(key, rate)

    async def enter(self, ceilings: Mapping[str, int]) -> str | None:
        await self._answer("enter")
        return await self.others.enter(ceilings)

    async def leave(self, keys: Collection[str]) -> None:
        await self._answer("leave")
        await self.others.leave(keys)

    async def blocked(self, key: str) -> float:
        await self._answer("blocked")
        return await self.others.blocked(key)

    async def failed(self, key: str, backoff: Backoff) -> float:
        await self._answer("failed")
        return await self.others.failed(key, backoff)

    async def keep(self) -> None:
        await asyncio.Event().wait()

    def held(self, key: str) -> int:
        """How many of *key* are held by all."""
        return self.others._held[key]

    async def _answer(self, what: str) -> None:
        self.asked.append(what)
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_away:
            raise BackendUnavailable("redis", "is away")
