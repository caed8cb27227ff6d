"""What only a directory on a real server can get wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from signalman.access.tokens import token_hash
from signalman.access_rules import Statement
from signalman.backends.postgres import CHUNK, PostgresDirectory
from signalman.backends.postgres_pool import PostgresPool
from signalman.errors import BackendUnavailable
from tests.contract.directories import (
    OPERATOR,
    PostgresAccounts,
    SilentServer,
    frameworks_directory,
    frameworks_statements,
    frozen,
    new_account,
    new_text,
    new_user,
)
from tests.servers import Postgres, free_port

NOBODY = "0" * 64


@pytest.fixture
async def accounts(postgres: Postgres) -> AsyncIterator[PostgresAccounts]:
    """The platform's databases."""
    async with frameworks_directory(postgres.dsn("postgres")) as directory:
        yield PostgresAccounts(postgres, directory)


async def test_what_a_row_lacks_opens_nothing(accounts: PostgresAccounts) -> None:
    """NULL permissions are none, a NULL role is none, and a tenant without a row is not active."""
    text, good = new_text(), new_account(roles=frozenset({"x"}), permissions=frozenset())
    await accounts.put_token(text, good)
    await accounts.run("commodore", "UPDATE commodore.users SET role = NULL WHERE id = $1", good.holder.user_id)
    update = "UPDATE commodore.api_tokens SET permissions = $2 WHERE id = $1"
    for permissions in (None, [], [None, ""]):
        await accounts.run("commodore", update, good.holder.id, permissions)
        found = (await accounts.directory.tokens([token_hash(text)]))[token_hash(text)]
        assert (found.roles, found.permissions) == (frozenset(), frozenset())
    await accounts.run("quartermaster", "DELETE FROM quartermaster.tenants WHERE id = $1", good.holder.scope[0])
    assert await accounts.directory.tokens([token_hash(text)]) == {}


async def test_a_user_who_moved_leaves_the_token_behind(accounts: PostgresAccounts) -> None:
    """A token of one tenant does not work through a user of another."""
    text, good, other = new_text(), new_account(), new_account()
    await accounts.put_token(text, good)
    await accounts.run(
        "commodore",
        "UPDATE commodore.users SET tenant_id = $2 WHERE id = $1",
        *(good.holder.user_id, other.holder.scope[0]),
    )
    assert await accounts.directory.tokens([token_hash(text)]) == {}


@pytest.mark.parametrize("column", ["role = 'platform_operator'", "platform_operator = true"])
async def test_a_token_never_runs_the_platform(accounts: PostgresAccounts, column: str) -> None:
    """Whoever its user is; and of the user only the flag says so, not a role that is called so."""
    text, good = new_text(), new_account()
    await accounts.put_token(text, good)
    await accounts.run("commodore", f"UPDATE commodore.users SET {column} WHERE id = $1", good.holder.user_id)
    assert OPERATOR not in (await accounts.directory.tokens([token_hash(text)]))[token_hash(text)].roles
    assert good.holder.user_id
    user = (await accounts.directory.users([good.holder.user_id]))[good.holder.user_id]
    assert (OPERATOR in user.roles) is (column == "platform_operator = true")


@pytest.mark.parametrize(("expiry", "good"), [("infinity", True), ("9999-12-31", True), ("-infinity", False)])
async def test_an_expiry_beyond_all_dates_is_none(
    accounts: PostgresAccounts,
    expiry: str,
    good: bool,  # noqa: FBT001 # a table
) -> None:
    """What no RFC 3339 time can say is not told as a time."""
    text, token = new_text(), new_account()
    await accounts.put_token(text, token)
    await accounts.run(
        "commodore",
        "UPDATE commodore.api_tokens SET expires_at = $2::text::timestamp WHERE id = $1",
        *(token.holder.id, expiry),
    )
    assert await accounts.directory.tokens([token_hash(text)]) == ({token_hash(text): token.holder} if good else {})


async def test_naive_times_are_the_servers(accounts: PostgresAccounts) -> None:
    """With the database in another zone, a token still expires when the platform meant, not hours off."""
    await accounts.run("postgres", "ALTER DATABASE commodore SET timezone = 'Asia/Tokyo'")
    try:
        past, future = time.time() - 60, time.time() + 60
        async with frameworks_directory(accounts.server.dsn()) as directory:
            for expires_at in (past, future):
                text = new_text()
                await accounts.put_token(text, new_account(expires_at=expires_at))
                found = (await directory.tokens([token_hash(text)])).get(token_hash(text))
                assert (found and found.expires_at) == (
                    pytest.approx(future, abs=2e-6) if expires_at == future else None
                )
    finally:
        await accounts.run("postgres", "ALTER DATABASE commodore RESET timezone")


async def test_a_look_up_writes_nothing(postgres: Postgres) -> None:
    """Not even where the pack's SQL would: its transaction cannot."""
    sql = frameworks_statements()["tokens"].sql
    writing = Statement(f"WITH gone AS (DELETE FROM commodore.users RETURNING id) {sql}", "commodore")
    async with PostgresDirectory(postgres.dsn(), {"tokens": writing}, {}) as directory:
        with pytest.raises(BackendUnavailable, match="in a read-only transaction"):
            await directory.ping()


async def test_a_server_that_hangs_costs_the_limit_and_no_more(accounts: PostgresAccounts) -> None:
    """Connected already or not, alone or in a crowd, a look-up is over in time, of however many it is; when the server
    goes on, so do look-ups, through the same directory.
    """
    text, token = new_text(), new_account()
    await accounts.put_token(text, token)
    url = accounts.server.dsn()
    many = [token_hash(text), *(f"{i:064x}" for i in range(3 * CHUNK))]
    async with (
        frameworks_directory(url, timeout=1, connections=2) as connected,
        frameworks_directory(url, timeout=1, connections=2) as fresh,
    ):
        await connected.ping()
        with frozen(accounts.server):
            for directory in (connected, fresh, connected):
                started = time.monotonic()
                found = await asyncio.gather(*(directory.tokens(many) for _ in range(10)), return_exceptions=True)
                assert time.monotonic() - started < 2
                assert {type(answer) for answer in found} == {BackendUnavailable}
        for directory in (connected, fresh):
            assert await directory.tokens(many) == {token_hash(text): token.holder}


async def test_a_crowd_is_few_questions(accounts: PostgresAccounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand clients that come back at once do not wait for a thousand times three statements."""
    questions = 0
    fetch = PostgresPool.fetch

    async def counting(*given: Any) -> Any:
        nonlocal questions
        questions += 1
        return await fetch(*given)

    monkeypatch.setattr(PostgresPool, "fetch", counting)
    tokens = {new_text(): new_account() for _ in range(4)}
    await accounts.put_tokens(tokens)
    digests = [*map(token_hash, tokens), *(f"{i:064x}" for i in range(996))]
    found = await asyncio.gather(*(accounts.directory.tokens([digest]) for digest in digests))
    assert found[:4] == [{token_hash(text): token.holder} for text, token in tokens.items()]
    assert found[4:] == [{}] * 996
    assert questions <= 3 * 3


async def test_a_look_up_that_nobody_waits_for_leaves_no_trace(accounts: PostgresAccounts) -> None:
    """A client that leaves while its token is looked up takes no connection with it, even from a server that hangs."""
    text, token = new_text(), new_account()
    await accounts.put_token(text, token)
    async with frameworks_directory(accounts.server.dsn(), connections=1) as directory:
        await directory.ping()
        with frozen(accounts.server):
            lookup = asyncio.create_task(directory.tokens([token_hash(text)]))
            await asyncio.wait([lookup], timeout=0.1)
            lookup.cancel()
            await asyncio.wait([lookup], timeout=1)
            assert lookup.cancelled()
        assert await directory.tokens([token_hash(text)]) == {token_hash(text): token.holder}


async def test_closing_does_not_wait_for_a_server_that_hangs(accounts: PostgresAccounts) -> None:
    """A gateway can leave though its directory cannot say goodbye."""
    async with frameworks_directory(accounts.server.dsn()) as directory:
        await directory.ping()
        with frozen(accounts.server):
            started = time.monotonic()
            await directory.__aexit__(None, None, None)
            assert time.monotonic() - started < 2


async def test_another_host_answers(accounts: PostgresAccounts) -> None:
    """Of several hosts, as YugabyteDB has them, one may be gone and one may hang; the first that answers is kept."""
    text, token = new_text(), new_account()
    await accounts.put_token(text, token)
    silent = SilentServer()
    async with silent as port:
        here = f"{accounts.server.host}:{accounts.server.port}"
        url = accounts.server.dsn().replace(here, f"127.0.0.1:{free_port()},127.0.0.1:{port},{here}")
        async with frameworks_directory(url, timeout=3) as directory:
            assert await directory.tokens([token_hash(text)]) == {token_hash(text): token.holder}
            asked = silent.connections
            await asyncio.gather(*(directory.users([str(token.holder.user_id)]) for _ in range(4)))
            assert silent.connections == asked


async def test_being_away_at_the_start_is_no_hindrance(postgres: Postgres) -> None:
    """A directory is there before its server, and says so in one line each time that changes."""
    postgres.stop()
    with capture_logs() as logs:
        async with frameworks_directory(postgres.dsn()) as directory:
            for _ in range(3):
                with pytest.raises(BackendUnavailable) as away:
                    await directory.tokens([NOBODY])
            assert str(away.value) == "postgres: the statement tokens failed: ConnectionRefusedError"
            assert isinstance(away.value.__cause__, OSError)
            postgres.start()
            assert await directory.tokens([NOBODY]) == {}
            await directory.ping()
    assert [line["event"] for line in logs] == ["directory_unavailable", "directory_back"]


@pytest.mark.parametrize("database", ["commodore", "quartermaster", "purser"])
async def test_databases_may_have_other_names(postgres: Postgres, database: str) -> None:
    """Where configuration says so; one that is not there is a fault of the installation, which a ping shows."""
    statements = frameworks_statements()
    await asyncio.to_thread(postgres.run_sql, "postgres", f"ALTER DATABASE {database} RENAME TO other_{database}")
    try:
        async with PostgresDirectory(postgres.dsn(), statements, {database: f"other_{database}"}) as directory:
            await directory.ping()
        async with PostgresDirectory(postgres.dsn(), statements, {}) as directory:
            with pytest.raises(BackendUnavailable, match=f'database "{database}" does not exist'):
                await directory.ping()
    finally:
        await asyncio.to_thread(postgres.run_sql, "postgres", f"ALTER DATABASE other_{database} RENAME TO {database}")


async def test_a_wrong_password_is_not_told(postgres: Postgres) -> None:
    """Neither in the text nor in the line that is logged, nor who the user is."""
    url = f"postgres://postgres:wr0ng-secret@{postgres.host}:{postgres.port}/x"
    with capture_logs() as logs:
        async with frameworks_directory(url) as directory:
            with pytest.raises(BackendUnavailable) as refused:
                await directory.ping()
    assert "wr0ng" not in f"{refused.value} {refused.value.__cause__} {logs}"
    why = "the statement tokens failed: InvalidPasswordError"
    assert str(refused.value) == f"postgres: {why}"
    assert logs == [{"event": "directory_unavailable", "log_level": "warning", "detail": why}]


async def test_a_user_is_asked_for_by_its_index(accounts: PostgresAccounts) -> None:
    """However many users there are, and whatever nonsense is asked for with them."""
    person = new_user()
    await accounts.put_user(person)
    sql = frameworks_statements()["users"].sql.replace("$1", f"'{{{person.holder.id},nonsense}}'")
    plan = accounts.server.run_sql("commodore", f"SET enable_seqscan = off; EXPLAIN {sql}")
    assert "users_pkey" in plan
