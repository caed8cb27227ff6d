"""The connections to Redis are cut, Redis hangs, is restarted with what it knew, and is emptied: what clients see."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import redis.asyncio
from redis.exceptions import RedisError

from tests.acceptance.processes import Installation, counted
from tests.acceptance.records import Topics
from tests.acceptance.running import Running, arrive, client_of
from tests.acceptance.scenario import PARTITIONS
from tests.servers import ClickHouse, Kafka, MockKafka, Postgres, Redis
from tests.servers.ports import free_port, wait_for_async

CUTS = 15
HANG_SECONDS = 20


@pytest.fixture
def remembering_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis for one test alone that keeps its data over a restart."""
    with Redis(tmp_path / "remembering-redis", appendonly=True) as server:
        yield server


@asynccontextmanager
async def _run(installation: Installation) -> AsyncIterator[Running]:
    """A relay, a gateway, and a client that has subscribed to channel streams with its snapshot."""
    installation.create_topics(PARTITIONS)
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        relay_port = free_port()
        stack.enter_context(installation.relay(port=relay_port))
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        yield Running(topics, client, relay_port=relay_port, url=url)


@asynccontextmanager
async def _flowing(running: Running) -> AsyncIterator[None]:
    """Good events, one after the other, while the block runs."""
    over = asyncio.Event()

    async def flow() -> None:
        # Not cancelled: nobody would know whether the event in hand was written.
        while not over.is_set():
            await running.put_good(5)

    task = asyncio.create_task(flow())
    try:
        yield
    finally:
        over.set()
        await task


async def _more(running: Running, than: int) -> None:
    """Return once more good events than that have been told."""
    await wait_for_async(lambda: len(running.good) > than)


@pytest.fixture
def installed(
    tmp_path: Path,
    kafka: Kafka | MockKafka,
    remembering_redis: Redis,
    postgres: Postgres,
    clickhouse: ClickHouse,
) -> Installation:
    """Settings for processes around that Redis."""
    return Installation(tmp_path, kafka=kafka, redis=remembering_redis, postgres=postgres, clickhouse=clickhouse)


async def test_cut_connections_lose_nothing(installed: Installation, remembering_redis: Redis) -> None:
    """Every connection to Redis is killed again and again while events flow, the relay's in the middle of its scripts:
    each event arrives once and in order, the client hears `stale` and `fresh` and never `reset`.
    """
    async with _run(installed) as running, redis.asyncio.Redis.from_url(remembering_redis.url) as admin:
        async with _flowing(running):
            for _ in range(CUTS):
                seen = len(running.good)
                for kind in ("pubsub", "normal"):
                    with suppress(RedisError):  # our own connection may be among them
                        await admin.client_kill_filter(_type=kind, skipme=True)
                await _more(running, seen + 10)
                await arrive(running.client, running.good[:seen])
        await running.arrived()
        assert not running.client.of("reset")
        assert len(running.client.of("stale")) == len(running.client.of("fresh")) > 0
        assert counted(running.gateway_port, "signalman_gaps_total", outcome="filled") > 0
        assert counted(running.gateway_port, "signalman_gaps_total", outcome="reset") == 0


async def test_a_redis_that_hangs_loses_nothing(installed: Installation, remembering_redis: Redis) -> None:
    """Redis stands still for twenty seconds with all connections open, while events are produced: the client hears
    `stale`, then `fresh`, and every event once; the scripts that the relay had given up and repeated run only once.
    """
    async with _run(installed) as running:
        await running.put_good(5)
        await running.arrived()
        remembering_redis.pause()
        hang = asyncio.create_task(asyncio.sleep(HANG_SECONDS))
        while not hang.done():
            await running.put_good(5)
            await asyncio.wait([hang], timeout=0.25)
        assert running.client.of("stale")
        remembering_redis.resume()
        await running.client.until(lambda: running.client.of("fresh"))
        await running.put_good(5)
        await running.arrived()
        assert not running.client.of("reset")


async def test_a_redis_restarted_with_its_data_loses_nothing(installed: Installation, remembering_redis: Redis) -> None:
    """Redis is killed and comes back with what it had written down: clients go on, with no event lost or twice."""
    async with _run(installed) as running:
        async with _flowing(running):
            await _more(running, 50)
            for _ in range(3):
                seen = len(running.good)
                await asyncio.to_thread(remembering_redis.kill)
                await _more(running, seen + 20)
                await asyncio.to_thread(remembering_redis.start)
                await arrive(running.client, running.good[: seen + 20])
        await running.arrived()
        assert not running.client.of("reset")
        assert running.client.of("stale")


async def test_an_emptied_redis_is_announced(installed: Installation, remembering_redis: Redis) -> None:
    """Redis is emptied while clients are connected: with the next event they are told `reset`, begin anew, and have
    everything that came after.
    """
    async with _run(installed) as running, redis.asyncio.Redis.from_url(remembering_redis.url) as admin:
        await running.put_good(20)
        await running.arrived()
        await admin.flushall()
        emptied_at = len(running.good)
        await running.put_good(10)
        await arrive(running.client, running.good[emptied_at:])
        assert [reset["reason"] for reset in running.client.of("reset")] == ["epoch"]
        await running.arrived()
