"""What becomes of a pack's SQL that is wrong, and of rows that are."""

from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from signalman.access_ports import Holder
from signalman.access_rules import Statement
from signalman.backends.postgres import PostgresDirectory
from signalman.errors import BackendUnavailable
from tests.servers import Postgres

GOOD = {
    "key": "asked",
    "id": "'id-' || asked",
    "scope": "ARRAY['tenant']",
    "roles": "ARRAY['reader']",
    "permissions": "ARRAY['logs:read']",
    "user_id": "NULL::text",
    "expires_at": "NULL::float8",
    "secret_hash": "'$argon2id$…'",
}


def select(*, rows: str = "", **changes: str | None) -> str:
    """A statement over what is asked for; a column that is changed to None is not there."""
    columns = {**GOOD, **changes}
    listed = ", ".join(f"{sql} AS {name}" for name, sql in columns.items() if sql is not None)
    return f"SELECT {listed} FROM unnest($1::text[]) AS asked {rows}"


def directory(postgres: Postgres, sql: str, **others: str) -> PostgresDirectory:
    """One that has keys by this *sql*, in a database without tables."""
    statements = {name.replace("__", "."): Statement(each, None) for name, each in {"keys": sql, **others}.items()}
    return PostgresDirectory(postgres.dsn("postgres"), statements, {})


async def found(postgres: Postgres, sql: str, **others: str) -> Mapping[str, Holder]:
    """Who is found of two who are asked for."""
    async with directory(postgres, sql, **others) as asked:
        return await asked.keys(["good", "other"])


async def test_a_row_becomes_a_holder(postgres: Postgres) -> None:
    """Each column is what the port says; the URL's own database is asked."""
    assert await found(postgres, select()) == {
        key: Holder(
            *(f"id-{key}", ("tenant",), frozenset({"reader"}), frozenset({"logs:read"}), None, None, "$argon2id$…")
        )
        for key in ("good", "other")
    }


@pytest.mark.parametrize(
    ("column", "sql"),
    [
        ("key", "upper(asked)"),
        ("key", "NULLIF(asked, asked)"),
        ("id", "''"),
        ("id", "NULL::text"),
        ("scope", "ARRAY[]::text[]"),
        ("scope", "NULL::text[]"),
        ("scope", "ARRAY['tenant', '']"),
        ("scope", "ARRAY['tenant', NULL]"),
        ("scope", "ARRAY[ARRAY['tenant'], ARRAY['tenant']]"),
        ("roles", "ARRAY[ARRAY['reader'], ARRAY['reader']]"),
        ("permissions", "ARRAY[ARRAY['logs:read']]"),
        ("user_id", "''"),
        ("expires_at", "'NaN'::float8"),
        ("expires_at", "'-infinity'::float8"),
        ("secret_hash", "NULL::text"),
        ("secret_hash", "''"),
    ],
)
async def test_a_row_that_cannot_be_used_is_nobody(postgres: Postgres, column: str, sql: str) -> None:
    """Others of the same answer are found all the same; it is said once where it was, and not what."""
    mixed = f"CASE asked WHEN 'good' THEN {GOOD[column]} ELSE {sql} END"
    with capture_logs() as logs:
        async with directory(postgres, select(**{column: mixed})) as asked:
            for _ in range(3):
                assert set(await asked.keys(["good", "other"])) == {"good"}
    assert logs == [{"event": "directory_row_unusable", "log_level": "warning", "statement": "keys", "column": column}]


async def test_what_says_nothing_opens_nothing(postgres: Postgres) -> None:
    """Roles that are NULL are none, and NULL or empty names among others are not there. Permissions that are NULL are
    the platform's word for "not limited", and told as that.
    """
    holder = (await found(postgres, select(roles="NULL::text[]", permissions="ARRAY[NULL, '', 'x']")))["good"]
    assert (holder.roles, holder.permissions) == (frozenset(), frozenset({"x"}))
    assert (await found(postgres, select(permissions="NULL::text[]")))["good"].permissions is None


@pytest.mark.parametrize("never", ["'infinity'", "253402300800"])
async def test_an_expiry_that_no_clock_reaches_is_none(postgres: Postgres, never: str) -> None:
    """RFC 3339 ends with the year 9999."""
    assert (await found(postgres, select(expires_at=f"{never}::float8")))["good"].expires_at is None
    assert (await found(postgres, select(expires_at="253402300799::float8")))["good"].expires_at == 253402300799


async def test_two_rows_that_agree_are_one(postgres: Postgres) -> None:
    """A join may well multiply rows."""
    assert set(await found(postgres, select(rows=", generate_series(1, 2)"))) == {"good", "other"}


async def test_two_rows_that_differ_are_none(postgres: Postgres) -> None:
    """Nobody knows which of them is right, also when a third agrees with the first."""
    scope = "CASE WHEN asked = 'other' AND n = 2 THEN ARRAY['someone else'] ELSE ARRAY['tenant'] END"
    with capture_logs() as logs:
        assert set(await found(postgres, select(rows=", generate_series(1, 3) AS n", scope=scope))) == {"good"}
    assert [(line["event"], line["column"]) for line in logs] == [("directory_row_unusable", "key")]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ({}, {"good", "other"}),
        ({"scopes__a": "SELECT asked AS scope FROM unnest($1::text[]) AS asked"}, {"good", "other"}),
        ({"scopes__a": "SELECT 'good' AS scope WHERE $1::text[] IS NOT NULL"}, {"good"}),
        ({"scopes__a": "SELECT NULL::text AS scope WHERE $1::text[] IS NOT NULL"}, set()),
        (
            {
                "scopes__a": "SELECT asked AS scope FROM unnest($1::text[]) AS asked",
                "scopes__b": "SELECT 'other' AS scope WHERE $1::text[] IS NOT NULL",
            },
            {"other"},
        ),
    ],
)
async def test_a_scope_passes_every_statement(postgres: Postgres, scopes: dict[str, str], expected: set[str]) -> None:
    """A holder whose widest level one of them leaves out is not there; ids that nobody asked for change nothing."""
    assert set(await found(postgres, select(scope="ARRAY[asked, 'below']"), **scopes)) == expected


async def test_a_scope_is_asked_for_once(postgres: Postgres) -> None:
    """However many holders are within it."""
    only_alone = "SELECT asked AS scope FROM unnest($1::text[]) AS asked WHERE cardinality($1) = 1"
    assert set(await found(postgres, select(), scopes__a=only_alone)) == {"good", "other"}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (select(id=None, roles=None), "column id is missing; column roles is missing"),
        (select(secret_hash=None), "column secret_hash is missing"),
        (select(scope="'tenant'"), "column scope is text, write scope::text[]"),
        (select(id="gen_random_uuid()"), "column id is uuid, write id::text"),
        (select(permissions="NULL"), "column permissions is text, write permissions::text[]"),
        (select(expires_at="now()"), "column expires_at is timestamptz, write expires_at::float8"),
        (select(user_id="asked AS id, asked"), "column id is there more than once"),
        (select().replace("$1::text[]", "$1::uuid[]"), "it needs one parameter, $1::text[]"),
        (select().replace("$1::text[]", "$1::text[] || $2::text"), "it needs one parameter, $1::text[]"),
        (select(rows="WHERE nothing"), 'column "nothing" does not exist'),
        (select(rows=", platform.accounts"), 'relation "platform.accounts" does not exist'),
        (select(rows="; SELECT 1"), "cannot insert multiple commands into a prepared statement"),
        ("SELEC $1", 'syntax error at or near "SELEC"'),
    ],
)
async def test_wrong_sql_is_named(postgres: Postgres, sql: str, why: str) -> None:
    """Which statement, and what of it is wrong; no look-up takes it for "not found"."""
    async with directory(postgres, sql) as asked:
        for call in (asked.ping, lambda: asked.keys(["s3cret-id"])):
            with pytest.raises(BackendUnavailable) as wrong:
                await call()
            assert wrong.value.detail.startswith(f"the statement keys failed: {why}")
            assert "s3cret" not in str(wrong.value)


async def test_a_value_is_not_told(postgres: Postgres) -> None:
    """Where SQL fails on what was asked for, the server's sentence has it, and ours has not."""
    with capture_logs() as logs:
        async with directory(postgres, select(rows="WHERE asked::int > 0")) as asked:
            await asked.ping()
            with pytest.raises(BackendUnavailable) as wrong:
                await asked.keys(["s3cret-id"])
    assert wrong.value.detail == "the statement keys failed: InvalidTextRepresentationError"
    assert "s3cret" in str(wrong.value.__cause__)
    assert "s3cret" not in str(logs)


@pytest.mark.parametrize("scope", ["'x'::text AS name", "ARRAY[asked] AS scope", "gen_random_uuid() AS scope"])
async def test_a_scope_statement_is_checked(postgres: Postgres, scope: str) -> None:
    """It returns one text column of that name."""
    async with directory(postgres, select(), scopes__a=f"SELECT {scope} FROM unnest($1::text[]) AS asked") as asked:
        for call in (asked.ping, lambda: asked.keys(["good"])):
            with pytest.raises(BackendUnavailable, match=r"the statement scopes\.a failed: column scope is"):
                await call()
