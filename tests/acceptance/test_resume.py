"""A gateway dies: its clients come back at another one and go on where they were."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.acceptance.follower import Follower
from tests.acceptance.processes import Installation, counted, ready
from tests.acceptance.records import TENANT, Topics
from tests.acceptance.running import event_ids
from tests.servers import Child
from tests.servers.balancer import Balancer
from tests.servers.ports import free_port

CLIENTS = 24
KILLS = 2


class Gateway:
    """One of several, on a port of its own, that dies and comes back."""

    def __init__(self, installation: Installation, stack: AsyncExitStack) -> None:
        self.port = free_port()
        self._installation = installation
        self._stack = stack
        self._child: Child | None = None

    def start(self) -> None:
        """Begin, without waiting."""
        arguments = ["gateway", "--host", "127.0.0.1", "--port", str(self.port)]
        self._child = self._stack.enter_context(self._installation.run("gateway", arguments))

    async def ready(self) -> None:
        """Return once it is."""
        assert self._child is not None
        await asyncio.to_thread(self._child.wait_ready, lambda: ready(self.port), timeout=60)

    async def kill(self) -> None:
        """End it at once."""
        assert self._child is not None
        await asyncio.to_thread(self._child.kill)


@pytest.mark.timeout(600)  # many processes start, on whatever machine
async def test_clients_of_a_dead_gateway_miss_nothing(installation: Installation) -> None:
    """Two gateways are killed in turns while events flow. Every client ends with every event exactly once and in order,
    by resuming at the other gateway: none is told to start over.
    """
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        gateways = [Gateway(installation, stack) for _ in range(2)]
        for gateway in gateways:
            gateway.start()
        stack.enter_context(installation.relay())
        for gateway in gateways:
            await gateway.ready()
        balancer = await stack.enter_async_context(Balancer([gateway.port for gateway in gateways]))
        followers = await _followers(installation, balancer.url, stack)

        resumed = 0.0
        async with _events(topics) as told:
            for number in range(KILLS):
                victim, other = gateways[number % 2], gateways[(number + 1) % 2]
                enough = len(told) + 30
                await followers[0].until(lambda enough=enough: len(followers[0].ids) >= enough)
                before = counted(other.port, "signalman_resumes_total", outcome="recovered")
                moved = sum(follower.told["recovered"] for follower in followers)
                await victim.kill()
                await _all(followers, lambda follower: follower.told["caught_up"] == follower.told["connected"])
                await asyncio.gather(*(_caught_up_with(follower, told) for follower in followers))
                resumed += counted(other.port, "signalman_resumes_total", outcome="recovered") - before
                assert sum(follower.told["recovered"] for follower in followers) - moved >= 1
                victim.start()
                await victim.ready()

        for follower in followers:
            await _caught_up_with(follower, told)
            assert follower.ids == told, f"{follower.name}: not every event once and in order"
            assert follower.resets == []
        assert resumed == sum(follower.told["recovered"] for follower in followers) >= CLIENTS


async def _followers(installation: Installation, url: str, stack: AsyncExitStack) -> list[Follower]:
    token = installation.jwt(TENANT, time.time())
    made = [Follower(url, token, name=f"client {number}") for number in range(CLIENTS)]
    return list(await asyncio.gather(*(stack.enter_async_context(follower) for follower in made)))


@asynccontextmanager
async def _events(topics: Topics) -> AsyncIterator[list[str]]:
    """Events of one partition, one after the other, while the block runs; gives their ids as they are written."""
    told: list[str] = []
    over = asyncio.Event()

    async def tell() -> None:
        # Not cancelled: nobody would know whether the event in hand was written.
        while not over.is_set():
            (event_id,) = event_ids(1)
            await topics.put_events([event_id])
            told.append(event_id)

    telling = asyncio.create_task(tell())
    try:
        yield told
    finally:
        over.set()
        await telling


async def _caught_up_with(follower: Follower, told: Sequence[str]) -> None:
    so_far = len(told)
    await follower.until(lambda: len(follower.ids) >= so_far)


async def _all(followers: Sequence[Follower], done: object) -> None:
    assert callable(done)
    await asyncio.gather(*(follower.until(lambda f=follower: done(f)) for follower in followers))
