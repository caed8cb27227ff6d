"""What the counts of one installation share, with one face for memory, Redis and Redis Cluster."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self
from uuid import uuid4

from redis.asyncio import Redis as Client
from redis.asyncio.cluster import RedisCluster

from signalman.access_ports import Quotas, Tickets
from signalman.backends.memory_quotas import MemoryQuotas
from signalman.backends.memory_tickets import MemoryTickets
from signalman.backends.redis_commands import RedisCommands
from signalman.backends.redis_quotas import RedisQuotas
from signalman.backends.redis_tickets import RedisTickets
from tests.servers import wait_for_async


@asynccontextmanager
async def kept(quotas: RedisQuotas) -> AsyncIterator[None]:
    """A gateway that lives."""
    keeping = asyncio.create_task(quotas.keep())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


class QuotaMedium(ABC):
    """What the gateways of one installation have in common."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    @abstractmethod
    async def quotas(self) -> Quotas:
        """Another gateway's counts, which it keeps."""

    @abstractmethod
    async def tickets(self) -> Tickets:
        """Another gateway's tickets."""

    @abstractmethod
    async def pass_time(self, seconds: float) -> None:
        """At least so much time passes."""


class MemoryQuotaMedium(QuotaMedium):
    """Within the process: whoever counts here is the same."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._quotas = MemoryQuotas(lambda: self._now)
        self._tickets = MemoryTickets(lambda: self._now)

    async def quotas(self) -> MemoryQuotas:
        """See `QuotaMedium`."""
        return self._quotas

    async def tickets(self) -> MemoryTickets:
        """See `QuotaMedium`."""
        return self._tickets

    async def pass_time(self, seconds: float) -> None:
        """See `QuotaMedium`. Exactly so much."""
        self._now += seconds


class RedisQuotaMedium(QuotaMedium):
    """A Redis server, or a cluster of them."""

    def __init__(self, url: str, *, cluster: bool = False, timeout: float = 5.0) -> None:
        self.prefix = f"test-{uuid4()}"
        self._url = url
        self._cluster = cluster
        self._timeout = timeout
        self._leases = 0
        self._stack = AsyncExitStack()
        self.operator: Any = RedisCluster.from_url(url) if cluster else Client.from_url(url, protocol=2)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        await self.operator.aclose()

    def commands(self) -> RedisCommands:
        """Connections of another process."""
        commands = RedisCommands(self._url, cluster=self._cluster, timeout=self._timeout)
        self._stack.push_async_callback(commands.aclose)
        return commands

    async def quotas(self) -> RedisQuotas:
        """See `QuotaMedium`."""
        quotas = self.forsaken()
        await self._stack.enter_async_context(kept(quotas))
        leases = self._leases
        self._leases += 1

        async def has_lease() -> bool:
            return bool(await self.operator.zcard(f"{self.prefix}:{{held}}:leases") > leases)

        await wait_for_async(has_lease, what="a lease")
        return quotas

    def forsaken(self, *, lease_seconds: float = 30.0) -> RedisQuotas:
        """The counts of a gateway that does not keep them, as if it had been killed."""
        return RedisQuotas(self.commands(), prefix=self.prefix, lease_seconds=lease_seconds)

    async def tickets(self) -> RedisTickets:
        """See `QuotaMedium`."""
        return RedisTickets(self.commands(), prefix=self.prefix)

    async def pass_time(self, seconds: float) -> None:
        """See `QuotaMedium`. A little more, since Redis counts in whole milliseconds."""
        await asyncio.sleep(seconds + 0.002)

    async def keys(self) -> list[bytes]:
        """All keys of this installation."""
        return [key async for key in self.operator.scan_iter(match=f"{self.prefix}:*")]

    async def forget(self) -> None:
        """All is lost."""
        for key in await self.keys():
            await self.operator.delete(key)
