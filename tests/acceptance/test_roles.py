"""The commands in other combinations: both roles in one process, mirrors, the simulator, and members that leave."""

import asyncio
import socket
import time
from base64 import b64encode
from contextlib import AsyncExitStack
from functools import partial

import orjson

from signalman.simulate.tenants import tenant_ids
from tests.acceptance.processes import Installation, ready
from tests.acceptance.records import TENANT, Topics, value
from tests.acceptance.running import arrive, client_of, event_ids
from tests.acceptance.scenario import PARTITIONS, Client, judge_chain
from tests.servers import Kafka
from tests.servers.ports import free_port, wait_for_async

DRAIN = 3.0
COUNT = 900


async def test_serve_is_relay_and_gateway(real_kafka: Kafka, installation: Installation) -> None:
    """One process takes records to clients."""
    async with Topics(installation) as topics:
        await topics.begin_group()
        with installation.gateway(command="serve") as url:
            async with client_of(installation, url) as client:
                await client.subscribe(["streams"], snapshot=False)
                await topics.put_events(good := event_ids(5))
                await arrive(client, good)
                assert client.ids("streams") == good
                judge_chain(client, "streams")


async def test_mirrored_topics_are_read(real_kafka: Kafka, installation: Installation) -> None:
    """A region's copy of a topic is read with the topic itself, and its dead letters name the mirror's consumer."""
    mirror = f"us-east.{installation.topics['analytics']}"
    installation.create_topic(mirror, 1)
    installation.create_topic(f"us-east.{installation.topics['service']}", 1)
    installation.env["MIRROR_REGION_PREFIXES"] = "us-east"
    async with Topics(installation, mirror) as topics:
        await topics.begin_group()
        with installation.gateway(command="serve") as url:
            async with client_of(installation, url) as client:
                await client.subscribe(["streams"], snapshot=False)
                here, there = event_ids(2)
                await topics.put_events([here])
                await topics.put(value(there), topic=mirror)
                await arrive(client, [here, there])
                await topics.put(b"{", topic=mirror)
                await topics.put(b"{")
                letters = await topics.dead_letters(2)
                assert {
                    (said["topic"], said["consumer"], dict(letter.headers)["source"]) for letter, said in letters
                } == {
                    (mirror, "signalman-analytics-mirror", b"signalman-analytics-mirror"),
                    (installation.topics["analytics"], "signalman-analytics", b"signalman-analytics"),
                }


async def test_simulate_plays_the_platform(real_kafka: Kafka, installation: Installation) -> None:
    """The topics get the platform's envelopes and headers under the event's id, for as long as was asked, and the
    tables get rows of the same tenants.
    """
    database = f"simulated_{installation.env['SIGNALMAN_REDIS__PREFIX']}"
    installation.clickhouse.run_sql(f"CREATE DATABASE {database}")
    arguments = ["simulate", "--kafka", real_kafka.bootstrap, "--clickhouse", "--duration", "2", "--lag", "0"]
    env = {"CLICKHOUSE_DB": database, "KAFKA_BROKERS": f"127.0.0.1:{free_port()}"}
    with installation.run("simulate", [*arguments, "--tenants", "2", "--speed", "10"], env) as child:
        await asyncio.to_thread(child.wait_done, timeout=60)
    async with Topics(installation) as topics:
        analytics, service = [await topics.read(installation.topics[name]) for name in ("analytics", "service")]
    assert len(analytics) > 20
    for record in analytics + service:
        body = orjson.loads(record.value)
        assert record.key == body["event_id"].encode()
        assert {"event_type", "timestamp", "source", "data"} <= body.keys()
        headers = dict(record.headers)
        assert (headers["source"], headers["event_type"]) == (body["source"].encode(), body["event_type"].encode())
    tenants = {orjson.loads(record.value)["tenant_id"] for record in analytics}
    rows = installation.clickhouse.run_sql("SELECT DISTINCT tenant_id FROM stream_state_current", database=database)
    assert set(rows.split()) == set(tenant_ids(2)) <= tenants


async def test_a_relay_that_is_restarted_loses_nothing(real_kafka: Kafka, installation: Installation) -> None:
    """Relays that end on SIGTERM in the middle of traffic, one after the other: every event arrives at least once, and
    no hole is left unsaid.
    """
    good = event_ids(COUNT)
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        writing = asyncio.create_task(_write(topics, good))
        for part in (1, 2):
            with installation.relay() as relay:
                await client.until(partial(_has_events, client, part * COUNT // 3))
                assert not writing.done()
                assert await asyncio.to_thread(relay.stop) == 0
        with installation.relay():
            await writing
            await arrive(client, good)
            await topics.all_committed()
        assert set(client.ids("streams")) == set(good)
        judge_chain(client, "streams")
    assert "Traceback" not in installation.output()


async def test_a_relay_that_dies_is_replaced(real_kafka: Kafka, installation: Installation) -> None:
    """Two relays share the partitions; when one is killed the other takes over what that had, and nothing is lost."""
    timeout = {"SIGNALMAN_KAFKA__SESSION_TIMEOUT_SECONDS": "3"}
    good = event_ids(COUNT)
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        url = stack.enter_context(installation.gateway())
        client = await stack.enter_async_context(client_of(installation, url))
        await client.subscribe(["streams"], snapshot=False)
        first = stack.enter_context(installation.relay(timeout))
        stack.enter_context(installation.relay(timeout))
        await wait_for_async(lambda: _has_members(topics, 2), within=30, interval=0.2)
        writing = asyncio.create_task(_write(topics, good))
        await client.until(partial(_has_events, client, COUNT // 3))
        first.kill()
        assert not writing.done()
        await writing
        await arrive(client, good)
        await topics.all_committed()
        assert await topics.members() == 1
        assert set(client.ids("streams")) == set(good)
        judge_chain(client, "streams")


async def test_a_gateway_takes_its_leave(real_kafka: Kafka, installation: Installation) -> None:
    """On SIGTERM every client hears `goodbye` and is closed with 1012; the process ends well within its time to drain,
    even where a client does not answer.
    """
    port = free_port()
    arguments = ["gateway", "--host", "127.0.0.1", "--port", str(port)]
    drain = {"SIGNALMAN_GATEWAY__DRAIN_SECONDS": str(DRAIN)}
    token = installation.jwt(TENANT, time.time())
    with installation.run("gateway", arguments, drain) as gateway:
        gateway.wait_ready(lambda: ready(port), timeout=30)
        async with AsyncExitStack() as stack:
            url = f"ws://127.0.0.1:{port}"
            clients = [await stack.enter_async_context(Client(url, TENANT, token)) for _ in range(3)]
            for client in clients:
                await client.subscribe(["streams"], snapshot=False)
            stack.enter_context(_deaf_client(port, token))
            started = time.monotonic()
            stopping = asyncio.create_task(asyncio.to_thread(gateway.stop))
            for client in clients:
                await client.closed()
                assert client.messages[-1]["type"] == "goodbye"
                assert client.messages[-1]["retry_after_ms"] > 0
                assert client.close_code == 1012
            assert time.monotonic() - started < DRAIN
            assert await stopping == 0
            # The web server allows those who do not answer two seconds more.
            assert time.monotonic() - started < DRAIN + 4
    assert "Traceback" not in installation.output()


async def _write(topics: Topics, ids: list[str]) -> None:
    """Append events over all partitions, slowly enough for something to happen meanwhile."""
    for number, event_id in enumerate(ids):
        await topics.put(value(event_id), partition=number % PARTITIONS)
        await asyncio.sleep(0.005)


def _has_events(client: Client, count: int) -> bool:
    return len(client.ids("streams")) >= count


async def _has_members(topics: Topics, count: int) -> bool:
    return await topics.members() == count


def _deaf_client(port: int, token: str) -> socket.socket:
    """A client that has opened its WebSocket and never reads or says anything again."""
    opened = socket.create_connection(("127.0.0.1", port), timeout=10)
    opened.sendall(
        f"GET /v1/ws HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {b64encode(bytes(16)).decode()}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    assert opened.recv(12) == b"HTTP/1.1 101"
    return opened
