"""Real servers for the tests: each starts on a free port of this machine, in a folder of its own, and can be stopped,
killed, paused and started again on the same port and data.

A class raises `MissingServerError` when what it needs is not on this machine, which the fixtures turn into a skip.
"""

from tests.servers.clickhouse import ClickHouse
from tests.servers.kafka import Kafka
from tests.servers.kafka_mock import MockKafka
from tests.servers.ports import free_port, wait_for, wait_for_async
from tests.servers.postgres import Postgres, create_frameworks
from tests.servers.process import Child, ChildError
from tests.servers.redis import Redis, find_redis_7
from tests.servers.redis_cluster import RedisCluster, RedisNode
from tests.servers.server import MissingServerError, Server

__all__ = [
    "Child",
    "ChildError",
    "ClickHouse",
    "Kafka",
    "MissingServerError",
    "MockKafka",
    "Postgres",
    "Redis",
    "RedisCluster",
    "RedisNode",
    "Server",
    "create_frameworks",
    "find_redis_7",
    "free_port",
    "wait_for",
    "wait_for_async",
]
