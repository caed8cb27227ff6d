"""What only a directory on a real server can get wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from signalman.access.tokens import token_hash
from signalman.backends.postgres import FrameworksDirectory
from signalman.errors import BackendUnavailable
from tests.contract.directories import PostgresAccounts, SilentServer, frozen, new_text, new_token, with_owner
from tests.servers import Postgres, free_port


@pytest.fixture
async def accounts(postgres: Postgres) -> AsyncIterator[PostgresAccounts]:
    """The platform's databases."""
    async with FrameworksDirectory(postgres.dsn("whatever")) as directory:
        yield PostgresAccounts(postgres, directory)


async def test_what_a_row_lacks_opens_nothing(accounts: PostgresAccounts) -> None:
    """NULL permissions are none, a NULL role is none, and a tenant without a row is not active."""
    text, token = new_text(), with_owner(new_token(), role="", permissions=frozenset())
    await accounts.put(text, token)
    await accounts.run("commodore", "UPDATE commodore.users SET role = NULL WHERE id = $1", token.owner.user_id)
    update = "UPDATE commodore.api_tokens SET permissions = $2 WHERE id = $1"
    for permissions in (None, [], [None, ""]):
        await accounts.run("commodore", update, token.owner.token_id, permissions)
        assert await accounts.directory.find_token(token_hash(text)) == token.owner
    await accounts.run("quartermaster", "DELETE FROM quartermaster.tenants WHERE id = $1", token.owner.tenant_id)
    assert await accounts.directory.find_token(token_hash(text)) is None


async def test_a_user_who_moved_leaves_the_token_behind(accounts: PostgresAccounts) -> None:
    """A token of one tenant does not work through a user of another."""
    text, token, other = new_text(), new_token(), new_token()
    await accounts.put(text, token)
    await accounts.run(
        "commodore",
        "UPDATE commodore.users SET tenant_id = $2 WHERE id = $1",
        *(token.owner.user_id, other.owner.tenant_id),
    )
    assert await accounts.directory.find_token(token_hash(text)) is None


@pytest.mark.parametrize(("expiry", "good"), [("infinity", True), ("9999-12-31", True), ("-infinity", False)])
async def test_an_expiry_beyond_all_dates_is_none(
    accounts: PostgresAccounts,
    expiry: str,
    good: bool,  # noqa: FBT001 # a table
) -> None:
    """What no RFC 3339 time can say is not told as a time."""
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    await accounts.run(
        "commodore",
        "UPDATE commodore.api_tokens SET expires_at = $2::text::timestamp WHERE id = $1",
        *(token.owner.token_id, expiry),
    )
    assert await accounts.directory.find_token(token_hash(text)) == (token.owner if good else None)


async def test_naive_times_are_the_servers(accounts: PostgresAccounts) -> None:
    """With the database in another zone, a token still expires when the platform meant, not hours off."""
    await accounts.run("postgres", "ALTER DATABASE commodore SET timezone = 'Asia/Tokyo'")
    try:
        past, future = time.time() - 60, time.time() + 60
        async with FrameworksDirectory(accounts.server.dsn()) as directory:
            for expires_at in (past, future):
                text = new_text()
                await accounts.put(text, new_token(expires_at=expires_at))
                found = await directory.find_token(token_hash(text))
                assert (found and found.expires_at) == (
                    pytest.approx(future, abs=2e-6) if expires_at == future else None
                )
    finally:
        await accounts.run("postgres", "ALTER DATABASE commodore RESET timezone")


async def test_a_read_only_role_is_enough(accounts: PostgresAccounts) -> None:
    """The documented grants suffice, and one that is missing is reported as unavailable, not as unknown."""
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    server = accounts.server
    await accounts.run("postgres", "CREATE ROLE reader LOGIN PASSWORD 'reader' CONNECTION LIMIT 20")
    for database, tables in (
        ("commodore", "commodore.api_tokens, commodore.users"),
        ("quartermaster", "quartermaster.tenants"),
        ("purser", "purser.tenant_subscriptions"),
    ):
        server.run_sql(database, f"GRANT USAGE ON SCHEMA {database} TO reader; GRANT SELECT ON {tables} TO reader")
    async with FrameworksDirectory(f"postgres://reader:reader@{server.host}:{server.port}/x") as directory:
        await directory.ping()
        assert await directory.find_token(token_hash(text)) == token.owner
        for database, table in (
            ("purser", "purser.tenant_subscriptions"),
            ("quartermaster", "quartermaster.tenants"),
            ("commodore", "commodore.users"),
        ):
            server.run_sql(database, f"REVOKE SELECT ON {table} FROM reader")
            with pytest.raises(BackendUnavailable):
                await directory.find_token(token_hash(text))
            with pytest.raises(BackendUnavailable):
                await directory.ping()


async def test_a_server_that_hangs_costs_the_limit_and_no_more(accounts: PostgresAccounts) -> None:
    """Connected already or not, alone or in a crowd, a lookup is over in time; when the server goes on, so do lookups,
    through the same directory.
    """
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    url = accounts.server.dsn()
    async with (
        FrameworksDirectory(url, timeout=1, connections=2) as connected,
        FrameworksDirectory(url, timeout=1, connections=2) as fresh,
    ):
        await connected.ping()
        with frozen(accounts.server):
            for directory in (connected, fresh, connected):
                started = time.monotonic()
                found = await asyncio.gather(
                    *(directory.find_token(token_hash(text)) for _ in range(10)), return_exceptions=True
                )
                assert time.monotonic() - started < 2
                assert {type(answer) for answer in found} == {BackendUnavailable}
        for directory in (connected, fresh):
            assert await directory.find_token(token_hash(text)) == token.owner


async def test_a_lookup_that_nobody_waits_for_leaves_no_trace(accounts: PostgresAccounts) -> None:
    """A client that leaves while its token is looked up takes no connection with it, even from a server that hangs."""
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    async with FrameworksDirectory(accounts.server.dsn(), connections=1) as directory:
        await directory.ping()
        with frozen(accounts.server):
            lookup = asyncio.create_task(directory.find_token(token_hash(text)))
            await asyncio.wait([lookup], timeout=0.1)
            lookup.cancel()
            await asyncio.wait([lookup], timeout=1)
            assert lookup.cancelled()
        assert await directory.find_token(token_hash(text)) == token.owner


async def test_closing_does_not_wait_for_a_server_that_hangs(accounts: PostgresAccounts) -> None:
    """A gateway can leave though its directory cannot say goodbye."""
    async with FrameworksDirectory(accounts.server.dsn()) as directory:
        await directory.ping()
        with frozen(accounts.server):
            started = time.monotonic()
            await directory.__aexit__(None, None, None)
            assert time.monotonic() - started < 2


async def test_another_host_answers(accounts: PostgresAccounts) -> None:
    """Of several hosts, as YugabyteDB has them, one may be gone and one may hang; the first that answers is kept."""
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    silent = SilentServer()
    async with silent as port:
        here = f"{accounts.server.host}:{accounts.server.port}"
        url = accounts.server.dsn().replace(here, f"127.0.0.1:{free_port()},127.0.0.1:{port},{here}")
        async with FrameworksDirectory(url, timeout=3) as directory:
            assert await directory.find_token(token_hash(text)) == token.owner
            asked = silent.connections
            found = await asyncio.gather(*(directory.find_token(token_hash(text)) for _ in range(4)))
            assert found == [token.owner] * 4
            assert silent.connections == asked


async def test_being_away_at_the_start_is_no_hindrance(postgres: Postgres) -> None:
    """A directory is there before its server, and says so in one line each time that changes."""
    postgres.stop()
    with capture_logs() as logs:
        async with FrameworksDirectory(postgres.dsn()) as directory:
            for _ in range(3):
                with pytest.raises(BackendUnavailable) as away:
                    await directory.find_token("0" * 64)
            assert str(away.value) == "postgres: could not look up an API token"
            assert isinstance(away.value.__cause__, OSError)
            postgres.start()
            assert await directory.find_token("0" * 64) is None
            await directory.ping()
    assert [line["event"] for line in logs] == ["directory_unavailable", "directory_back"]


@pytest.mark.parametrize("missing", ["commodore", "quartermaster", "purser"])
async def test_a_database_that_is_not_there(postgres: Postgres, missing: str) -> None:
    """Is a fault of the installation, which a ping shows."""
    databases: dict[str, Any] = {missing: "missing"}
    async with FrameworksDirectory(postgres.dsn(), **databases) as directory:
        with pytest.raises(BackendUnavailable):
            await directory.ping()


async def test_a_wrong_password_is_not_told(postgres: Postgres) -> None:
    """Neither in the text nor in the line that is logged."""
    url = f"postgres://postgres:wr0ng-secret@{postgres.host}:{postgres.port}/x"
    with capture_logs() as logs:
        async with FrameworksDirectory(url) as directory:
            with pytest.raises(BackendUnavailable) as refused:
                await directory.ping()
    assert "wr0ng" not in f"{refused.value} {refused.value.__cause__} {logs}"
    assert logs == [{"event": "directory_unavailable", "log_level": "warning", "error": "InvalidPasswordError"}]
