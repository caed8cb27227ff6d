"""Fixtures for all tests: real servers, one of each kind for the whole run, started when the first test asks."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from tests.no_skips import forbidden, pytest_make_collect_report, pytest_runtest_makereport
from tests.servers import (
    ClickHouse,
    Kafka,
    MissingServerError,
    MockKafka,
    Postgres,
    Redis,
    RedisCluster,
    Server,
    create_frameworks,
)

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

S = TypeVar("S", bound="Server | MockKafka | RedisCluster")

_LEAKING_PREFIXES = ("SIGNALMAN_", "KAFKA_", "CLICKHOUSE_", "REDIS_", "POSTGRES_", "PG", "JWT_", "DATABASE_", "AWS_")
_LEAKING = frozenset({"SERVICE_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})


def leaks(name: str) -> bool:
    """Whether an environment variable could reach the program under test: its own settings, and those that drivers
    read by themselves. ``SIGNALMAN_TEST_…`` is for the tests.
    """
    name = name.upper()
    return (name.startswith(_LEAKING_PREFIXES) or name in _LEAKING) and not name.startswith("SIGNALMAN_TEST_")


# At import, before any test module is: some settings are read when a module is.
for _name in [name for name in os.environ if leaks(name)]:
    del os.environ[_name]


@contextmanager
def _served(make: Callable[[], S]) -> Iterator[S]:
    try:
        server = make()
        server.start()
    except MissingServerError as missing:
        pytest.skip(str(missing))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka | MockKafka]:
    """A running Kafka, or librdkafka's mock of one where Java or Maven is missing (``kafka.real`` tells)."""

    def make() -> Kafka | MockKafka:
        try:
            return Kafka(tmp_path_factory.mktemp("kafka"))
        except MissingServerError:
            if forbidden():
                raise
            return MockKafka()

    with _served(make) as server:
        yield server


@pytest.fixture(scope="session")
def real_kafka(kafka: Kafka | MockKafka) -> Kafka:
    """A running Kafka that is no mock, for groups of several members, topic settings, and stopping."""
    if isinstance(kafka, MockKafka):
        pytest.skip("a mock Kafka will not do here: install Java 17 and Maven")
    return kafka


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A running Redis."""
    with _served(lambda: Redis(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """A running Redis Cluster of three masters, capable of sharded pub/sub. Leave it whole."""
    with _served(lambda: RedisCluster(tmp_path_factory.mktemp("redis-cluster"))) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running PostgreSQL with the platform's databases, empty: commodore, quartermaster, purser."""
    with _served(lambda: Postgres(tmp_path_factory.mktemp("postgres"))) as server:
        create_frameworks(server)
        yield server


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A running ClickHouse with an empty database ``periscope``."""
    with _served(lambda: ClickHouse(tmp_path_factory.mktemp("clickhouse"))) as server:
        yield server
