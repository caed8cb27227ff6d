"""The whole way on real servers: Kafka, Redis, PostgreSQL, ClickHouse, one relay, two gateways, as processes."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import orjson

from signalman.simulate.tenants import tenant_ids
from signalman.simulate.wire import Emitted
from tests.acceptance.life import first_insert, live
from tests.acceptance.processes import Installation
from tests.acceptance.scenario import (
    CHANNELS,
    Client,
    Platform,
    delivered,
    expected,
    judge,
    leaks,
    partition_of,
)

TENANTS = tenant_ids(3)


async def test_three_tenants_on_two_gateways(installation: Installation) -> None:
    """Clients of three tenants on both gateways receive a snapshot and then exactly their own tenant's events, every
    one, in order; no address, token or secret of the platform is in any byte that they or an operator get to see; and
    `tail` prints the same.
    """
    platform = Platform(start=time.time(), tenants=3, viewers_per_stream=10, speed=6.0)
    async with AsyncExitStack() as stack:
        stack.enter_context(installation.relay())
        urls = [stack.enter_context(installation.gateway()) for _ in range(2)]
        life = asyncio.create_task(live(installation, platform, lag=0.5, partition_of=partition_of))
        await asyncio.sleep(0)
        # One tenant comes with an API token out of PostgreSQL, the others with the platform's JWTs.
        tokens = {tenant: installation.jwt(tenant, time.time()) for tenant in TENANTS}
        tokens[TENANTS[0]] = installation.api_token(TENANTS[0])
        clients = [
            await stack.enter_async_context(Client(url, tenant, tokens[tenant])) for url in urls for tenant in TENANTS
        ]
        await first_insert(installation, TENANTS)
        tail = stack.enter_context(
            installation.run(
                "tail",
                ["tail", "streams", "-o", "json"],
                {"SIGNALMAN_URL": urls[0], "SIGNALMAN_TOKEN": tokens[TENANTS[1]]},
            )
        )
        tail_log = installation.logs[-1]
        await asyncio.gather(*(client.subscribe(CHANNELS) for client in clients))
        # Beside the loop, on which the platform lives.
        await asyncio.to_thread(tail.wait_ready, lambda: '"table":"streams"' in tail_log.read_text(), timeout=20)
        since = len(platform.emitted)
        await platform.until(since + 600)
        platform.pause()
        emitted = platform.emitted

        for client in clients:
            await delivered(client, emitted, since)
            judge(client, emitted, since)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        assert sum(len(ids) for ids in expected(emitted[since:], TENANTS[0], "analytics").values()) > 20
        _judge_snapshots(clients, installation)
        _judge_tail(tail_log, emitted, since)

        secrets = platform.secrets()
        assert len(secrets) > 500
        for client in clients:
            assert leaks("\n".join(client.frames), secrets) == []
    assert leaks(installation.output(), secrets) == []
    assert not leaks(installation.output(), tokens.values())


def _judge_snapshots(clients: Sequence[Client], installation: Installation) -> None:
    for client in clients:
        known = installation.clickhouse.run_sql(
            f"SELECT toString(stream_id) FROM stream_state_current FINAL WHERE tenant_id = '{client.tenant}'"
        ).split()
        rows = client.rows("streams")
        assert rows, f"{client.name}: an empty snapshot"
        assert {row["stream_id"] for row in rows} <= set(known), f"{client.name}: rows of somebody else"
        assert client.rows("nodes"), f"{client.name}: no nodes"
        assert client.rows("viewers"), f"{client.name}: no viewers"
        assert all("internal_name" not in row and "tenant_id" not in row for row in rows)


def _judge_tail(log: Path, emitted: Sequence[Emitted], since: int) -> None:
    lines = [orjson.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    printed = [line["id"] for line in lines if "id" in line]
    must = [id_ for ids in expected(emitted[since:], TENANTS[1], "streams").values() for id_ in ids]
    assert must
    assert set(must) <= set(printed)
    assert len(printed) == len(set(printed))
    assert any(line.get("table") == "streams" for line in lines)
