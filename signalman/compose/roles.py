"""The roles of a process: relay, gateway, or both. Each runs until it is cancelled, and ends when a part of it dies."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from signalman.backends.clickhouse import ClickHouseSnapshots
from signalman.backends.kafka import KafkaSource
from signalman.channel import Catalog
from signalman.compose import parts
from signalman.compose.admission import redis_stores
from signalman.compose.directory import directory as accounts
from signalman.config import Config, consumer_names, topic_names
from signalman.errors import BackendUnavailable, ConfigError, Fault
from signalman.gateway.gateway import Gateway
from signalman.metrics import Metrics
from signalman.ports import Bus, Source
from signalman.relay.beat import keep_beating
from signalman.relay.relay import Relay
from signalman.web import app, operations, server

log = structlog.get_logger(__name__)


async def run_relay(config: Config) -> None:
    """Read Kafka, publish to Redis, answer health checks; until cancelled."""
    pack = parts.catalog(config)
    metrics = Metrics()
    listener = server.bind(config.relay.host, config.relay.port)
    async with parts.redis_bus(config) as bus, kafka_source(config, pack) as source:
        relay = make_relay(config, pack, source, bus, metrics)
        metrics.lag.set_function(source.lag)
        checks = {"bus": bus.ping, **relay_checks(relay, source)}
        health = operations.create_app(metrics, checks)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay.run(), name="relay")
            tasks.create_task(keep_beating(lambda: source.up and relay.is_flowing, bus), name="beat")
            tasks.create_task(server.serve(health, listener), name="health")
            tasks.create_task(operations.watch(metrics, checks), name="watch")
            log.info("relay_started", port=listener.getsockname()[1], pack=pack.pack)


async def run_gateway(config: Config) -> None:
    """Serve clients; until cancelled."""
    pack = parts.catalog(config)
    metrics = Metrics()
    listener = server.bind(config.gateway.host, config.gateway.port)
    async with parts.redis_bus(config) as bus, platform_gateway(config, pack, bus, metrics) as gateway:
        await serve_clients(config, gateway, listener)


async def run_serve(config: Config) -> None:
    """Relay and gateway in one process; until cancelled."""
    pack = parts.catalog(config)
    metrics = Metrics()
    listener = server.bind(config.gateway.host, config.gateway.port)
    async with (
        parts.redis_bus(config) as bus,
        kafka_source(config, pack) as source,
        platform_gateway(config, pack, bus, metrics) as gateway,
        asyncio.TaskGroup() as tasks,
    ):
        relay = make_relay(config, pack, source, bus, metrics)
        metrics.lag.set_function(source.lag)
        tasks.create_task(relay.run(), name="relay")
        tasks.create_task(keep_beating(lambda: source.up and relay.is_flowing, bus), name="beat")
        tasks.create_task(serve_clients(config, gateway, listener, relay_checks(relay, source)), name="gateway")


@asynccontextmanager
async def kafka_source(config: Config, pack: Catalog) -> AsyncIterator[KafkaSource]:
    """The platform's topics as a source."""
    if not config.kafka.brokers:
        raise ConfigError([Fault("configuration", "kafka.brokers", "name at least one broker (KAFKA_BROKERS)")])
    source = KafkaSource(
        parts.kafka_connection(config),
        group_id=config.kafka.group_id,
        topics=sorted(topic_names(config, pack)),
        dead_letter_topic=config.kafka.dead_letter_topic,
        consumers=consumer_names(config, pack),
        max_records=config.kafka.batch_records,
        session_timeout=config.kafka.session_timeout_seconds,
        backlog_seconds=config.relay.backlog_seconds,
    )
    async with source:
        yield source


@asynccontextmanager
async def platform_gateway(config: Config, pack: Catalog, bus: Bus, metrics: Metrics) -> AsyncIterator[Gateway]:
    """A gateway over ClickHouse and Redis and, where configured, the accounts in PostgreSQL."""
    async with AsyncExitStack() as stack:
        snapshots = ClickHouseSnapshots(parts.clickhouse_server(config), limits=parts.query_limits(config))
        await stack.enter_async_context(snapshots)
        stores = await stack.enter_async_context(redis_stores(config))
        watched: dict[str, operations.Check] = {"clickhouse": snapshots.ping}
        directory = accounts(config, pack)
        if directory is not None:
            await stack.enter_async_context(directory)
            watched["postgres"] = directory.ping
        gateway = parts.gateway(
            config, pack, bus=bus, snapshots=snapshots, directory=directory, stores=stores, metrics=metrics
        )
        async with asyncio.TaskGroup() as tasks:
            # Neither decides readiness: live events go on without them. The metrics tell.
            watching = tasks.create_task(operations.watch(metrics, watched), name="watch")
            yield gateway
            watching.cancel()


def make_relay(config: Config, pack: Catalog, source: Source, bus: Bus, metrics: Metrics) -> Relay:
    """The relay from *source* to *bus*."""
    return Relay(
        source,
        bus,
        pack,
        topic_names(config, pack),
        metrics,
        consumers=consumer_names(config, pack),
        max_record_bytes=config.kafka.max_record_bytes,
        pseudonyms=parts.pseudonyms(config),
    )


def relay_checks(relay: Relay, source: KafkaSource) -> dict[str, operations.Check]:
    """Ready while Kafka answers, and the relay runs and waits for nobody."""

    async def kafka() -> None:
        if not source.up:
            raise BackendUnavailable("kafka", "does not answer")

    async def running() -> None:
        if not relay.alive:
            raise BackendUnavailable("relay", "is not running")
        if relay.waiting_for:
            raise BackendUnavailable("relay", f"waits for {relay.waiting_for}")

    return {"kafka": kafka, "relay": running}


async def serve_clients(
    config: Config,
    gateway: Gateway,
    listener: socket.socket,
    checks: Mapping[str, operations.Check] | None = None,
) -> None:
    """Serve *gateway* on *listener* until cancelled, then let its clients go."""
    section = config.gateway
    application = app.create_app(
        gateway,
        checks=checks or {},
        allowed_origins=section.allowed_origins,
        trusted_proxies=section.trusted_proxies,
        cookie=config.access.cookie,
        send_timeout=section.send_timeout_seconds,
        close_seconds=section.close_seconds,
        service_token=config.access.service_token.get_secret_value(),
        dashboard=section.dashboard,
    )

    async def drain() -> None:
        await gateway.drain(section.drain_seconds)

    # What is here now stays: looking through it for garbage, time and again, would stop everybody's events for as long.
    gc.collect()
    gc.freeze()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(gateway.keep_time(), name="time")
        tasks.create_task(gateway.watch_source(), name="source")
        tasks.create_task(gateway.watch_tables(), name="tables")
        tasks.create_task(gateway.watch_access(), name="access")
        tasks.create_task(gateway.admission.keep(), name="admission")
        tasks.create_task(
            server.serve(application, listener, max_message_bytes=section.max_message_bytes, drain=drain),
            name="web",
        )
        log.info("gateway_started", port=listener.getsockname()[1], pack=gateway.catalog.pack)
