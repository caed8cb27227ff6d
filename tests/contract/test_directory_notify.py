"""The triggers and the rights that FrameWorks' pack offers an operator, on a real server."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from signalman.access.tokens import token_hash
from signalman.catalog import default_folder
from signalman.errors import BackendUnavailable
from signalman.notice import EVERYBODY, notice
from tests.contract.directories import (
    Follower,
    PostgresAccounts,
    following,
    frameworks_directory,
    new_account,
    new_text,
)
from tests.servers import Postgres

PACK = default_folder("frameworks")
NOTIFY = (PACK / "notify.sql").read_text("utf-8")
DATABASES = ("commodore", "quartermaster", "purser")
GRANTS = re.findall(r"^-- +(\w+): (GRANT .*) TO signalman;$", (PACK / "directory.sql").read_text("utf-8"), re.MULTILINE)


@pytest.fixture
async def accounts(postgres: Postgres) -> AsyncIterator[PostgresAccounts]:
    """The platform's databases, with the triggers, put there twice."""
    for _ in range(2):
        postgres.run_sql("commodore", NOTIFY)
    async with frameworks_directory(postgres.dsn()) as directory:
        yield PostgresAccounts(postgres, directory)
    for database in DATABASES:
        postgres.run_sql(database, f"DROP FUNCTION {database}.signalman_tell() CASCADE")


@pytest.fixture
async def follower(accounts: PostgresAccounts) -> AsyncIterator[Follower]:
    """Somebody who has begun to follow."""
    async with following(accounts.directory) as follower:
        assert await follower.next() == EVERYBODY
        yield follower


@asynccontextmanager
async def with_role(server: Postgres) -> AsyncIterator[str]:
    """Where a role with the listed rights connects."""
    server.run_sql("postgres", "CREATE ROLE reader LOGIN PASSWORD 'reader' CONNECTION LIMIT 30")
    try:
        for database, grant in GRANTS:
            server.run_sql(database, f"{grant} TO reader")
        yield f"postgres://reader:reader@{server.host}:{server.port}/postgres"
    finally:
        for database in DATABASES:
            server.run_sql(database, "DROP OWNED BY reader")
        server.run_sql("postgres", "DROP ROLE reader")


RELEVANT = {
    "token": [
        "UPDATE commodore.api_tokens SET is_active = false WHERE id = $1",
        "UPDATE commodore.api_tokens SET is_active = NULL WHERE id = $1",
        "UPDATE commodore.api_tokens SET expires_at = now() WHERE id = $1",
        "UPDATE commodore.api_tokens SET permissions = '{}' WHERE id = $1",
        "UPDATE commodore.api_tokens SET permissions = NULL WHERE id = $1",
        "UPDATE commodore.api_tokens SET tenant_id = gen_random_uuid() WHERE id = $1",
        "UPDATE commodore.api_tokens SET token_value = gen_random_uuid() WHERE id = $1",
        "DELETE FROM commodore.api_tokens WHERE id = $1",
    ],
    "user": [
        "UPDATE commodore.users SET is_active = false WHERE id = $1",
        "UPDATE commodore.users SET role = 'viewer' WHERE id = $1",
        "UPDATE commodore.users SET platform_operator = true WHERE id = $1",
        "UPDATE commodore.users SET tenant_id = gen_random_uuid() WHERE id = $1",
    ],
    "scope": [
        "UPDATE quartermaster.tenants SET is_active = false WHERE id = $1",
        "DELETE FROM quartermaster.tenants WHERE id = $1",
        "INSERT INTO purser.tenant_subscriptions (tenant_id, status) VALUES ($1, 'suspended')",
        "UPDATE purser.tenant_subscriptions SET status = 'suspended' WHERE tenant_id = $1",
        "DELETE FROM purser.tenant_subscriptions WHERE tenant_id = $1",
    ],
}

IRRELEVANT = {
    "token": "UPDATE commodore.api_tokens SET last_used_at = now(), is_active = is_active WHERE id = $1",
    "user": "UPDATE commodore.users SET last_login_at = now(), email = 'someone@else', role = role WHERE id = $1",
    "scope": "UPDATE quartermaster.tenants SET name = 'other', updated_at = now() WHERE id = $1",
    "subscription": "UPDATE purser.tenant_subscriptions SET billing_model = 'x', status = status WHERE tenant_id = $1",
}


def database_of(sql: str) -> str:
    """Where its table is."""
    return next(each for each in DATABASES if f" {each}." in sql)


@pytest.mark.parametrize("sql", RELEVANT["token"])
async def test_a_token_that_changes_is_told(accounts: PostgresAccounts, follower: Follower, sql: str) -> None:
    """By its id, whatever of it decides about access; by nothing when it is made."""
    token = new_account()
    await accounts.put_token(new_text(), token)
    await accounts.run("commodore", sql, token.holder.id)
    assert await follower.next() == notice("token", token.holder.id)


async def test_a_token_of_another_user_is_told(accounts: PostgresAccounts, follower: Follower) -> None:
    """The user decides as well."""
    token, other = new_account(), new_account()
    await accounts.put_tokens({new_text(): token, new_text(): other})
    update = "UPDATE commodore.api_tokens SET user_id = $2 WHERE id = $1"
    await accounts.run("commodore", update, token.holder.id, other.holder.user_id)
    assert await follower.next() == notice("token", token.holder.id)


@pytest.mark.parametrize("sql", RELEVANT["user"])
async def test_a_user_who_changes_is_told(accounts: PostgresAccounts, follower: Follower, sql: str) -> None:
    """Once for the user, not for each of the tokens."""
    token = new_account()
    await accounts.put_token(new_text(), token)
    assert token.holder.user_id
    await accounts.run("commodore", sql, token.holder.user_id)
    assert await follower.next() == notice("user", token.holder.user_id)


async def test_a_user_who_is_deleted_is_told(accounts: PostgresAccounts, follower: Follower) -> None:
    """After the tokens, which have to go first."""
    token = new_account()
    await accounts.put_token(new_text(), token)
    assert token.holder.user_id
    await accounts.run("commodore", "DELETE FROM commodore.api_tokens WHERE id = $1", token.holder.id)
    await accounts.run("commodore", "DELETE FROM commodore.users WHERE id = $1", token.holder.user_id)
    assert await follower.next() == notice("token", token.holder.id)
    assert await follower.next() == notice("user", token.holder.user_id)


@pytest.mark.parametrize("sql", RELEVANT["scope"])
async def test_a_tenant_that_changes_is_told(accounts: PostgresAccounts, follower: Follower, sql: str) -> None:
    """Wherever it is: its own flag in one database, its subscription in another, there from the start or not."""
    token = new_account()
    tenant_id = token.holder.scope[0]
    await accounts.put_token(new_text(), token)
    if "INSERT" not in sql:
        await accounts.run("purser", "INSERT INTO purser.tenant_subscriptions (tenant_id) VALUES ($1)", tenant_id)
    await accounts.run(database_of(sql), sql, tenant_id)
    assert await follower.next() == notice("scope", tenant_id)


@pytest.mark.parametrize(
    "table",
    ["commodore.api_tokens", "commodore.users", "quartermaster.tenants", "purser.tenant_subscriptions"],
)
async def test_a_table_that_is_emptied_concerns_everybody(
    accounts: PostgresAccounts, follower: Follower, table: str
) -> None:
    """TRUNCATE knows no rows."""
    await accounts.run(table.partition(".")[0], f"TRUNCATE {table} CASCADE")
    assert await follower.next() == EVERYBODY


@pytest.mark.parametrize("what", IRRELEVANT)
async def test_what_decides_nothing_is_not_told(accounts: PostgresAccounts, follower: Follower, what: str) -> None:
    """A token that is used, a user who logs in, a tenant that gets another name: each request of the platform's would
    make all gateways look.
    """
    token = new_account()
    await accounts.put_token(new_text(), token)
    tenant_id = token.holder.scope[0]
    await accounts.run("purser", "INSERT INTO purser.tenant_subscriptions (tenant_id) VALUES ($1)", tenant_id)
    concerned = {"token": token.holder.id, "user": token.holder.user_id}.get(what, tenant_id)
    database = database_of(IRRELEVANT[what])
    await accounts.run(database, IRRELEVANT[what], concerned)
    await accounts.notify(database, "token afterwards")
    assert await follower.next() == notice("token", "afterwards")


async def test_what_is_undone_is_not_told(accounts: PostgresAccounts, follower: Follower) -> None:
    """A transaction that does not come about changes nothing."""
    token = new_account()
    await accounts.put_token(new_text(), token)
    update = f"UPDATE commodore.api_tokens SET is_active = false WHERE id = '{token.holder.id}'"
    accounts.server.run_sql("commodore", f"BEGIN; {update}; ROLLBACK")
    await accounts.notify("commodore", "token afterwards")
    assert await follower.next() == notice("token", "afterwards")


def test_the_file_lists_rights() -> None:
    """In its comments, for all three databases."""
    assert {database for database, _ in GRANTS} == set(DATABASES)


async def test_the_listed_rights_are_enough(postgres: Postgres) -> None:
    """A role that has them and nothing else finds tokens and users, and is told of changes."""
    text, token = new_text(), new_account()
    async with with_role(postgres) as url, frameworks_directory(url) as directory:
        accounts = PostgresAccounts(postgres, directory)
        await accounts.put_token(text, token)
        await directory.ping()
        assert await directory.tokens([token_hash(text)]) == {token_hash(text): token.holder}
        async with following(directory) as follower:
            assert await follower.next() == EVERYBODY
            await accounts.notify("purser", "token told")
            assert await follower.next() == notice("token", "told")


@pytest.mark.parametrize(("database", "grant"), GRANTS)
async def test_each_listed_right_is_needed(postgres: Postgres, database: str, grant: str) -> None:
    """Without it nothing is in order, which is told as that, with what is missing, and not as "unknown"."""
    async with with_role(postgres) as url, frameworks_directory(url) as directory:
        await directory.ping()
        postgres.run_sql(database, f"{grant.replace('GRANT', 'REVOKE')} FROM reader")
        with pytest.raises(BackendUnavailable, match="permission denied for"):
            await directory.ping()


@pytest.mark.parametrize(
    ("database", "sql"),
    [
        ("commodore", "SELECT password_hash FROM commodore.users"),
        ("commodore", "SELECT email FROM commodore.users"),
        ("commodore", "UPDATE commodore.api_tokens SET is_active = true"),
        ("quartermaster", "SELECT name FROM quartermaster.tenants"),
        ("purser", "DELETE FROM purser.tenant_subscriptions"),
    ],
)
async def test_the_listed_rights_open_nothing_else(postgres: Postgres, database: str, sql: str) -> None:
    """No password, no address of a person, no name, and nothing can be written."""
    async with with_role(postgres):
        with pytest.raises(RuntimeError, match="permission denied"):
            postgres.run_sql(database, f"SET ROLE reader; {sql}")
