"""How PostgreSQL is listened to, against a real one."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from signalman.backends.notice_queue import LONGEST
from signalman.backends.postgres_listener import CHANNEL
from signalman.notice import EVERYBODY, notice
from tests.contract.directories import (
    Follower,
    PostgresAccounts,
    following,
    frameworks_directory,
    frozen,
)
from tests.contract.postgres_proxy import IGNORED, REFUSED, OtherProduct
from tests.servers import Postgres
from tests.servers.ports import wait_for_async

DATABASES = ("commodore", "quartermaster", "purser")
LISTENERS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'signalman'"
"""Sessions that listen; no test here looks anybody up beside them."""


@pytest.fixture
async def accounts(postgres: Postgres) -> AsyncIterator[PostgresAccounts]:
    """The platform's databases. What a directory is not told of, it would find out in ten minutes."""
    async with frameworks_directory(postgres.dsn(), watch_seconds=600) as directory:
        yield PostgresAccounts(postgres, directory)


@pytest.fixture
async def follower(accounts: PostgresAccounts) -> AsyncIterator[Follower]:
    """Somebody who has begun to follow."""
    async with following(accounts.directory) as follower:
        assert await follower.next() == EVERYBODY
        yield follower


async def listeners(server: Postgres, only: str = "true") -> list[str]:
    """The server's sessions that listen, by their ids."""
    return (await asyncio.to_thread(server.run_sql, "postgres", f"{LISTENERS} AND {only} ORDER BY pid")).split()


async def until_no_listener(server: Postgres, only: str = "true") -> None:
    """Return once there is no such session."""

    async def there_is_none() -> bool:
        return not await listeners(server, only)

    await wait_for_async(there_is_none)


@pytest.mark.parametrize("database", DATABASES)
async def test_every_database_is_heard(accounts: PostgresAccounts, follower: Follower, database: str) -> None:
    """Tokens and users are in one of them, tenants in another, subscriptions in a third."""
    await accounts.notify(database, f"scope {database}")
    assert await follower.next() == notice("scope", database)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "token",
        "token ",
        "token a b",
        "user",
        "user  a",
        "scope",
        "scope a  b",
        "tokens a",
        "TOKEN a",
        "everybody",
        "{}",
    ],
)
async def test_what_is_not_understood_concerns_everybody(
    accounts: PostgresAccounts, follower: Follower, payload: str
) -> None:
    """Better asked in vain than not at all."""
    await accounts.notify("commodore", payload)
    assert await follower.next() == EVERYBODY


async def test_another_channel_is_not_ours(accounts: PostgresAccounts, follower: Follower) -> None:
    """The platform may have its own, in the same databases."""
    await accounts.run("commodore", "SELECT pg_notify('something_else', 'token other')")
    await accounts.notify("commodore", "token ours")
    assert await follower.next() == notice("token", "ours")


@pytest.mark.parametrize("database", DATABASES)
async def test_a_connection_that_is_cut_concerns_everybody(
    accounts: PostgresAccounts, follower: Follower, database: str
) -> None:
    """Whichever of them it is: all are heard anew, with one word to everybody, before anything else is told."""
    kill = f"SELECT pg_terminate_backend(pid) FROM ({LISTENERS} AND datname = $1) AS it"
    with capture_logs() as logs:
        await accounts.run("postgres", kill, database)
        assert await follower.next() == EVERYBODY
        await accounts.notify(database, "token after")
        assert await follower.next() == notice("token", "after")
    assert [line["event"] for line in logs] == ["changes_not_heard", "changes_heard"]
    assert len(await listeners(accounts.server)) == len(DATABASES)


async def test_a_connection_that_is_only_silent_is_noticed(accounts: PostgresAccounts) -> None:
    """A server that hangs closes nothing; it is asked, does not answer, and once it does, everybody is looked at."""
    async with (
        frameworks_directory(accounts.server.dsn(), timeout=0.5, watch_seconds=0.1) as directory,
        following(directory) as follower,
    ):
        assert await follower.next() == EVERYBODY
        next_one = asyncio.create_task(follower.next())
        with capture_logs() as logs, frozen(accounts.server):
            await wait_for_async(lambda: logs)
        assert [line["event"] for line in logs] == ["changes_not_heard"]
        assert await next_one == EVERYBODY
        await accounts.notify("purser", "scope after")
        assert await follower.next() == notice("scope", "after")


async def test_a_quiet_connection_is_kept(accounts: PostgresAccounts) -> None:
    """Being watched does not end it, however often it is."""
    async with (
        frameworks_directory(accounts.server.dsn(), watch_seconds=0.01) as directory,
        following(directory) as follower,
    ):
        assert await follower.next() == EVERYBODY
        before = await listeners(accounts.server)
        await until_no_listener(accounts.server, "query <> 'SELECT 1'")
        await accounts.notify("commodore", "user quiet")
        assert await follower.next() == notice("user", "quiet")
        assert await listeners(accounts.server) == before


async def test_a_server_that_is_away_at_the_start_is_waited_for(accounts: PostgresAccounts) -> None:
    """With one line about it, not one for each attempt."""
    accounts.leave()
    with capture_logs() as logs:
        async with following(accounts.directory) as follower:
            first = asyncio.create_task(follower.next())
            await asyncio.wait([first], timeout=0.5)
            assert not first.done()
            accounts.come_back()
            assert await first == EVERYBODY
    assert [line["event"] for line in logs] == ["changes_not_heard", "changes_heard"]


@pytest.mark.parametrize("answer", [IGNORED, REFUSED])
async def test_a_product_without_listen_ends_it(postgres: Postgres, answer: str) -> None:
    """Whether it refuses or only warns: with one line, and look-ups go on."""
    async with OtherProduct(postgres, answer) as product, frameworks_directory(product.url) as directory:
        with capture_logs() as logs:
            async with following(directory) as follower:
                assert await follower.ended()
        assert [(line["event"], line["log_level"]) for line in logs] == [("changes_not_told", "info")]
        await directory.ping()


async def test_the_proxy_itself_lets_listen_pass(postgres: Postgres) -> None:
    """What the test before shows is the product's doing."""
    async with (
        OtherProduct(postgres, f'LISTEN "{CHANNEL}"') as product,
        frameworks_directory(product.url) as directory,
        following(directory) as follower,
    ):
        assert await follower.next() == EVERYBODY


async def test_who_does_not_want_to_listen_does_not(accounts: PostgresAccounts) -> None:
    """No connection is made for it."""
    async with frameworks_directory(accounts.server.dsn(), listen=False) as directory, following(directory) as follower:
        assert await follower.ended()
    assert await listeners(accounts.server) == []


async def test_too_many_at_once_are_everybody(accounts: PostgresAccounts, follower: Follower) -> None:
    """A platform that changes all its tenants in one transaction costs one look at everybody, and bounded memory."""
    many = "SELECT count(pg_notify($1, 'scope ' || i)) FROM generate_series(1, $2::int) AS i"
    await accounts.run("quartermaster", many, CHANNEL, 10 * LONGEST)
    told = [await follower.next()]
    while told[-1] != EVERYBODY:
        told.append(await follower.next())
    assert len(told) <= LONGEST + 1


async def test_ids_are_not_logged(accounts: PostgresAccounts) -> None:
    """Neither what is told nor what becomes of it."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    with capture_logs() as logs:
        async with following(accounts.directory) as follower:
            await follower.next()
            for payload in (f"token {ids[0]}", f"nonsense {ids[1]}", f"scope {ids[2]}"):
                await accounts.notify("commodore", payload)
                await follower.next()
    assert not any(each in str(logs) for each in ids)


async def test_leaving_does_not_wait_for_a_server_that_hangs(accounts: PostgresAccounts) -> None:
    """A gateway can leave though its directory cannot say goodbye, also while it is being watched."""
    async with (
        frameworks_directory(accounts.server.dsn(), timeout=60, watch_seconds=0.01) as directory,
        following(directory) as follower,
    ):
        assert await follower.next() == EVERYBODY
        with frozen(accounts.server):
            # Several times as long as it takes to be asked again: it is while it waits for the answer that it ends.
            await asyncio.sleep(0.05)
            async with asyncio.timeout(5):
                await follower.leave()


async def test_who_leaves_takes_the_connections_along(accounts: PostgresAccounts) -> None:
    """Whether he ends it in an orderly way or is cancelled while he waits."""

    async def follow() -> None:
        async for _ in accounts.directory.changes():
            heard.set()

    heard = asyncio.Event()
    task = asyncio.create_task(follow())
    await heard.wait()
    assert len(await listeners(accounts.server)) == len(DATABASES)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_no_listener(accounts.server)
