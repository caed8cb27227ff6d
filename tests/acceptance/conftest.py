"""Fixtures for the installed command as processes."""

from pathlib import Path

import pytest

from tests.acceptance.processes import Installation
from tests.acceptance.scenario import PARTITIONS
from tests.servers import ClickHouse, Kafka, MockKafka, Postgres, Redis


@pytest.fixture
def installation(
    tmp_path: Path, kafka: Kafka | MockKafka, redis_server: Redis, postgres: Postgres, clickhouse: ClickHouse
) -> Installation:
    """Settings for processes around the servers that all tests share, and topics of their own."""
    made = Installation(tmp_path, kafka=kafka, redis=redis_server, postgres=postgres, clickhouse=clickhouse)
    made.create_topics(PARTITIONS)
    return made
