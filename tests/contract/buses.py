"""What buses share, with one face for memory, Redis and Redis Cluster: make a bus, lose the data, come back with older
data.
"""

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from typing import Any, Self
from uuid import uuid4

from redis.asyncio import Redis as Client
from redis.asyncio.cluster import RedisCluster

from signalman.backends.feed_limits import FeedLimits
from signalman.backends.memory_bus import MemoryBus, MemoryHub
from signalman.backends.redis_bus import RedisBus
from signalman.ports import Bus

SHARDS = 4


class BusMedium(ABC):
    """What the processes of one deployment have in common."""

    def __init__(self, limits: FeedLimits | None = None) -> None:
        self.limits = limits or FeedLimits()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    @abstractmethod
    async def bus(self) -> Bus:
        """Another process's bus."""

    @abstractmethod
    async def save(self) -> Any:
        """Everything as it is now, for `restore`."""

    @abstractmethod
    async def restore(self, data: Any = None) -> None:
        """Everything is as it was when *data* was saved; without that, all is lost."""


class MemoryBusMedium(BusMedium):
    """Within the process."""

    def __init__(self, limits: FeedLimits | None = None) -> None:
        super().__init__(limits)
        self.hub = MemoryHub(limits=self.limits)

    async def bus(self) -> MemoryBus:
        """See `BusMedium.bus`."""
        return MemoryBus(self.hub)

    async def save(self) -> Any:
        """See `BusMedium.save`."""
        return self.hub.save()

    async def restore(self, data: Any = None) -> None:
        """See `BusMedium.restore`."""
        self.hub.restore(data)


class RedisBusMedium(BusMedium):
    """A Redis server, or a cluster of them."""

    def __init__(
        self, url: str, limits: FeedLimits | None = None, *, cluster: bool = False, sharded: bool = False
    ) -> None:
        super().__init__(limits)
        self.prefix = f"test-{uuid4()}"
        self._url = url
        self._cluster = cluster
        self._sharded = sharded
        self._stack = AsyncExitStack()
        self._operator: Any = RedisCluster.from_url(url) if cluster else Client.from_url(url, protocol=2)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        await self._operator.aclose()

    async def bus(self) -> RedisBus:
        """See `BusMedium.bus`."""
        bus = RedisBus(
            self._url,
            prefix=self.prefix,
            shards=SHARDS,
            limits=self.limits,
            cluster=self._cluster,
            sharded=self._sharded,
        )
        return await self._stack.enter_async_context(bus)

    async def save(self) -> Any:
        """See `BusMedium.save`."""
        return {key: (await self._operator.pttl(key), await self._operator.dump(key)) for key in await self.keys()}

    async def restore(self, data: Any = None) -> None:
        """See `BusMedium.restore`."""
        for key in await self.keys():
            await self._operator.delete(key)
        for key, (ttl, value) in (data or {}).items():
            await self._operator.restore(key, max(ttl, 0), value)

    async def keys(self) -> list[bytes]:
        """All keys of this deployment."""
        return [key async for key in self._operator.scan_iter(match=f"{self.prefix}:*")]
