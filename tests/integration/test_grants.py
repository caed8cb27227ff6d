"""The grants of docs/operations.md are enough for Signalman, and enough for nothing else."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis as Client
from redis.exceptions import NoPermissionError

from signalman.access.tokens import token_hash
from signalman.access_ports import Backoff, Rate
from signalman.backends.redis_bus import RedisBus
from signalman.backends.redis_commands import RedisCommands
from signalman.backends.redis_quotas import RedisQuotas
from signalman.backends.redis_tickets import RedisTickets
from signalman.catalog import default_folder, load
from signalman.errors import BackendUnavailable
from signalman.event import Feed, Outgoing, OutgoingEvent, Record
from signalman.notice import EVERYBODY, NOTICES
from tests.contract.directories import (
    PostgresAccounts,
    following,
    frameworks_directory,
    new_account,
    new_text,
    new_user,
)
from tests.contract.listening import Listener
from tests.servers import ClickHouse, MissingServerError, Postgres, Redis, RedisCluster

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
FEED = Feed("streams", ("tenant-1",))
RECORD = Record("analytics_events", 0, 7, 1_000, None, None)
BATCH = [Outgoing(FEED, (OutgoingEvent(RECORD, b"identity", b'{"id":"1"}'),))]


def block(containing: str) -> str:
    """The one code block of the page that holds *containing*, with a password in it."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", OPERATIONS.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    [found] = [text for text in blocks if containing in text]
    return str(found).replace("…", "secret")


def as_user(url: str, user: str) -> str:
    """*url* with this user of the page's grants."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}:secret@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis with the page's two users."""
    try:
        server = Redis(tmp_path_factory.mktemp("redis"))
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with server, Client.from_url(server.url) as operator:
        for line in block("resetkeys").splitlines():
            operator.execute_command(*line.split())
        yield server


@pytest.fixture(scope="module")
def role(postgres: Postgres) -> Iterator[str]:
    """Where the page's role connects to PostgreSQL."""
    postgres.run_sql("postgres", block("CREATE ROLE"))
    yield as_user(postgres.dsn(), "signalman")
    for database in ("commodore", "quartermaster", "purser"):
        postgres.run_sql(database, "DROP OWNED BY signalman")
    postgres.run_sql("postgres", "DROP ROLE signalman")


async def test_redis_users_can_do_their_work(restricted: Redis) -> None:
    """As these users a relay publishes, also after the script cache was emptied, and a gateway hears it."""
    async with (
        RedisBus(as_user(restricted.url, "signalman-relay")) as relay,
        RedisBus(as_user(restricted.url, "signalman-gateway")) as gateway,
    ):
        listener = Listener()
        gateway.listen(listener)
        await gateway.subscribe(FEED)
        await relay.ping()
        await gateway.ping()
        await relay.beat(10)
        assert await gateway.is_fed()
        before = (await gateway.history(FEED, 0)).position
        await relay.publish(BATCH)
        assert await listener.until_events(FEED, 1) == [b'{"id":"1"}']
        assert [each.events for each in (await gateway.history(FEED, 0)).publications] == [(b'{"id":"1"}',)]
        assert before is not None
        assert len(await gateway.missed(FEED, before) or ()) == 1
        await relay.retire("skipped")
        await gateway.unsubscribe(FEED)


async def test_redis_users_can_do_their_work_on_a_cluster(redis_cluster: RedisCluster) -> None:
    """With what is added for a cluster, the same: publishing, hearing and reading the past, within the shard."""
    for node in redis_cluster.nodes:
        for line in (block("resetkeys") + block("+spublish")).splitlines():
            node.command(*line.split())
    async with (
        RedisBus(as_user(redis_cluster.url, "signalman-relay"), cluster=True) as relay,
        RedisBus(as_user(redis_cluster.url, "signalman-gateway"), cluster=True) as gateway,
    ):
        listener = Listener()
        gateway.listen(listener)
        await gateway.subscribe(FEED)
        await relay.retire("skipped")
        await relay.publish(BATCH)
        assert await listener.until_events(FEED, 1) == [b'{"id":"1"}']
        assert [each.events for each in (await gateway.history(FEED, 0)).publications] == [(b'{"id":"1"}',)]
        await gateway.unsubscribe(FEED)
        await relay.ping()


async def test_a_gateway_can_count_and_keep_tickets(restricted: Redis) -> None:
    """As its user a gateway counts and holds places with the others, and gives and takes tickets."""
    commands = RedisCommands(as_user(restricted.url, "signalman-gateway"))
    quotas, tickets = RedisQuotas(commands), RedisTickets(commands)
    try:
        assert await quotas.take("tried", Rate(1.0, 1.0)) == 0.0
        assert await quotas.enter({"held": 1}) is None
        assert await quotas.enter({"held": 1}) == "held"
        await quotas.leave(["held"])
        assert await quotas.failed("bad", Backoff(0, 1.0, 1.0, 10.0)) > 0
        assert await quotas.blocked("bad") > 0
        keeping = asyncio.ensure_future(quotas.keep())
        await quotas.enter({"kept": 1})
        await tickets.put("name", b"value", 10.0)
        assert [await tickets.take("name"), await tickets.take("name")] == [b"value", None]
        keeping.cancel()
    finally:
        await commands.aclose()


async def test_a_gateway_hears_notices(restricted: Redis) -> None:
    """The feed of notices is one like any other: a relay publishes on it, and a gateway hears it."""
    async with (
        RedisBus(as_user(restricted.url, "signalman-relay")) as relay,
        RedisBus(as_user(restricted.url, "signalman-gateway")) as gateway,
    ):
        listener = Listener()
        gateway.listen(listener)
        await gateway.subscribe(NOTICES)
        record = RECORD._replace(offset=8)
        await relay.publish([Outgoing(NOTICES, (OutgoingEvent(record, b"notices!", b"everybody"),))])
        assert await listener.until_events(NOTICES, 1) == [b"everybody"]


async def test_a_gateway_cannot_publish(restricted: Redis) -> None:
    """A gateway that was taken over cannot make up events."""
    async with RedisBus(as_user(restricted.url, "signalman-gateway")) as gateway:
        with pytest.raises(BackendUnavailable):
            await gateway.publish(BATCH)


def test_redis_users_reach_no_other_keys(restricted: Redis) -> None:
    """Neither user can read what others keep on the server."""
    for user in ("signalman-relay", "signalman-gateway"):
        with Client.from_url(as_user(restricted.url, user)) as client, pytest.raises(NoPermissionError):
            client.hmget("somebody:else", ["seq"]) if user == "signalman-gateway" else client.hget("somebody:else", "s")


async def test_the_role_can_look_up_accounts(postgres: Postgres, role: str) -> None:
    """Everything that the directory asks can be asked with the page's grants, and what it tells can be heard."""
    text, token, user = new_text(), new_account(), new_user()
    async with frameworks_directory(role) as directory, following(directory) as follower:
        accounts = PostgresAccounts(postgres, directory)
        await accounts.put_token(text, token)
        await accounts.put_user(user)
        await directory.ping()
        assert set(await directory.tokens([token_hash(text)])) == {token_hash(text)}
        assert set(await directory.users([user.holder.id])) == {user.holder.id}
        assert await follower.next() == EVERYBODY


@pytest.mark.parametrize(
    ("database", "sql"),
    [
        ("commodore", "SELECT password_hash FROM commodore.users"),
        ("commodore", "UPDATE commodore.api_tokens SET is_active = true"),
        ("quartermaster", "SELECT * FROM quartermaster.tenants"),
        ("purser", "DELETE FROM purser.tenant_subscriptions"),
    ],
)
def test_the_role_can_do_nothing_else(postgres: Postgres, role: str, database: str, sql: str) -> None:
    """No password can be read and nothing can be written with the page's grants."""
    assert role
    with pytest.raises(RuntimeError, match="permission denied"):
        postgres.run_sql(database, f"SET ROLE signalman; {sql}")


def test_clickhouse_statements_are_clickhouse(clickhouse: ClickHouse) -> None:
    """The engine's own parser takes each statement, and the tables are those of the pack, no more and no fewer."""
    statements = [line.rstrip(";") for line in block("CREATE SETTINGS PROFILE").splitlines()]
    for statement in statements:
        quoted = statement.replace("'", "''")
        assert clickhouse.run_sql(f"SELECT formatQuery('{quoted}') FORMAT TSV")
    granted = [match[1] for line in statements if (match := re.search(r"SELECT ON periscope\.(\w+)", line))]
    catalog = load(default_folder("frameworks"))
    assert sorted(granted) == sorted(
        table.source for channel in catalog.channels.values() for table in channel.tables.values()
    )
