"""Fixtures for the installed command as processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.acceptance.processes import Installation
from tests.acceptance.scenario import PARTITIONS
from tests.servers import ClickHouse, Kafka, MissingServerError, MockKafka, Postgres, Redis, Server

S = TypeVar("S", bound=Server)


@pytest.fixture
def installation(
    tmp_path: Path, kafka: Kafka | MockKafka, redis_server: Redis, postgres: Postgres, clickhouse: ClickHouse
) -> Installation:
    """Settings for processes around the servers that all tests share, and topics of their own."""
    made = Installation(tmp_path, kafka=kafka, redis=redis_server, postgres=postgres, clickhouse=clickhouse)
    made.create_topics(PARTITIONS)
    return made


@contextmanager
def _own(make: Callable[[], S]) -> Iterator[S]:
    try:
        server = make()
    except MissingServerError as missing:
        pytest.skip(str(missing))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """A Kafka for one test alone, not started yet."""
    with _own(lambda: Kafka(tmp_path / "own-kafka")) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis for one test alone, not started yet."""
    with _own(lambda: Redis(tmp_path / "own-redis")) as server:
        yield server


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL for one test alone, not started yet."""
    with _own(lambda: Postgres(tmp_path / "own-postgres")) as server:
        yield server


@pytest.fixture
def own_clickhouse(tmp_path: Path) -> Iterator[ClickHouse]:
    """A ClickHouse for one test alone, not started yet."""
    with _own(lambda: ClickHouse(tmp_path / "own-clickhouse")) as server:
        yield server
