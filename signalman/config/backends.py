"""Settings of what Signalman is connected to. `config/signalman.toml` says what each one is for."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from signalman.catalog.names import KafkaName, Text
from signalman.config.values import (
    Brokers,
    Bytes,
    Databases,
    Flag,
    Host,
    Port,
    PostgresUrl,
    Prefix,
    RedisUrl,
    Regions,
    Seconds,
    Section,
    SqlName,
    Topics,
    Whole,
)

NO_SECRET = SecretStr("")


class Kafka(Section):
    """``[kafka]``: where the relay reads."""

    brokers: Brokers = ("localhost:9092",)
    group_id: Text = "signalman"
    client_id: Text = "signalman"
    topics: Topics = Field(default_factory=dict)
    mirror_regions: Regions = ()
    dead_letter_topic: KafkaName = "decklog_events_dlq"
    max_record_bytes: Bytes = 8 * 1024 * 1024
    batch_records: Annotated[Whole, Field(ge=1, le=10_000)] = 500
    session_timeout_seconds: Annotated[Seconds, Field(ge=1)] = 30.0
    tls: Flag = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password: SecretStr = NO_SECRET
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    sasl_username: str = ""
    sasl_password: SecretStr = NO_SECRET


class Redis(Section):
    """``[redis]``: the bus between relays and gateways."""

    url: RedisUrl = SecretStr("redis://localhost:6379/0")
    prefix: Prefix = "signalman"
    shards: Annotated[Whole, Field(ge=1, le=1024)] = 16
    cluster: Flag = False
    sharded_pubsub: Flag = True
    connections: Annotated[Whole, Field(ge=1, le=1000)] = 8
    timeout_seconds: Seconds = 5.0


class ClickHouse(Section):
    """``[clickhouse]``: where snapshots are read."""

    host: Host = "localhost"
    port: Port = 8123
    database: SqlName = "periscope"
    user: Text = "default"
    password: SecretStr = NO_SECRET
    tls: Flag = False
    ca_file: str = ""
    connect_timeout_seconds: Seconds = 2.0
    query_timeout_seconds: Seconds = 5.0
    concurrency: Annotated[Whole, Field(ge=1, le=100)] = 8


class Directory(Section):
    """``[directory]``: where the platform's accounts are looked up."""

    url: PostgresUrl = NO_SECRET
    databases: Databases = Field(default_factory=dict)
    listen: Flag = True
    connections: Annotated[Whole, Field(ge=1, le=100)] = 4
    timeout_seconds: Seconds = 2.0
