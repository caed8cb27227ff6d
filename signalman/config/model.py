"""The whole configuration as one frozen value. `config/signalman.toml` says what each setting is for."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from signalman.catalog.names import Text
from signalman.config.backends import NO_SECRET, ClickHouse, Directory, Kafka, Redis
from signalman.config.values import (
    LIST,
    Algorithms,
    Bearer,
    Bytes,
    CookieName,
    Flag,
    Host,
    JwksUrl,
    ListenPort,
    Networks,
    Number,
    Origins,
    PseudonymKey,
    ScopePath,
    Seconds,
    Section,
    Whole,
)


class Channels(Section):
    """``[channels]``: which pack is served."""

    pack: Text = "frameworks"
    path: str = ""
    pseudonym_key: PseudonymKey = NO_SECRET


class History(Section):
    """``[history]``: how much of a feed's past is kept, on the bus and in a gateway."""

    seconds: Annotated[Number, Field(ge=1, le=86_400)] = 120.0
    events: Annotated[Whole, Field(ge=1, le=100_000_000)] = 50_000
    bytes: Bytes = 32 * 1024 * 1024
    idle_seconds: Annotated[Number, Field(ge=60, le=31_536_000)] = 86_400.0
    repeat_seconds: Annotated[Number, Field(ge=0, le=86_400)] = 600.0
    repeat_events: Annotated[Whole, Field(ge=0, le=10_000_000)] = 100_000


class Snapshot(Section):
    """``[snapshot]``: how snapshots are shared, cut, and made up to date."""

    share_seconds: Annotated[Number, Field(ge=0, le=60)] = 1.0
    keep_rows: Annotated[Whole, Field(ge=0, le=10_000_000)] = 50_000
    part_rows: Annotated[Whole, Field(ge=1, le=10_000)] = 500
    part_bytes: Bytes = 64 * 1024
    replay_floor_seconds: Annotated[Number, Field(ge=0, le=3600)] = 30.0


class Account(Section):
    """One entry of ``[[access.accounts]]``: a principal that needs no platform, for development."""

    name: Text
    token: Bearer
    scope: ScopePath
    role: Text = "member"
    permissions: Annotated[tuple[Text, ...] | None, LIST] = None
    operator: Flag = False


class Access(Section):
    """``[access]``: who may connect, and how long that holds."""

    jwt_secret: SecretStr = NO_SECRET
    jwt_algorithms: Algorithms = ("HS256",)
    jwt_public_keys: Annotated[tuple[Text, ...], LIST] = ()
    jwks_url: JwksUrl = ""
    jwks_ca_file: str = ""
    jwks_keep_seconds: Annotated[Number, Field(ge=10, le=86_400)] = 300.0
    jwks_pause_seconds: Annotated[Number, Field(ge=1, le=3600)] = 10.0
    jwt_issuers: Annotated[tuple[Text, ...], LIST] = ()
    jwt_audiences: Annotated[tuple[Text, ...], LIST] = ()
    jwt_leeway_seconds: Annotated[Number, Field(ge=0, le=300)] = 10.0
    jwt_max_lifetime_seconds: Annotated[Number, Field(ge=60, le=31_536_000)] = 86_400.0
    allow_weak_secret: Flag = False
    cookie: CookieName = ""
    platform_operators: Flag = False
    ticket_seconds: Annotated[Number, Field(ge=1, le=300)] = 30.0
    expiry_warning_seconds: Annotated[Number, Field(ge=0, le=3600)] = 60.0
    recheck_seconds: Annotated[Number, Field(ge=0.5, le=60)] = 30.0
    argon2_threads: Annotated[Whole, Field(ge=1, le=64)] = 2
    argon2_waiting: Annotated[Whole, Field(ge=0, le=10_000)] = 32
    argon2_memory_kib: Annotated[Whole, Field(ge=1024, le=4_194_304)] = 131_072
    argon2_keep_seconds: Annotated[Number, Field(ge=0, le=60)] = 30.0
    service_token: SecretStr = NO_SECRET
    accounts: Annotated[tuple[Account, ...], LIST] = ()


class Limits(Section):
    """``[limits]``: what one tenant, one user, one address or one connection may take. 0 sets no limit."""

    connections_per_tenant: Annotated[Whole, Field(ge=0, le=10_000_000)] = 5000
    connections_per_user: Annotated[Whole, Field(ge=0, le=1_000_000)] = 200
    connections_per_address: Annotated[Whole, Field(ge=0, le=1_000_000)] = 1000
    handshakes_per_minute: Annotated[Whole, Field(ge=0, le=10_000_000)] = 1200
    failures: Annotated[Whole, Field(ge=0, le=1_000_000)] = 20
    failure_pause_seconds: Annotated[Number, Field(ge=0.1, le=3600)] = 1.0
    failure_longest_pause_seconds: Annotated[Number, Field(ge=0.1, le=86_400)] = 60.0
    unauthenticated: Annotated[Whole, Field(ge=0, le=1_000_000)] = 1000
    messages_per_second: Annotated[Number, Field(ge=0, le=100_000)] = 20.0
    message_burst: Annotated[Whole, Field(ge=1, le=1_000_000)] = 200
    bytes_per_second: Annotated[Whole, Field(ge=0, le=1 << 30)] = 64 * 1024
    byte_burst: Annotated[Whole, Field(ge=1024, le=1 << 30)] = 512 * 1024
    filter_fields: Annotated[Whole, Field(ge=0, le=16)] = 8
    filter_values: Annotated[Whole, Field(ge=0, le=16_000)] = 1000
    snapshots_per_minute: Annotated[Whole, Field(ge=0, le=1_000_000)] = 300


class Gateway(Section):
    """``[gateway]``: what WebSocket and HTTP clients meet."""

    host: Host = "0.0.0.0"
    port: ListenPort = 18009
    allowed_origins: Origins = ()
    trusted_proxies: Networks = ()
    dashboard: Flag = True
    max_connections: Annotated[Whole, Field(ge=1, le=1_000_000)] = 10_000
    auth_timeout_seconds: Seconds = 5.0
    heartbeat_seconds: Annotated[Number, Field(ge=1, le=300)] = 25.0
    max_message_bytes: Bytes = 64 * 1024
    max_subscriptions: Annotated[Whole, Field(ge=1, le=1000)] = 64
    view_frames: Annotated[Whole, Field(ge=1, le=1_000_000)] = 4096
    view_bytes: Bytes = 8 * 1024 * 1024
    send_timeout_seconds: Seconds = 30.0
    close_seconds: Seconds = 1.0
    drain_seconds: Annotated[Number, Field(ge=0, le=300)] = 5.0
    bookmark_seconds: Annotated[Number, Field(ge=1, le=300)] = 15.0


class Relay(Section):
    """``[relay]``: what a relay passes over, and where it tells about its health."""

    host: Host = "0.0.0.0"
    port: ListenPort = 18010
    backlog_seconds: Annotated[Number, Field(ge=1, le=31_536_000)] = 120.0


class Log(Section):
    """``[log]``: what is logged and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Simulate(Section):
    """``[simulate]``: the pretend platform."""

    seed: Annotated[Whole, Field(ge=0)] = 1
    tenants: Annotated[Whole, Field(ge=1, le=1000)] = 3
    streams: Annotated[Whole, Field(ge=1, le=10_000)] = 4
    viewers: Annotated[Whole, Field(ge=0, le=1_000_000)] = 25
    rate: Annotated[Number, Field(ge=0, le=1_000_000)] = 0.0
    speed: Annotated[Number, Field(ge=0.01, le=1000)] = 1.0
    lag_seconds: Annotated[Number, Field(ge=0, le=600)] = 2.0


class Config(Section):
    """Every setting. Made by `signalman.config.load`; secrets never show in its ``repr``."""

    channels: Channels = Channels()
    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    clickhouse: ClickHouse = ClickHouse()
    history: History = History()
    snapshot: Snapshot = Snapshot()
    directory: Directory = Directory()
    access: Access = Access()
    limits: Limits = Limits()
    gateway: Gateway = Gateway()
    relay: Relay = Relay()
    log: Log = Log()
    simulate: Simulate = Simulate()
