"""The servers that other tests stand on: each starts, answers, and keeps port and data over stop and start."""

import asyncio
import uuid

import asyncpg
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from redis.asyncio import Redis as RedisClient
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.servers import ClickHouse, Kafka, MockKafka, Postgres, Redis, wait_for


def unique(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}_{uuid.uuid4().hex[:8]}"


def produce(kafka: Kafka | MockKafka, topic: str, values: list[bytes], **config: object) -> None:
    """Send values to partition 0 and wait until the broker has taken all; raise what it refused."""
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            refused.append(error)

    producer = Producer({"bootstrap.servers": kafka.bootstrap, **config})
    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=delivered)
    assert producer.flush(30) == 0
    if refused:
        raise KafkaException(refused[0])


def consume(kafka: Kafka | MockKafka, topic: str, count: int) -> list[bytes]:
    """Read the first *count* values of a topic, as the only member of a new group."""
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": unique("group"), "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    got: list[bytes] = []

    def enough() -> bool:
        for message in consumer.consume(count, timeout=1):
            assert message.error() is None, message.error()
            got.append(message.value() or b"")
        return len(got) >= count

    wait_for(enough, within=60, interval=0, what=f"{count} values of {topic}")
    consumer.close()
    return got


def test_kafka_answers(kafka: Kafka | MockKafka) -> None:
    """What is produced is consumed, by a group, from whichever broker this machine has."""
    topic = unique("events")
    kafka.create_topic(topic, 4)
    produce(kafka, topic, [b"a", b"b"])
    assert consume(kafka, topic, 2) == [b"a", b"b"]


def test_the_mock_broker_stands_in() -> None:
    """Without Java, producing and a group of one member work; what cannot be had is refused, not faked."""
    mock = MockKafka()
    mock.start()
    mock.create_topic("events", 4)
    produce(mock, "events", [b"a", b"b"])
    assert consume(mock, "events", 2) == [b"a", b"b"]
    with pytest.raises(RuntimeError, match="four partitions"):
        mock.create_topic("other", 3)
    mock.stop()
    with pytest.raises(RuntimeError, match="started again"):
        mock.start()


def test_kafka_keeps_its_data_over_stop_and_start(real_kafka: Kafka) -> None:
    """A broker that was away, in order or suddenly, is back on the same port with the same messages."""
    topic, port = unique("events"), real_kafka.port
    real_kafka.create_topic(topic)
    produce(real_kafka, topic, [b"before"])
    real_kafka.restart()
    produce(real_kafka, topic, [b"between"])
    real_kafka.kill()
    assert not real_kafka.running
    real_kafka.start()
    assert real_kafka.port == port
    assert consume(real_kafka, topic, 2) == [b"before", b"between"]


def test_kafka_takes_large_messages_where_asked(real_kafka: Kafka) -> None:
    """A topic takes 8 MB when its settings say so, and refuses them when they do not."""
    large, usual = unique("large"), unique("usual")
    real_kafka.create_topic(large, max_message_bytes=9_000_000)
    real_kafka.create_topic(usual, max_message_bytes=1_000_000)
    value = bytes(8 * 1024 * 1024)
    limit = {"message.max.bytes": 10_000_000}
    produce(real_kafka, large, [value], **limit)
    assert consume(real_kafka, large, 1) == [value]
    with pytest.raises(KafkaException, match="MSG_SIZE_TOO_LARGE"):
        produce(real_kafka, usual, [value], **limit)


def test_kafka_topics_are_made_and_deleted_only_on_request(real_kafka: Kafka) -> None:
    """A topic has the partitions asked for, is gone after deletion, and none appears by being asked after."""
    topic = unique("events")
    real_kafka.create_topic(topic, 3)
    admin = AdminClient({"bootstrap.servers": real_kafka.bootstrap})
    assert len(admin.list_topics(topic, timeout=30).topics[topic].partitions) == 3
    with pytest.raises(KafkaException, match="TOPIC_ALREADY_EXISTS"):
        real_kafka.create_topic(topic)
    real_kafka.delete_topic(topic)
    assert admin.list_topics(topic, timeout=30).topics[topic].error is not None
    assert topic not in admin.list_topics(timeout=30).topics


async def redis(server: Redis, *command: str) -> object:
    """Send one command on a connection of its own, without retries, which would hide that the server is away."""
    async with RedisClient.from_url(server.url, retry=None) as client:
        answer: object = await client.execute_command(*command)  # type: ignore[no-untyped-call]
        return answer


async def test_redis_keeps_its_port_and_by_default_forgets(redis_server: Redis) -> None:
    """Redis answers, refuses while stopped, and is back on the same port, empty."""
    url = redis_server.url
    await redis(redis_server, "SET", "key", "value")
    assert await redis(redis_server, "GET", "key") == b"value"
    redis_server.stop()
    with pytest.raises(RedisConnectionError):
        await redis(redis_server, "PING")
    redis_server.start()
    assert redis_server.url == url
    assert await redis(redis_server, "GET", "key") is None
    redis_server.kill()
    redis_server.start()
    assert await redis(redis_server, "PING")


async def test_redis_can_keep_its_data(redis_server: Redis) -> None:
    """With an append-only file, data outlive a restart; further settings are the caller's."""
    with Redis(redis_server.folder / "kept", appendonly=True, config={"maxmemory": "1000000"}) as kept:
        await redis(kept, "SET", "key", "value")
        kept.restart()
        assert await redis(kept, "GET", "key") == b"value"
        assert await redis(kept, "CONFIG", "GET", "maxmemory") == {b"maxmemory": b"1000000"}


async def test_a_paused_server_accepts_but_does_not_answer(redis_server: Redis) -> None:
    """`pause` makes a server hang without breaking its connections; `resume` lets it go on."""
    redis_server.pause()
    reader, writer = await asyncio.open_connection(redis_server.host, redis_server.port)
    writer.write(b"PING\r\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(64), 0.2)
    redis_server.resume()
    assert await asyncio.wait_for(reader.read(64), 10) == b"+PONG\r\n"
    writer.close()
    await writer.wait_closed()


async def test_postgres_has_the_platforms_databases(postgres: Postgres) -> None:
    """A token can be looked up the way the platform does, with the platform's defaults in place."""
    connection = await asyncpg.connect(postgres.dsn("commodore"))
    token = await connection.fetchrow("""
        WITH owner AS (
            INSERT INTO commodore.users (tenant_id, email) VALUES (gen_random_uuid(), 'a@b.c') RETURNING id, tenant_id
        )
        INSERT INTO commodore.api_tokens (tenant_id, user_id, token_value, token_name)
        SELECT tenant_id, id, repeat('0', 64), 'test' FROM owner
        RETURNING permissions, is_active, expires_at
    """)
    # The server is shared by the whole run: only what was put in here goes.
    await connection.execute("DELETE FROM commodore.api_tokens WHERE token_value = repeat('0', 64)")
    await connection.execute("DELETE FROM commodore.users WHERE email = 'a@b.c'")
    await connection.close()
    assert token is not None
    assert dict(token) == {"permissions": ["read"], "is_active": True, "expires_at": None}
    for database, table in (("quartermaster", "tenants"), ("purser", "tenant_subscriptions")):
        assert postgres.run_sql(database, f"SELECT count(*) >= 0 FROM {database}.{table}") == "t\n"


async def test_postgres_keeps_its_data_over_stop_and_start(postgres: Postgres) -> None:
    """Stopped in order with clients connected, or killed, the server is back on the same port with its rows."""
    database = unique("kept")
    postgres.create_database(database)
    postgres.run_sql(database, "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('before')")
    port = postgres.port
    connection = await asyncpg.connect(postgres.dsn(database))
    postgres.stop()
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await connection.fetch("SELECT 1")
    await connection.close()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(postgres.dsn(database))
    postgres.start()
    postgres.run_sql(database, "INSERT INTO t VALUES ('between')")
    postgres.kill()
    postgres.start()
    assert postgres.port == port
    assert postgres.run_sql(database, "SELECT v FROM t ORDER BY v") == "before\nbetween\n"


async def test_postgres_asks_for_the_password(postgres: Postgres) -> None:
    """A wrong password is refused, so that a test with a right one proves something."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn(), password="wrong")


def test_postgres_reports_the_statement_that_fails(postgres: Postgres) -> None:
    """`run_sql` raises with the server's message and does not go on."""
    with pytest.raises(RuntimeError, match='relation "nothing" does not exist'):
        postgres.run_sql("postgres", "SELECT * FROM nothing; CREATE DATABASE never")
    assert postgres.run_sql("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'never'") == "0\n"


def test_clickhouse_keeps_its_data_over_stop_and_start(clickhouse: ClickHouse) -> None:
    """Stopped in order or killed, the server is back on the same port with its rows, and the database stays."""
    table, url = unique("kept"), clickhouse.url
    clickhouse.run_sql(f"CREATE TABLE {table} (v String) ENGINE = MergeTree ORDER BY v")
    clickhouse.run_sql(f"INSERT INTO {table} VALUES ('before')")
    clickhouse.restart()
    clickhouse.run_sql(f"INSERT INTO {table} VALUES ('between')")
    clickhouse.kill()
    clickhouse.start()
    assert clickhouse.url == url
    assert clickhouse.run_sql(f"SELECT v FROM {table} ORDER BY v") == "before\nbetween\n"
    clickhouse.run_sql(f"DROP TABLE {table}")
