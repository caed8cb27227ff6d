"""The variables that FrameWorks deployments already set."""

from typing import Any

import pytest
from pydantic import SecretStr

from signalman.config import load
from signalman.config.environment import kind_of
from signalman.config.frameworks import NAMES
from tests.unit.config.sample import faults

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("KAFKA_BROKERS", "k1:9092, k2:9092", ("k1:9092", "k2:9092")),
        ("KAFKA_GROUP_ID", "signalman-host1", "signalman-host1"),
        ("KAFKA_CLIENT_ID", "me", "me"),
        ("DECKLOG_DLQ_KAFKA_TOPIC", "dead", "dead"),
        ("MIRROR_REGION_PREFIXES", "us-east,eu-west", ("us-east", "eu-west")),
        ("KAFKA_TLS", "true", True),
        ("REDIS_URL", "rediss://:pw@redis:6380/1", "rediss://:pw@redis:6380/1"),
        ("CLICKHOUSE_HOST", "ch", "ch"),
        ("CLICKHOUSE_PORT", "8124", 8124),
        ("CLICKHOUSE_PORT", "9000", 8123),
        ("CLICKHOUSE_DB", "other", "other"),
        ("CLICKHOUSE_USER", "reader", "reader"),
        ("CLICKHOUSE_PASSWORD", "pw", "pw"),
        ("CLICKHOUSE_TLS", "1", True),
        ("CLICKHOUSE_SECURE", "true", True),
        ("DATABASE_URL", "postgres://u:p@pg:5432/x?sslmode=require", "postgres://u:p@pg:5432/x?sslmode=require"),
        ("JWT_SECRET", SECRET, SECRET),
        ("SERVICE_TOKEN", "svc", "svc"),
    ],
)
def test_a_name_sets_its_setting(name: str, text: str, value: Any) -> None:
    """Each variable of the platform has the effect that it has there."""
    setting: Any = load(None, {name: text})
    for part in NAMES[name]:
        setting = getattr(setting, part)

    assert (setting.get_secret_value() if isinstance(setting, SecretStr) else setting) == value


def test_topics() -> None:
    """The platform's topic names reach the pack's logical topics."""
    config = load(None, {"ANALYTICS_KAFKA_TOPIC": "a", "SERVICE_EVENTS_KAFKA_TOPIC": "s"})

    assert config.kafka.topics == {"analytics": "a", "service": "s"}


@pytest.mark.parametrize(
    ("address", "host", "port", "tls"),
    [
        ("clickhouse:9000", "clickhouse", 8123, False),
        ("clickhouse:9440", "clickhouse", 8443, True),
        ("clickhouse:8124", "clickhouse", 8124, False),
        ("clickhouse", "clickhouse", 8123, False),
        ("ch-1:9000,ch-2:9000", "ch-1", 8123, False),
        ("[::1]:9000", "::1", 8123, False),
    ],
)
def test_clickhouse_address(address: str, host: str, port: int, tls: bool) -> None:  # noqa: FBT001 # a table
    """The native address that Go services use is translated to the HTTP interface beside it."""
    clickhouse = load(None, {"CLICKHOUSE_ADDR": address}).clickhouse

    assert (clickhouse.host, clickhouse.port, clickhouse.tls) == (host, port, tls)


def test_host_and_port_beat_the_address() -> None:
    """The more exact variables win."""
    environ = {"CLICKHOUSE_ADDR": "a:9000", "CLICKHOUSE_HOST": "b", "CLICKHOUSE_PORT": "8443"}
    clickhouse = load(None, environ).clickhouse

    assert (clickhouse.host, clickhouse.port) == ("b", 8443)


@pytest.mark.parametrize("name", [*NAMES, "CLICKHOUSE_ADDR"])
def test_empty_means_unset(name: str) -> None:
    """Compose files pass variables on that are empty when nobody set them."""
    assert load(None, {name: " "}) == load(None, {})


def test_foreign_names_are_ignored() -> None:
    """Variables of other services are none of our business."""
    environ = {"KAFKA_CLUSTER_ID": "frameworks", "KAFKA_CONSUME_RESET_OFFSET": "latest", "REDIS_FOO": "1"}

    assert load(None, environ) == load(None, {})


def test_faults_name_the_variable() -> None:
    """Who set JWT_SECRET reads JWT_SECRET."""
    found = faults(None, {"KAFKA_BROKERS": "nonsense", "CLICKHOUSE_PORT": "x", "JWT_SECRET": "short"})

    assert [fault.key for fault in found] == ["CLICKHOUSE_PORT", "JWT_SECRET", "KAFKA_BROKERS"]
    assert {fault.file for fault in found} == {"environment"}


def test_all_names_mean_settings() -> None:
    """The table has no mistyped setting."""
    assert all(kind_of(key) is not None for key in NAMES.values())
