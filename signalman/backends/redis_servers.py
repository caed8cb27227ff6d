"""Connections for commands, to one Redis server or to the masters of a cluster, behind one face.

redis-py's own retries are off: what may be repeated is decided by whoever knows what it is. Nor is its cluster client
used: when a node fails, it disconnects connections on which others are just connecting.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ClusterError, MovedError, RedisError

from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_cluster import Masters
from signalman.errors import BackendUnavailable

_SCAN_COUNT = 1_000
_SLOTS = 16_384

Word = str | bytes | int
Answer = Any
"""What redis-py makes of an answer, or the exception that came instead."""


class Command(NamedTuple):
    """A command, and a key that tells where it belongs."""

    key: str
    words: tuple[Word, ...]


class Servers(Protocol):
    """All servers that hold our keys. Raises what redis-py does, and `BackendUnavailable`."""

    async def execute(self, commands: Sequence[Command]) -> list[Answer]:
        """Run all of *commands*, none of which depends on another. An answer may be an exception."""

    async def time(self) -> tuple[int, int]:
        """Seconds and microseconds by the clock of one of them, once all have answered."""

    async def keys(self, pattern: str) -> list[bytes]:
        """All keys that match *pattern*; those that come or go meanwhile may or may not be among them."""

    async def aclose(self) -> None:
        """Close all connections."""


class OneServer:
    """One Redis server.

    Args:
        url: Where it is.
        timeout: Seconds that it may take to accept a connection or to answer, and that a command may wait for one of
            the connections.
        connections: How many commands may be under way at a time.
        at: Another place than the URL's.

    Raises:
        ValueError: The URL is unusable. It is not repeated.
    """

    def __init__(self, url: str, *, timeout: float, connections: int, at: RedisAddress | None = None) -> None:
        # Refuses what cannot be understood, without the part of a password that was taken for a port.
        RedisAddress.parse(url)
        options: dict[str, Any] = {**parse_url(url)}
        if at is not None:
            options.update(host=at.host, port=at.port)
        pool = BlockingConnectionPool(
            max_connections=connections,
            timeout=timeout,
            **{"socket_timeout": timeout, "socket_connect_timeout": timeout, **options},
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)

    async def execute(self, commands: Sequence[Command]) -> list[Answer]:
        """See `Servers`. They go out at once."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command.words)
            return await pipeline.execute(raise_on_error=False)

    async def time(self) -> tuple[int, int]:
        """See `Servers`."""
        return await self._redis.time()

    async def keys(self, pattern: str) -> list[bytes]:
        """See `Servers`."""
        return [key async for key in self._redis.scan_iter(pattern, _SCAN_COUNT)]

    async def aclose(self) -> None:
        """See `Servers`."""
        await self._redis.aclose()


class Cluster:
    """The masters of a Redis Cluster, with connections to each.

    While a slot is moved from one master to another, commands on several of its keys are refused: what belongs to it
    waits until it has moved.

    Args:
        url: Of any node.
        timeout: Seconds that a node may take to accept a connection or to answer.
        connections: How many commands may be under way at a time on each node.

    Raises:
        ValueError: The URL is unusable, or names what a cluster has not. It is not repeated.
    """

    def __init__(self, url: str, *, timeout: float, connections: int) -> None:
        seed = RedisAddress.parse(url)
        if seed.database or seed.path:
            raise ValueError("the Redis URL of a cluster cannot name a database or a socket")
        self._seed = seed
        self._masters = Masters(seed, timeout=timeout)
        self._make = partial(OneServer, url, timeout=timeout, connections=connections)
        self._nodes: dict[RedisAddress, OneServer] = {}
        self._failed: set[RedisAddress] = set()
        self._is_stale = True
        self._refreshing = asyncio.Lock()

    async def execute(self, commands: Sequence[Command]) -> list[Answer]:
        """See `Servers`. What belongs to one node goes out at once."""
        await self._know()
        asked = [self._masters.node_of(key_slot(command.key.encode())) for command in commands]
        answers = await self._round(commands, asked)
        moved = [place for place, answer in enumerate(answers) if isinstance(answer, MovedError)]
        if moved:
            # It has not been run; the node that was asked knows who serves the slot now.
            nodes = [_other(asked[place] or self._seed, answers[place]) for place in moved]
            again = await self._round([commands[place] for place in moved], nodes)
            for place, answer in zip(moved, again, strict=True):
                answers[place] = answer
        return answers

    async def time(self) -> tuple[int, int]:
        """See `Servers`."""
        await self._know()
        return (await asyncio.gather(*(self._node(node).time() for node in self._all())))[0]

    async def keys(self, pattern: str) -> list[bytes]:
        """See `Servers`."""
        await self._know()
        return [key for node in self._all() for key in await self._node(node).keys(pattern)]

    async def aclose(self) -> None:
        """See `Servers`."""
        for server in self._nodes.values():
            await server.aclose()

    async def _round(self, commands: Sequence[Command], nodes: Sequence[RedisAddress | None]) -> list[Answer]:
        groups: dict[RedisAddress | None, list[int]] = {}
        for place, node in enumerate(nodes):
            groups.setdefault(node, []).append(place)
        answers: list[Answer] = [None] * len(commands)

        async def run(node: RedisAddress | None, places: Sequence[int]) -> None:
            for place, answer in zip(places, await self._on(node, [commands[p] for p in places]), strict=True):
                answers[place] = answer

        await asyncio.gather(*(run(node, places) for node, places in groups.items()))
        return answers

    async def _on(self, node: RedisAddress | None, commands: Sequence[Command]) -> list[Answer]:
        if node is None:
            self._is_stale = True
            error = BackendUnavailable("redis", "no node of the cluster serves a key's slot")
            return [error] * len(commands)
        try:
            answers = await self._node(node).execute(commands)
        except (RedisError, OSError) as failure:
            self._is_stale = True
            self._failed.add(node)
            return [failure] * len(commands)
        self._is_stale = self._is_stale or any(isinstance(answer, ClusterError | MovedError) for answer in answers)
        return answers

    async def _know(self) -> None:
        async with self._refreshing:
            if self._is_stale:
                await self._masters.refresh(set(self._nodes) - self._failed)
                self._is_stale = False
                self._failed.clear()
                for node in set(self._nodes) - self._all():
                    await self._nodes.pop(node).aclose()

    def _all(self) -> set[RedisAddress]:
        return {node for slot in range(_SLOTS) if (node := self._masters.node_of(slot)) is not None}

    def _node(self, node: RedisAddress) -> OneServer:
        if node not in self._nodes:
            self._nodes[node] = self._make(at=node)
        return self._nodes[node]


def _other(asked: RedisAddress, moved: MovedError) -> RedisAddress:
    # A node that does not know the other's address leaves it out: it is where the asked one is.
    return asked.at(moved.host or asked.host, moved.port)
