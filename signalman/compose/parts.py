"""Configuration → one part each. Nothing here starts anything."""

import ssl
from pathlib import Path

import signalman
from signalman.access_ports import Directory, Rate
from signalman.backends.clickhouse import ClickHouseServer
from signalman.backends.clickhouse_sql import Limits
from signalman.backends.feed_limits import FeedLimits
from signalman.backends.kafka_connection import KafkaConnection
from signalman.backends.redis_bus import RedisBus
from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.compose.access import access
from signalman.compose.admission import Stores, admission
from signalman.config import Config, check_pack
from signalman.errors import ConfigError, Fault
from signalman.gateway.gateway import Gateway
from signalman.gateway.log import LogLimits
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.metrics import Metrics
from signalman.ports import Bus, Snapshots
from signalman.redaction import Pseudonyms


def catalog(config: Config) -> Catalog:
    """The pack that configuration names.

    Raises:
        CatalogError: Its files have faults.
        ConfigError: Configuration does not fit it.
    """
    path = config.channels.path
    pack = load(Path(path) if path else default_folder(config.channels.pack))
    check_pack(config, pack)
    return pack


def pseudonyms(config: Config) -> Pseudonyms:
    """What makes pseudonyms; without a key none, which no pack then asks for."""
    return Pseudonyms(config.channels.pseudonym_key.get_secret_value().encode() or None)


def kafka_connection(config: Config) -> KafkaConnection:
    """How to reach Kafka."""
    kafka = config.kafka
    return KafkaConnection(
        brokers=kafka.brokers,
        client_id=kafka.client_id,
        tls=_kafka_tls(config) if kafka.tls else None,
        sasl_mechanism=kafka.sasl_mechanism or None,
        username=kafka.sasl_username or None,
        password=kafka.sasl_password.get_secret_value() or None,
    )


def _kafka_tls(config: Config) -> ssl.SSLContext:
    kafka = config.kafka
    try:
        context = ssl.create_default_context(cafile=kafka.ca_file or None)
        if kafka.certificate_file:
            password = kafka.key_password.get_secret_value() or None
            context.load_cert_chain(kafka.certificate_file, kafka.key_file or None, password)
    except OSError as error:
        reason = f"the certificate files cannot be used: {error.strerror or 'not in PEM form'}"
        raise ConfigError([Fault("configuration", "kafka.ca_file", reason)]) from error
    return context


def redis_bus(config: Config) -> RedisBus:
    """The bus over Redis."""
    redis = config.redis
    return RedisBus(
        redis.url.get_secret_value(),
        prefix=redis.prefix,
        shards=redis.shards,
        limits=feed_limits(config),
        cluster=redis.cluster,
        sharded=redis.sharded_pubsub,
        connections=redis.connections,
        timeout=redis.timeout_seconds,
    )


def feed_limits(config: Config) -> FeedLimits:
    """How much of a feed the bus keeps."""
    history = config.history
    return FeedLimits(
        seconds=history.seconds,
        events=history.events,
        bytes=history.bytes,
        idle_seconds=history.idle_seconds,
        repeat_seconds=history.repeat_seconds,
        repeat_events=history.repeat_events,
        # What a relay passes over is older than this by far: a feed that has just begun anew lacks nothing of it.
        spare_seconds=min(30.0, config.relay.backlog_seconds / 2),
    )


def clickhouse_server(config: Config) -> ClickHouseServer:
    """How to reach ClickHouse."""
    clickhouse = config.clickhouse
    return ClickHouseServer(
        host=clickhouse.host,
        port=clickhouse.port,
        user=clickhouse.user,
        password=clickhouse.password.get_secret_value(),
        database=clickhouse.database,
        tls=clickhouse.tls,
        ca_file=clickhouse.ca_file or None,
        connect_timeout=clickhouse.connect_timeout_seconds,
        connections=clickhouse.concurrency * 2,
    )


def query_limits(config: Config) -> Limits:
    """What one snapshot query may cost."""
    return Limits(seconds=config.clickhouse.query_timeout_seconds)


def rate(per_second: float, burst: float) -> Rate | None:
    """How often something may happen; None, which sets no limit, for 0 a second."""
    return Rate(per_second, burst) if per_second else None


def gateway(
    config: Config,
    pack: Catalog,
    *,
    bus: Bus,
    snapshots: Snapshots,
    directory: Directory | None,
    stores: Stores,
    metrics: Metrics,
) -> Gateway:
    """The gateway over these parts.

    Raises:
        ConfigError: A key or an account cannot be used.
    """
    section, limits = config.gateway, config.limits
    shared = SharedSnapshots(
        snapshots,
        metrics,
        ttl=config.snapshot.share_seconds,
        concurrency=config.clickhouse.concurrency,
        max_rows=config.snapshot.keep_rows,
        pseudonyms=pseudonyms(config),
    )
    return Gateway(
        catalog=pack,
        access=access(config, pack, directory, stores.tickets, metrics),
        admission=admission(config, stores.quotas, metrics),
        bus=bus,
        snapshots=shared,
        metrics=metrics,
        limits=SessionLimits(
            server=f"signalman/{signalman.__version__}",
            auth_timeout=section.auth_timeout_seconds,
            heartbeat=section.heartbeat_seconds,
            max_message_bytes=section.max_message_bytes,
            max_subscriptions=section.max_subscriptions,
            expiry_warning=config.access.expiry_warning_seconds,
            messages=rate(limits.messages_per_second, limits.message_burst),
            bytes=rate(limits.bytes_per_second, limits.byte_burst),
            filter_fields=limits.filter_fields,
            filter_values=limits.filter_values,
        ),
        directory=directory,
        recheck_seconds=config.access.recheck_seconds,
        close_seconds=section.close_seconds,
        max_connections=section.max_connections,
        view_frames=section.view_frames,
        view_bytes=section.view_bytes,
        history=LogLimits(config.history.seconds, config.history.events, config.history.bytes),
        replay_floor_seconds=config.snapshot.replay_floor_seconds,
        bookmark_seconds=section.bookmark_seconds,
        part_rows=config.snapshot.part_rows,
        part_bytes=config.snapshot.part_bytes,
        share_seconds=config.snapshot.share_seconds,
    )
