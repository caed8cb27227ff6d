"""The `directory.sql` that channels/README.md shows, executed: it finds who is good, and nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signalman.access.scope import prefix_scope
from signalman.access_ports import Holder
from signalman.backends.postgres import PostgresDirectory
from signalman.catalog import load
from signalman.channel import Catalog
from tests.channels.test_readme import README, pack
from tests.servers import Postgres

ACCOUNTS = """
CREATE TABLE api_keys (key_id text, workspace_id text, tenant_id text, permissions text[], created_by text,
    expires_at timestamptz, revoked_at timestamptz, secret_hash text);
CREATE TABLE workspaces (workspace_id text, suspended_at timestamptz);
INSERT INTO workspaces VALUES ('w-1', NULL), ('w-2', now());
INSERT INTO api_keys VALUES
    ('obk-1', 'w-1', 't-1', '{alerts:read}', 'ada', to_timestamp(4000000000), NULL, '$argon2id$a'),
    ('obk-wide', 'w-1', NULL, '{*:read}', NULL, NULL, NULL, '$argon2id$b'),
    ('obk-revoked', 'w-1', 't-1', '{alerts:read}', 'ada', NULL, now(), '$argon2id$c'),
    ('obk-expired', 'w-1', 't-1', '{alerts:read}', 'ada', now(), NULL, '$argon2id$d'),
    ('obk-suspended', 'w-2', 't-2', '{alerts:read}', 'ada', NULL, NULL, '$argon2id$e');
"""
PEOPLE = """
CREATE TABLE people (user_id text, workspace_id text, tenant_id text, roles text[], permissions text[], is_active bool);
INSERT INTO people VALUES
    ('ada', 'w-1', 't-1', '{analyst}', '{alerts:read}', true),
    ('bob', 'w-1', NULL, '{admin,super_admin}', '{*:read}', true),
    ('eve', 'w-1', 't-1', '{analyst}', '{alerts:read}', false),
    ('kim', 'w-2', 't-2', '{analyst}', '{alerts:read}', true);
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """The pack of the worked example."""
    pack(README.read_text(encoding="utf-8"), "An example", tmp_path)
    return load(tmp_path)


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Postgres:
    """The server, with the two databases that the example asks."""
    for database, sql in (("readme_accounts", ACCOUNTS), ("readme_people", PEOPLE)):
        postgres.create_database(database)
        postgres.run_sql(database, sql)
    return postgres


@pytest.fixture
async def directory(server: Postgres, catalog: Catalog) -> AsyncIterator[PostgresDirectory]:
    """The example's statements over them; one database has another name than in the pack."""
    dsn, statements = server.dsn("readme_accounts"), catalog.access.statements
    async with PostgresDirectory(dsn, statements, {"people": "readme_people"}) as directory:
        yield directory


async def test_it_fits(directory: PostgresDirectory) -> None:
    """Every statement can be asked."""
    assert directory.knows == {"keys", "users"}
    await directory.ping()


async def test_keys(directory: PostgresDirectory) -> None:
    """Good ones with everything that the columns say; not those that are revoked, expired, suspended or unknown."""
    asked = ["obk-1", "obk-wide", "obk-revoked", "obk-expired", "obk-suspended", "obk-unknown"]
    assert await directory.keys(asked) == {
        "obk-1": Holder(
            "obk-1",
            ("w-1", "t-1"),
            permissions=frozenset({"alerts:read"}),
            user_id="ada",
            expires_at=4_000_000_000.0,
            secret_hash="$argon2id$a",
        ),
        "obk-wide": Holder("obk-wide", ("w-1",), permissions=frozenset({"*:read"}), secret_hash="$argon2id$b"),
    }


async def test_people(directory: PostgresDirectory, catalog: Catalog) -> None:
    """Those who still work there, in a workspace in good standing; each with a scope that the pack's levels allow."""
    found = await directory.users(["ada", "bob", "eve", "kim", "nobody"])
    assert found == {
        "ada": Holder("ada", ("w-1", "t-1"), frozenset({"analyst"}), frozenset({"alerts:read"}), "ada"),
        "bob": Holder("bob", ("w-1",), frozenset({"admin", "super_admin"}), frozenset({"*:read"}), "bob"),
    }
    assert all(prefix_scope(one.scope, catalog.levels) == one.scope for one in found.values())
