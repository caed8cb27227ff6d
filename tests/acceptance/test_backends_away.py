"""Redis and Kafka are away when the processes start, and go and come back while they run."""

from contextlib import AsyncExitStack
from pathlib import Path

from tests.acceptance.processes import Installation, alive, ready
from tests.acceptance.records import Topics, value
from tests.acceptance.running import Running, client_of
from tests.acceptance.scenario import PARTITIONS, Client, judge_chain
from tests.contract.test_source_kafka import damage, garbage_in_order, produce
from tests.servers import ClickHouse, Kafka, Postgres, Redis
from tests.servers.ports import free_port, wait_for_async

MISSED, LATER = 7, 4


async def test_redis_comes_goes_and_comes(
    tmp_path: Path, real_kafka: Kafka, own_redis: Redis, postgres: Postgres, clickhouse: ClickHouse
) -> None:
    """Without Redis processes live and are not ready, and become so. When it is killed sockets stay open and are told
    `stale`, then `fresh`; what was produced meanwhile is published afterwards, all of it; what comes later arrives;
    and what a client has missed was announced by `reset`.
    """
    installation = Installation(tmp_path, kafka=real_kafka, redis=own_redis, postgres=postgres, clickhouse=clickhouse)
    installation.create_topics(PARTITIONS)
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        running = await _start(installation, stack, topics)
        assert not ready(running.relay_port)
        assert not ready(running.gateway_port)
        await running.put_good(3)

        own_redis.start()
        await _both_ready(running)
        await wait_for_async(lambda: running.outcome("published") == 3, what="what was produced before Redis was there")
        client = running.client = await stack.enter_async_context(client_of(installation, running.url))
        await client.subscribe(["streams"], snapshot=False)
        assert not client.of("stale")
        running.good.clear()
        await running.put_good(5)
        await running.arrived()
        before = len(client.messages)

        own_redis.kill()
        await client.until(lambda: client.of("stale"))
        await wait_for_async(lambda: not ready(running.gateway_port) and not ready(running.relay_port))
        assert alive(running.gateway_port)
        assert alive(running.relay_port)
        await running.put_good(MISSED)
        later = len(running.good)

        own_redis.start()
        await client.until(lambda: client.of("fresh"))
        await _both_ready(running)
        await running.put_good(LATER)
        await client.until(lambda: set(running.good[later:]) <= set(client.ids("streams")))
        # The server lost its memory and counts anew: the count says that the relay lost nothing meanwhile.
        assert client.of("events")[-1]["seq"] == MISSED + LATER
        assert [m["type"] for m in client.messages[before:] if m["type"] in {"stale", "fresh"}] == ["stale", "fresh"]
        assert {m["reason"] for m in client.of("reset")} == {"epoch"}
        judge_chain(client, "streams")
        assert client.open
        await running.topics.all_committed()


async def test_kafka_comes_goes_and_comes(
    tmp_path: Path, own_kafka: Kafka, redis_server: Redis, postgres: Postgres, clickhouse: ClickHouse
) -> None:
    """A relay lives without Kafka and is not ready, and becomes so. Whenever Kafka is back it goes on where it was,
    also behind a batch on the server's disk that nobody can decompress. Clients notice nothing but silence.
    """
    own_kafka.start()
    installation = Installation(tmp_path, kafka=own_kafka, redis=redis_server, postgres=postgres, clickhouse=clickhouse)
    installation.create_topics(PARTITIONS)
    topic = installation.topics["analytics"]
    async with Topics(installation) as topics:
        await topics.begin_group()
        await topics.put_events(before := ["before"])
        await produce(own_kafka, topic, "snappy", *(value(name) for name in ("lost-1", "lost-2", "lost-3")))
        await topics.put_events(behind := ["behind-1", "behind-2"])
    own_kafka.stop()
    damage(own_kafka, topic, garbage_in_order)

    async with AsyncExitStack() as stack:
        running = await _start(installation, stack, topics)
        client = running.client = await stack.enter_async_context(client_of(installation, running.url))
        await client.subscribe(["streams"], snapshot=False)
        assert not ready(running.relay_port)
        assert ready(running.gateway_port)

        own_kafka.start()
        await wait_for_async(lambda: ready(running.relay_port), within=60)
        running.good += before + behind
        await running.arrived()
        running.topics = await stack.enter_async_context(Topics(installation))
        ((_, letter),) = await running.topics.dead_letters(1)
        assert (letter["error"], letter["offset"], letter["last_offset"]) == ("undecodable_batch", 1, 3)
        await running.topics.all_committed()

        own_kafka.stop()
        await wait_for_async(lambda: not ready(running.relay_port), within=30)
        assert alive(running.relay_port)
        own_kafka.start()
        await wait_for_async(lambda: ready(running.relay_port), within=60)
        await running.put_good(20)
        await running.arrived()
        # The bus was there all the time; that nobody read is known after a while.
        assert {message["backend"] for message in client.of("stale")} <= {"source"}
        assert not client.of("reset")
        assert client.open


async def _start(installation: Installation, stack: AsyncExitStack, topics: Topics) -> Running:
    """A relay and a gateway that live, be they ready or not; without a client."""
    relay_port = free_port()
    stack.enter_context(installation.relay(port=relay_port, until_ready=False))
    url = stack.enter_context(installation.gateway(until_ready=False))
    return Running(topics, client_of(installation, url), relay_port=relay_port, url=url)


async def _both_ready(running: Running) -> None:
    await wait_for_async(lambda: ready(running.gateway_port) and ready(running.relay_port), within=30)


async def test_nobody_reads_for_a_while(installation: Installation) -> None:
    """The only relay dies: clients stay and are told `stale` for the source, and `fresh` when another one reads; what
    was produced meanwhile arrives, once.
    """
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        short = {"SIGNALMAN_KAFKA__SESSION_TIMEOUT_SECONDS": "2"}
        relay = stack.enter_context(installation.relay(short))
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        running = Running(topics, client, relay_port=0, url=url)
        await running.put_good(3)
        await running.arrived()

        relay.kill()
        await client.until(lambda: _told(client, "stale"))
        await running.put_good(5)
        assert ready(running.gateway_port)

        stack.enter_context(installation.relay(short))
        await client.until(lambda: _told(client, "fresh"))
        await running.arrived()
        assert not client.of("reset")


def _told(client: Client, type_: str) -> bool:
    return any(message["backend"] == "source" for message in client.of(type_))
