"""Signalman's own tokens on a real server: what is made is found, what has ended is not, and gateways are told."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from signalman.access_ports import Holder
from signalman.backends import standalone
from signalman.backends.postgres import PostgresDirectory
from signalman.backends.standalone.migrations import migrate, migrations
from signalman.backends.standalone.tokens import OwnTokens
from signalman.errors import BackendUnavailable
from signalman.notice import EVERYBODY, Notice, notice
from tests.contract.standalone import OTHER, TENANT, database, role, token
from tests.servers import Postgres


@dataclass(slots=True)
class Schema:
    """Signalman's schema in a database of its own."""

    server: Postgres
    name: str
    directory: PostgresDirectory

    @property
    def tokens(self) -> OwnTokens:
        """As the commands have them."""
        return OwnTokens(self.server.dsn(self.name))

    def run(self, sql: str) -> str:
        """Run one statement as an operator would."""
        return self.server.run_sql(self.name, sql)

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[asyncio.Queue[Notice]]:
        """What a gateway hears from now on."""
        queue: asyncio.Queue[Notice] = asyncio.Queue()

        async def listen() -> None:
            async with aclosing(self.directory.changes()) as changes:
                async for each in changes:
                    queue.put_nowait(each)

        task = asyncio.create_task(listen())
        assert await queue.get() == EVERYBODY
        try:
            yield queue
        finally:
            task.cancel()
            await asyncio.wait([task])


async def told(heard: asyncio.Queue[Notice]) -> Notice:
    """The next notice. None at all is a failure soon, and not only at the end of a test's time."""
    async with asyncio.timeout(20):
        return await heard.get()


@pytest.fixture
async def schema(postgres: Postgres) -> AsyncIterator[Schema]:
    """A schema without tokens."""
    with database(postgres) as name:
        await migrate(postgres.dsn(name), migrations())
        async with PostgresDirectory(postgres.dsn(name), standalone.statements(), {}) as directory:
            yield Schema(postgres, name, directory)


async def test_a_token_is_found_with_what_it_was_given(schema: Schema) -> None:
    """By the digest of its text; nothing else of the text is in the database."""
    expires_at = datetime.fromtimestamp(2_000_000_000, UTC)
    text, kept = token(
        scope=("acme", "video"), roles=frozenset({"admin"}), permissions=frozenset({"a", "b"}), expires_at=expires_at
    )
    await schema.tokens.add(kept)
    assert await schema.directory.tokens([kept.digest, "0" * 64]) == {
        kept.digest: Holder(
            str(kept.id),
            ("acme", "video"),
            roles=frozenset({"admin"}),
            permissions=frozenset({"a", "b"}),
            expires_at=2_000_000_000.0,
        )
    }
    assert text[4:20] not in schema.run("SELECT * FROM signalman.tokens")
    assert schema.directory.knows == {"tokens"}


async def test_a_token_without_permissions_opens_nothing(schema: Schema) -> None:
    """None in the table are none, not all: the Holder has an empty set."""
    _, kept = token(permissions=frozenset())
    await schema.tokens.add(kept)
    assert (await schema.directory.tokens([kept.digest]))[kept.digest].permissions == frozenset()


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE signalman.tokens SET revoked_at = now()",
        "UPDATE signalman.tokens SET expires_at = now()",
        "UPDATE signalman.tokens SET expires_at = '-infinity'",
        "DELETE FROM signalman.tokens",
        "TRUNCATE signalman.tokens",
        f"INSERT INTO signalman.suspended_scopes (scope) VALUES ('{TENANT}')",
    ],
)
async def test_what_has_ended_is_not_found(schema: Schema, end: str) -> None:
    """Revoked, expired, deleted, or of a suspended scope; another token stays."""
    _, kept = token()
    await schema.tokens.add(kept)
    assert await schema.directory.tokens([kept.digest])
    schema.run(end)
    assert await schema.directory.tokens([kept.digest]) == {}
    _, other = token(scope=(OTHER,))
    await schema.tokens.add(other)
    assert await schema.directory.tokens([other.digest])


async def test_a_scope_that_is_released_is_good_again(schema: Schema) -> None:
    """With the tokens that it had."""
    _, kept = token()
    await schema.tokens.add(kept)
    schema.run(f"INSERT INTO signalman.suspended_scopes (scope, reason) VALUES ('{TENANT}', 'unpaid')")
    assert await schema.directory.tokens([kept.digest]) == {}
    schema.run("DELETE FROM signalman.suspended_scopes")
    assert await schema.directory.tokens([kept.digest])


async def test_revoking_is_heard(schema: Schema) -> None:
    """By gateways, as a notice about just that token, once; and the command says what was the case before."""
    _, kept = token()
    _, other = token()
    for each in (kept, other):
        await schema.tokens.add(each)
    async with schema.heard() as heard:
        assert await schema.tokens.revoke(kept.id) == "revoked"
        assert await told(heard) == notice("token", str(kept.id))
        assert await schema.directory.tokens([kept.digest]) == {}
        assert await schema.tokens.revoke(kept.id) == "already"
        assert await schema.tokens.revoke(uuid4()) == "unknown"
        assert await schema.tokens.revoke(other.id) == "revoked"
        assert await told(heard) == notice("token", str(other.id))
        assert heard.empty()


SPACED = "two words"


@pytest.mark.parametrize(
    ("change", "concerned"),
    [
        ("UPDATE signalman.tokens SET permissions = '{}'", "token"),
        ("UPDATE signalman.tokens SET scope = '{x}'", "token"),
        ("UPDATE signalman.tokens SET roles = '{x}'", "token"),
        ("UPDATE signalman.tokens SET expires_at = now()", "token"),
        (f"UPDATE signalman.tokens SET digest = '{'0' * 64}'", "token"),
        ("UPDATE signalman.tokens SET revoked_at = now()", "token"),
        ("DELETE FROM signalman.tokens", "token"),
        ("TRUNCATE signalman.tokens", "everybody"),
        (f"INSERT INTO signalman.suspended_scopes (scope) VALUES ('{OTHER}')", OTHER),
        (f"INSERT INTO signalman.suspended_scopes (scope) VALUES ('{SPACED}')", "everybody"),
        ("DELETE FROM signalman.suspended_scopes", TENANT),
        ("TRUNCATE signalman.suspended_scopes", "everybody"),
    ],
)
async def test_every_change_is_told(schema: Schema, change: str, concerned: str) -> None:
    """Whoever makes it, with the fewest who may be concerned; an id that a payload cannot hold concerns everybody."""
    _, kept = token()
    await schema.tokens.add(kept)
    schema.run(f"INSERT INTO signalman.suspended_scopes (scope) VALUES ('{TENANT}')")
    expected = {"token": notice("token", str(kept.id)), "everybody": EVERYBODY}.get(concerned) or notice(
        "scope", concerned
    )
    async with schema.heard() as heard:
        schema.run(change)
        assert await told(heard) == expected
        assert heard.empty()


async def test_a_scope_that_becomes_another_is_told_for_both(schema: Schema) -> None:
    """The one is released and the other suspended."""
    schema.run(f"INSERT INTO signalman.suspended_scopes (scope) VALUES ('{TENANT}')")
    async with schema.heard() as heard:
        schema.run(f"UPDATE signalman.suspended_scopes SET scope = '{OTHER}'")
        assert {await told(heard), await told(heard)} == {notice("scope", TENANT), notice("scope", OTHER)}


async def test_what_decides_nothing_is_not_told(schema: Schema) -> None:
    """A new token has no connections, and a name or a reason opens nothing."""
    _, kept = token()
    async with schema.heard() as heard:
        await schema.tokens.add(kept)
        schema.run("UPDATE signalman.tokens SET name = 'another'")
        schema.run("DELETE FROM signalman.suspended_scopes")
        schema.run("DELETE FROM signalman.tokens")
        assert await told(heard) == notice("token", str(kept.id))
        assert heard.empty()


async def test_the_list_tells_the_state(schema: Schema) -> None:
    """By the database's clock, the oldest first."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    changed: dict[str, dict[str, object]] = {
        "good": {},
        "expired": {"expires_at": past},
        "suspended": {"scope": (OTHER,)},
        "revoked": {"scope": (OTHER,), "expires_at": past},
    }
    for name, changes in changed.items():
        _, kept = token(name=name, **changes)
        await schema.tokens.add(kept)
        if name == "revoked":
            await schema.tokens.revoke(kept.id)
    schema.run(f"INSERT INTO signalman.suspended_scopes (scope) VALUES ('{OTHER}')")
    listed = await schema.tokens.list()
    assert [(each.name, each.state) for each in listed] == [(name, name) for name in changed]
    assert all(abs(each.created_at.timestamp() - time.time()) < 60 for each in listed)


@pytest.mark.parametrize(
    "values",
    [
        "'{}', 'x', '{a}'",
        "'{a}', '', '{a}'",
        "'{a,\"\"}', 'x', '{a}'",
        "'{a,NULL}', 'x', '{a}'",
        "NULL, 'x', '{a}'",
        "'{a}', 'x', NULL",
    ],
)
async def test_the_schema_takes_no_half_tokens(schema: Schema, values: str) -> None:
    """Whoever writes there by hand: a token has a name, a scope without holes, and permissions or none."""
    digest = "0" * 64
    insert = "INSERT INTO signalman.tokens (id, digest, scope, name, permissions) VALUES"
    with pytest.raises(RuntimeError, match="violates"):
        schema.run(f"{insert} ('{uuid4()}', '{digest}', {values})")
    with pytest.raises(RuntimeError, match="violates"):
        schema.run(f"{insert} ('{uuid4()}', 'the token itself', '{{a}}', 'x', '{{a}}')")


async def test_the_documented_rights_are_enough(schema: Schema) -> None:
    """A gateway's role reads two tables and hears of changes; it can neither make a token nor change one."""
    grants = (
        "GRANT USAGE ON SCHEMA signalman TO gateway",
        "GRANT SELECT ON signalman.tokens, signalman.suspended_scopes TO gateway",
    )
    _, kept = token()
    await schema.tokens.add(kept)
    with role(schema.server, "gateway", *grants, on=schema.name) as url:
        async with PostgresDirectory(url, standalone.statements(), {}) as directory:
            await directory.ping()
            assert await directory.tokens([kept.digest])
            async with Schema(schema.server, schema.name, directory).heard() as heard:
                await schema.tokens.revoke(kept.id)
                assert await told(heard) == notice("token", str(kept.id))
        assert [each.state for each in await OwnTokens(url).list()] == ["revoked"]
        with pytest.raises(
            BackendUnavailable, match=r"needs USAGE on schema signalman and INSERT on signalman\.tokens"
        ):
            await OwnTokens(url).add(token()[1])
        with pytest.raises(BackendUnavailable, match=r"needs .* SELECT and UPDATE on signalman\.tokens"):
            await OwnTokens(url).revoke(kept.id)


async def test_a_schema_that_is_not_there(postgres: Postgres) -> None:
    """Is told with the command that makes it."""
    with database(postgres) as name:
        tokens = OwnTokens(postgres.dsn(name))
        for work in (tokens.add(token()[1]), tokens.list(), tokens.revoke(uuid4())):
            with pytest.raises(BackendUnavailable, match="run 'signalman migrate' first"):
                await work
