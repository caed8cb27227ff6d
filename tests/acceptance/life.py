"""The pretend platform at work on an installation's real Kafka and ClickHouse."""

import asyncio
import time
from collections.abc import Callable, Sequence

from signalman.backends.clickhouse import ClickHouseServer, ClickHouseWarehouse
from signalman.backends.kafka_connection import KafkaConnection
from signalman.backends.kafka_producer import KafkaSink
from signalman.simulate import runner
from signalman.simulate.wire import Emitted
from tests.acceptance.processes import Installation
from tests.acceptance.scenario import Platform
from tests.servers.ports import wait_for_async


async def live(
    installation: Installation, platform: Platform, *, lag: float, partition_of: Callable[[bytes], int]
) -> None:
    """Let *platform* live by the clock until cancelled, its ingest *lag* seconds behind."""
    clickhouse = installation.clickhouse
    server = ClickHouseServer(
        host=clickhouse.host,
        port=clickhouse.port,
        user=clickhouse.user,
        password=clickhouse.password,
        database=clickhouse.database,
    )
    connection = KafkaConnection([installation.kafka.bootstrap], client_id="decklog")
    async with KafkaSink(connection) as sink, ClickHouseWarehouse(server) as warehouse:

        async def emit(emitted: Sequence[Emitted]) -> None:
            for each in emitted:
                topic = installation.topics[each.topic]
                await sink.send(topic, each.key, each.value, each.headers, partition=partition_of(each.key))
            await sink.flush()

        await runner.run(platform, emit=emit, warehouse=warehouse, clock=time.time, sleep=asyncio.sleep, lag=lag)


async def first_insert(installation: Installation, tenants: Sequence[str]) -> None:
    """Wait for rows of each of *tenants*: who joins before the tables are there is told that they cannot be read, and
    `tail` shows none that are empty.
    """
    tables = ("stream_state_current", "viewer_sessions_current", "node_state_current")
    there = "SELECT count() FROM system.tables WHERE database = 'periscope' AND name IN {}"
    await wait_for_async(lambda: int(installation.clickhouse.run_sql(there.format(tables))) == len(tables), within=60)
    counts = ", ".join(f"(SELECT uniqExact(tenant_id) FROM {table} WHERE tenant_id IN {{0}})" for table in tables)
    sql = f"SELECT least({counts})".format("(" + ", ".join(f"'{tenant}'" for tenant in tenants) + ")")
    await wait_for_async(lambda: int(installation.clickhouse.run_sql(sql)) == len(tenants), within=60)
