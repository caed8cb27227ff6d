"""The pretend platform, connected to a real Kafka and, where wanted, a real ClickHouse."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog

from signalman.backends.clickhouse import ClickHouseWarehouse
from signalman.backends.kafka_producer import KafkaSink
from signalman.channel import Catalog
from signalman.compose import parts
from signalman.config import Config
from signalman.simulate import runner
from signalman.simulate.pace import at_rate
from signalman.simulate.wire import Emitted
from signalman.simulate.world import World

log = structlog.get_logger(__name__)


def world(config: Config, start: float) -> World:
    """The pretend platform that configuration describes, beginning at Unix time *start*."""
    section = config.simulate
    if section.rate:
        return at_rate(
            section.rate,
            start=start,
            seed=section.seed,
            tenants=section.tenants,
            streams_per_tenant=section.streams,
            viewers=section.viewers,
        )
    return World(
        start=start,
        seed=section.seed,
        tenants=section.tenants,
        streams_per_tenant=section.streams,
        viewers_per_stream=section.viewers,
        speed=section.speed,
    )


def kafka_names(config: Config, pack: Catalog) -> dict[str, str]:
    """Logical topic → the Kafka topic that the platform itself writes to."""
    return {name: config.kafka.topics.get(name) or topic.default for name, topic in pack.topics.items()}


async def simulate(config: Config, *, clickhouse: bool = False, duration_seconds: float | None = None) -> None:
    """Write the platform's events to Kafka, and with *clickhouse* its current state to ClickHouse, until cancelled or
    for *duration_seconds*.

    Raises:
        BackendUnavailable: Kafka or ClickHouse does not answer.
    """
    names = kafka_names(config, parts.catalog(config))
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(KafkaSink(parts.kafka_connection(config)))
        warehouse = None
        if clickhouse:
            warehouse = await stack.enter_async_context(ClickHouseWarehouse(parts.clickhouse_server(config)))

        async def emit(emitted: Sequence[Emitted]) -> None:
            for each in emitted:
                await sink.send(
                    names[each.topic], each.key, each.value, each.headers, timestamp_ms=round(each.time * 1000)
                )
            await sink.flush()

        log.info("simulating", tenants=config.simulate.tenants, brokers=",".join(config.kafka.brokers))
        await runner.run(
            world(config, time.time()),
            emit=emit,
            warehouse=warehouse,
            lag=config.simulate.lag_seconds,
            clock=time.time,
            sleep=asyncio.sleep,
            duration=duration_seconds,
        )
