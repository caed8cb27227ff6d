"""Nothing that the platform confides to Signalman comes out anywhere: not beside the payload either."""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord

from tests.acceptance.confided import PSEUDONYM_KEY, SERVICE_TOKEN, TENANTS, Scenario
from tests.acceptance.leaks import Search
from tests.acceptance.life import first_insert, live
from tests.acceptance.processes import Installation
from tests.acceptance.records import Topics
from tests.acceptance.redis_watch import GuardedRedis, contents, watched
from tests.acceptance.scenario import CATALOG, CHANNELS, PARTITIONS, Client, partition_of, published
from tests.oracle import addresses
from tests.servers import ClickHouse, Kafka, Postgres

LIVE = 400
"""Records of the platform's life that go through in the first part; all else comes on top."""


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[GuardedRedis]:
    """A Redis for this test alone, with a password."""
    with GuardedRedis(tmp_path / "own-redis") as server:
        yield server


@pytest.fixture
def installation(
    tmp_path: Path, real_kafka: Kafka, own_redis: GuardedRedis, postgres: Postgres, own_clickhouse: ClickHouse
) -> Installation:
    """Settings for processes at debug level, with every secret that the configuration has."""
    own_clickhouse.start()
    made = Installation(tmp_path, kafka=real_kafka, redis=own_redis, postgres=postgres, clickhouse=own_clickhouse)
    made.env |= {
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "SIGNALMAN_CHANNELS__PSEUDONYM_KEY": PSEUDONYM_KEY,
        # One query for all who ask would leave the tables unread while ClickHouse is away.
        "SIGNALMAN_SNAPSHOT__SHARE_SECONDS": "0",
    }
    made.create_topics(PARTITIONS)
    return made


@pytest.mark.timeout(600)  # many processes start, on whatever machine
async def test_nothing_leaks(installation: Installation, own_redis: GuardedRedis) -> None:
    """At debug level, in both formats of logs, with every event type, bad records, wrong credentials, requests full of
    secrets, and Redis and ClickHouse away for a moment: no byte that any process writes, that is in Redis or passes
    through it, that a client receives, that an operator reads, or that explains a dead letter, holds an address, a
    credential, a message or any other of the platform's secrets, in any writing.
    """
    scenario = Scenario(installation, own_redis)
    platform = scenario.platform
    async with AsyncExitStack() as stack:
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        before = await stack.enter_async_context(watched(own_redis))
        await scenario.start(stack)
        life = asyncio.create_task(live(installation, platform, lag=0.2, partition_of=partition_of))
        stack.callback(life.cancel)
        await first_insert(installation, TENANTS)
        clients = [
            await stack.enter_async_context(Client(url, tenant, installation.jwt(tenant, time.time())))
            for url in scenario.urls
            for tenant in TENANTS
        ]
        await asyncio.gather(*(client.subscribe(CHANNELS) for client in clients))
        await scenario.put_all_kinds(topics)
        await platform.until(len(platform.emitted) + LIVE)
        letters = await scenario.put_bad(topics)
        await asyncio.gather(scenario.ask(), scenario.run_commands())
        await topics.dead_letters(letters)
        scenario.add("redis", contents(own_redis))

        installation.clickhouse.kill()
        own_redis.kill()
        await asyncio.gather(*(client.until(partial(client.of, "stale")) for client in clients))
        letters += await scenario.put_bad(topics)
        await asyncio.gather(scenario.ask(), scenario.misconfigure())
        own_redis.start()
        after = await stack.enter_async_context(watched(own_redis))
        await asyncio.gather(*(client.until(partial(client.of, "fresh")) for client in clients))
        await scenario.misconfigure()
        scenario.add("letters", _without_records(await topics.dead_letters(letters)))
        scenario.add("redis", contents(own_redis))
        scenario.add("redis passing", bytes(before + after))
        life.cancel()
        for client in clients:
            scenario.add("frames", "\n".join(client.frames).encode())
    for log in installation.logs:
        scenario.add(log.stem, log.read_bytes())
    _judge(scenario)
    _judge_what_was_seen(scenario)


def _judge(scenario: Scenario) -> None:
    secrets, outputs = scenario.secrets(), scenario.outputs
    assert len(secrets) > 1000
    assert Search(secrets).report(outputs) == []
    # Nor any other address, wherever nobody but a person has one.
    held = {name: addresses(sorted(_words(output))) for name, output in outputs.items() if name != "redis passing"}
    assert {name: len(found) for name, found in held.items() if found} == {}


def _judge_what_was_seen(scenario: Scenario) -> None:
    """Fail unless the search has seen what it was for: what may be shown is found where it has to be, and everything
    that can go wrong has been told at debug level.
    """
    shown = {event_id for each in scenario.kinds for event_id in published(each)[1]}
    assert len(shown) >= len(CATALOG.routes) - 2
    search = Search(shown)
    for name in ("redis", "redis passing", "frames"):
        assert search.found(scenario.outputs[name]) == shown, name
    logs = b"\n".join(log.read_bytes() for log in scenario.installation.logs)
    for line in (b"session_state", b"relay_waits", b"redis_lost", b"directory_unavailable", b"records_dead_lettered"):
        assert line in logs, line
    for line in logs.splitlines():
        if line.startswith(b'{"') and b'"level": "' in line:
            said = orjson.loads(line)
            assert said["level"] not in {"debug", "info"} or said["logger"].startswith("signalman"), said["logger"]


def _words(output: bytes) -> set[str]:
    """What *output* is made of, each word once, but for the addresses that the processes of this test listen on."""
    words = set(re.split(r'[\s"{}\\,]+', output.decode(errors="replace")))
    return {re.sub(r"127\.0\.0\.1(:[0-9]+)?|0\.0\.0\.0", "", word) for word in words}


def _without_records(letters: Sequence[tuple[ConsumerRecord, Mapping[str, Any]]]) -> bytes:
    """What Signalman itself says in *letters*. The record that each one buries is left out: the platform's own format
    has it there, whole with its headers and ids, for the operators of the platform who may read that topic.
    """
    said = ("topic", "partition", "offset", "timestamp", "error", "consumer")
    return b"\n".join(
        orjson.dumps([{name: letter[name] for name in said}, record.topic, str(record.headers[:2])])
        for record, letter in letters
    )
