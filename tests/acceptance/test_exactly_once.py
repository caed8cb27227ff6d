"""Each record enters its feed once: whatever becomes of relays, whoever reads beside them, wherever copies are."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import orjson
import pytest

from signalman.backends.kafka_connection import KafkaConnection
from signalman.backends.kafka_producer import KafkaSink
from signalman.backends.redis_bus import RedisBus
from signalman.event import Feed
from signalman.simulate.tenants import tenant_ids
from tests.acceptance.processes import Installation, counted, ready
from tests.acceptance.records import Topics, value
from tests.acceptance.running import arrive, client_of, event_ids
from tests.acceptance.scenario import PARTITIONS, Client, judge_chain
from tests.servers import Child, Kafka
from tests.servers.ports import free_port, wait_for_async

ROUNDS = 10
"""Two relays are killed in each."""
RATE = 300
TENANTS = tenant_ids(3)
SESSION = {"SIGNALMAN_KAFKA__SESSION_TIMEOUT_SECONDS": "1"}
HOUR_MS = 3_600_000
LIMIT_SECONDS = 4.0

Told = dict[str, dict[int, list[str]]]
"""Tenant → partition → ids, in order."""


class Relay:
    """A relay's process and what it says of itself."""

    def __init__(self, child: Child, port: int) -> None:
        self.child = child
        self._port = port

    async def records(self) -> float:
        """How many it has done with; 0 before it answers."""
        try:
            return await asyncio.to_thread(counted, self._port, "signalman_relay_records_total")
        except httpx.TransportError:
            return 0.0

    async def duplicates(self, kind: str) -> float:
        """How many of its events the bus has not let in."""
        return await asyncio.to_thread(counted, self._port, "signalman_relay_duplicates_total", kind=kind)

    async def skipped(self) -> float:
        """How many records it has passed over."""
        return await asyncio.to_thread(counted, self._port, "signalman_relay_skipped_records_total")

    async def ready(self) -> None:
        """Return once it is."""
        await asyncio.to_thread(self.child.wait_ready, lambda: ready(self._port), timeout=60)

    async def at_work(self) -> None:
        """Return right after it has done with some more."""
        await self.has_read(await self.records() + 1)

    async def has_read(self, count: float) -> None:
        """Return once it has done with *count* records."""

        async def enough() -> bool:
            return await self.records() >= count

        await wait_for_async(enough, within=60, interval=0.02, what="a relay at work")

    async def kill(self) -> float:
        """End it as a power cut would; returns how often it had met events that were published before."""
        again = await self.duplicates("fenced")
        self.child.kill()
        return again


class Seen:
    """Which events a client has had so far: asked again and again, and looking at each message once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._looked_at = 0
        self._ids: set[str] = set()

    async def until(self, ids: Collection[str]) -> None:
        """Return once it has had all of *ids*."""
        await self._client.until(lambda: self._has(ids), within=60)

    def _has(self, ids: Collection[str]) -> bool:
        new = self._client.messages[self._looked_at :]
        self._looked_at += len(new)
        self._ids.update(event["id"] for message in new if message["type"] == "events" for event in message["events"])
        return self._ids.issuperset(ids)


def start(installation: Installation, stack: AsyncExitStack, **env: str) -> Relay:
    """A relay, which is not waited for."""
    port = free_port()
    settings = {"SIGNALMAN_RELAY__PORT": str(port), "SIGNALMAN_RELAY__HOST": "127.0.0.1", **SESSION, **env}
    return Relay(stack.enter_context(installation.run("relay", ["relay"], settings)), port)


@asynccontextmanager
async def flowing(installation: Installation) -> AsyncIterator[Told]:
    """`RATE` events a second of all tenants, on all partitions, while the block runs."""
    told: Told = {tenant: defaultdict(list) for tenant in TENANTS}
    over = asyncio.Event()

    async def flow(sink: KafkaSink) -> None:
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        while not over.is_set():
            while number < (loop.time() - began) * RATE:
                tenant, partition = TENANTS[number // PARTITIONS % len(TENANTS)], number % PARTITIONS
                (event_id,) = event_ids(1)
                told[tenant][partition].append(event_id)
                await sink.send(
                    installation.topics["analytics"], None, value(event_id, tenant_id=tenant), partition=partition
                )
                number += 1
            await asyncio.sleep(0.01)

    async with KafkaSink(KafkaConnection([installation.kafka.bootstrap])) as sink:
        task = asyncio.create_task(flow(sink))
        try:
            yield told
        finally:
            over.set()
            await task


async def next_of(told: dict[int, list[str]]) -> list[str]:
    """One event of each partition that is told from now on."""
    lengths = {partition: len(ids) for partition, ids in told.items()}
    await wait_for_async(lambda: all(len(told[partition]) > length for partition, length in lengths.items()))
    return [told[partition][length] for partition, length in lengths.items()]


@pytest.mark.timeout(600)  # many processes start, on whatever machine
async def test_twenty_killed_relays_publish_each_record_once(real_kafka: Kafka, installation: Installation) -> None:
    """Two relays of one group share the work; one is killed in the middle of it, the other takes over and is killed in
    its turn, and two new ones come: ten times. Records are read again, which the relays' own counts show; in the feeds
    each is there once, in the order of its partition and without a hole in `seq`; and clients that stayed connected had
    each of them once and never heard `reset`.
    """
    # Nothing may be cut off before it is judged, and ids may not stand in for the fence.
    installation.env |= {"SIGNALMAN_HISTORY__SECONDS": "600", "SIGNALMAN_HISTORY__REPEAT_EVENTS": "0"}
    again = 0.0
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        url = stack.enter_context(installation.gateway())
        clients = [
            await stack.enter_async_context(Client(url, tenant, installation.jwt(tenant, time.time())))
            for tenant in TENANTS
        ]
        for client in clients:
            await client.subscribe(["streams"], snapshot=False)
        seen = {client.tenant: Seen(client) for client in clients}
        relays = [start(installation, stack) for _ in range(2)]
        async with flowing(installation) as told:
            for _ in range(ROUNDS):
                for relay in relays:
                    await relay.at_work()
                again += await relays[0].kill()
                await seen[TENANTS[0]].until(await next_of(told[TENANTS[0]]))
                again += await relays[1].kill()
                relays = [start(installation, stack) for _ in range(2)]
        for tenant, theirs in told.items():
            await seen[tenant].until([id_ for ids in theirs.values() for id_ in ids])
        await topics.all_committed()
        for relay in relays:
            await relay.ready()
            again += await relay.duplicates("fenced")

        for client in clients:
            judge(client.ids("streams"), told[client.tenant])
            judge_chain(client, "streams")
            assert client.of("reset") == []
    await judge_history(installation, told)
    assert again > 0, "nothing was ever read again, so nothing is proved"
    assert "Traceback" not in installation.output()


async def test_relays_of_different_groups_publish_each_record_once(
    real_kafka: Kafka, installation: Installation
) -> None:
    """Each of two relays reads everything, as replicas with a group of their own do; what comes second is dropped, by
    its record alone.
    """
    installation.env["SIGNALMAN_HISTORY__REPEAT_EVENTS"] = "0"
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        relays = []
        for group in ("a", "b"):
            installation.env["KAFKA_GROUP_ID"] = f"{installation.dead_letters}-{group}"
            await topics.begin_group()
            relays.append(start(installation, stack))
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        told = {partition: event_ids(200) for partition in range(PARTITIONS)}
        for partition, ids in told.items():
            await topics.put_events(ids, partition)
        count = sum(map(len, told.values()))
        for relay in relays:
            await relay.has_read(count)
        await arrive(client, [id_ for ids in told.values() for id_ in ids])
        assert sum([await relay.duplicates("fenced") for relay in relays]) == count
        judge(client.ids("streams"), told)
        judge_chain(client, "streams")


async def test_a_mirrored_record_is_published_once(real_kafka: Kafka, installation: Installation) -> None:
    """Records that come on the topic and on a region's mirror of it, in whatever order, are published once; what only
    the mirror has is published.
    """
    mirror = f"us-east.{installation.topics['analytics']}"
    installation.create_topic(mirror, 1)
    installation.env["MIRROR_REGION_PREFIXES"] = "us-east"
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation, mirror))
        await topics.begin_group()
        relay = start(installation, stack)
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        here, there, only = event_ids(20), event_ids(20), event_ids(1)
        for id_ in here:
            await topics.put(value(id_))
        await arrive(client, here)
        for id_ in [*here, *there, *only]:
            await topics.put(value(id_), topic=mirror)
        await arrive(client, only)
        for id_ in [*there, *(last := event_ids(1))]:
            await topics.put(value(id_))
        await arrive(client, last)
        assert client.ids("streams") == [*here, *there, *only, *last]
        assert await relay.duplicates("repeated") == len(here) + len(there)
        assert await relay.duplicates("fenced") == 0
        judge_chain(client, "streams")


async def test_what_waited_for_too_long_is_announced_and_never_told_as_news(
    real_kafka: Kafka, installation: Installation
) -> None:
    """Records that lay there for longer than the limit while no relay was there: whoever is connected hears `reset`
    with the reason `skipped`, before anything newer, and goes on with what is current.
    """
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        relay = start(installation, stack, SIGNALMAN_RELAY__BACKLOG_SECONDS="86400")
        now = int(time.time() * 1000)
        await put_at(installation, before := event_ids(3), now - 2 * HOUR_MS)
        await arrive(client, before)
        began = time.monotonic()
        await topics.all_committed()
        assert await asyncio.to_thread(relay.child.stop) == 0

        await put_at(installation, old := event_ids(20), now - HOUR_MS)
        # A feed that is younger than half the limit has nothing to begin anew for.
        await wait_for_async(lambda: time.monotonic() - began > LIMIT_SECONDS / 2)
        relay = start(installation, stack, SIGNALMAN_RELAY__BACKLOG_SECONDS=str(LIMIT_SECONDS))
        await client.until(lambda: client.of("reset"))
        await topics.put_events(young := event_ids(2))
        await arrive(client, young)
        assert await relay.skipped() == len(old)
        assert [message["reason"] for message in client.of("reset")] == ["skipped"]
        assert client.ids("streams") == [*before, *young]
        judge_chain(client, "streams")


async def put_at(installation: Installation, ids: Sequence[str], timestamp_ms: int) -> None:
    """Append events to partition 0, as if that had been at *timestamp_ms*."""
    async with KafkaSink(KafkaConnection([installation.kafka.bootstrap])) as sink:
        for id_ in ids:
            await sink.send(installation.topics["analytics"], None, value(id_), timestamp_ms=timestamp_ms, partition=0)
        await sink.flush()


def judge(had: Sequence[str], told: dict[int, list[str]]) -> None:
    """Fail unless *had* is each id of *told* once, in the order of its partition."""
    assert len(set(had)) == len(had), f"{len(had) - len(set(had))} are there more than once"
    place = {id_: partition for partition, ids in told.items() for id_ in ids}
    assert place.keys() - set(had) == set(), f"{len(place.keys() - set(had))} are missing"
    assert set(had) == place.keys()
    for partition, ids in told.items():
        assert [id_ for id_ in had if place[id_] == partition] == ids, f"partition {partition} is out of order"


async def judge_history(installation: Installation, told: Told) -> None:
    """Fail unless each tenant's feed, as Redis has it, holds each of its events once, numbered without a hole."""
    async with RedisBus(installation.env["REDIS_URL"], prefix=installation.env["SIGNALMAN_REDIS__PREFIX"]) as bus:
        for tenant, theirs in told.items():
            history = await bus.history(Feed("streams", (tenant,)), 0)
            last = 0
            for publication in history.publications:
                assert publication.prev == last
                last = publication.position.seq
            assert last == sum(map(len, theirs.values()))
            judge([orjson.loads(event)["id"] for each in history.publications for event in each.events], theirs)
