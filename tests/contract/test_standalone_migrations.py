"""`signalman migrate` on a real server."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from signalman.backends.standalone.migrations import Migration, migrate, migrations
from signalman.errors import BackendUnavailable, ConfigError
from tests.contract.standalone import database, role
from tests.servers import Postgres, free_port

OURS = migrations()
SECOND = Migration(2, "0002_more.sql", "CREATE TABLE signalman.more (id int); INSERT INTO signalman.more VALUES (1)")


@pytest.fixture
def name(postgres: Postgres) -> Iterator[str]:
    """An empty database."""
    with database(postgres) as name:
        yield name


def applied(server: Postgres, name: str) -> list[str]:
    """What the database says was applied."""
    return server.run_sql(name, "SELECT name FROM signalman.migrations ORDER BY version").split()


async def test_it_is_done_once(postgres: Postgres, name: str) -> None:
    """From nothing to everything, and then nothing more; what is there stays."""
    url = postgres.dsn(name)
    assert await migrate(url, OURS) == [each.name for each in OURS]
    postgres.run_sql(name, "INSERT INTO signalman.suspended_scopes (scope) VALUES ('x')")
    assert await migrate(url, OURS) == []
    assert await migrate(url, [*OURS, SECOND]) == ["0002_more.sql"]
    assert applied(postgres, name) == [*(each.name for each in OURS), "0002_more.sql"]
    assert postgres.run_sql(name, "SELECT scope FROM signalman.suspended_scopes") == "x\n"


async def test_many_at_once(postgres: Postgres, name: str) -> None:
    """As when several processes of a deployment start together: one of them does it, and nobody fails."""
    done = await asyncio.gather(*(migrate(postgres.dsn(name), [*OURS, SECOND]) for _ in range(8)))
    assert sorted(done) == [[]] * 7 + [[*(each.name for each in OURS), "0002_more.sql"]]
    assert postgres.run_sql(name, "SELECT count(*) FROM signalman.more") == "1\n"


async def test_it_is_all_or_nothing(postgres: Postgres, name: str) -> None:
    """A migration that fails leaves the database as it was before all of them, and is told without values."""
    broken = replace(SECOND, sql="CREATE TABLE signalman.more (id int); INSERT INTO signalman.more VALUES ('secret')")
    with pytest.raises(BackendUnavailable) as failed:
        await migrate(postgres.dsn(name), [*OURS, broken])
    assert "secret" not in str(failed.value)
    assert postgres.run_sql(name, "SELECT to_regnamespace('signalman') IS NULL") == "t\n"
    assert await migrate(postgres.dsn(name), OURS)


@pytest.mark.parametrize(
    ("wanted", "file", "reason"),
    [
        ((replace(OURS[0], sql=OURS[0].sql + " "), SECOND), OURS[0].name, "a migration never changes"),
        ((), OURS[0].name, "does not know it"),
        ((SECOND,), OURS[0].name, "does not know it"),
        ((replace(SECOND, version=0, name="0000_late.sql"), *OURS), "0000_late.sql", "give it the next number"),
    ],
    ids=["changed", "gone", "replaced", "late"],
)
async def test_the_past_does_not_change(
    postgres: Postgres, name: str, wanted: tuple[Migration, ...], file: str, reason: str
) -> None:
    """A migration that was applied and is another now, or is gone, or comes in between, is refused with its name; and
    nothing else is done.
    """
    await migrate(postgres.dsn(name), OURS)
    with pytest.raises(ConfigError) as refused:
        await migrate(postgres.dsn(name), wanted)
    (fault,) = refused.value.faults
    assert (fault.file, reason in fault.reason) == (file, True)
    assert applied(postgres, name) == [each.name for each in OURS]


async def test_a_tampered_entry_is_refused(postgres: Postgres, name: str) -> None:
    """As is a database in which somebody else has written down what was done."""
    await migrate(postgres.dsn(name), OURS)
    postgres.run_sql(name, "UPDATE signalman.migrations SET checksum = 'x'")
    with pytest.raises(ConfigError):
        await migrate(postgres.dsn(name), OURS)


async def test_a_right_that_is_missing_is_named(postgres: Postgres, name: str) -> None:
    """And with either of the two ways that are named, it works."""
    with role(postgres, "poor", on=name) as url:
        with pytest.raises(BackendUnavailable, match=r"GRANT CREATE ON DATABASE … TO …\), or a schema 'signalman'"):
            await migrate(url, OURS)
        postgres.run_sql(name, "CREATE SCHEMA signalman AUTHORIZATION poor")
        assert await migrate(url, OURS)
        assert await migrate(url, OURS) == []
    with (
        database(postgres) as another,
        role(postgres, "creator", f"GRANT CREATE ON DATABASE {another} TO creator", on=another) as url,
    ):
        assert await migrate(url, OURS)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://postgres:wrong-secret@{here}/postgres", "user or password of directory.url"),
        ("postgresql://nobody:wrong-secret@{here}/postgres", "user or password of directory.url"),
        ("postgresql://postgres:it%27s%20only%20a%20test@{here}/missing", "no such database"),
        ("postgresql://postgres:wrong-secret@127.0.0.1:{closed}/postgres", "cannot be reached"),
    ],
)
async def test_a_server_that_does_not_let_us_in(postgres: Postgres, url: str, reason: str) -> None:
    """Is told in words that hold neither the address nor the password."""
    url = url.format(here=f"{postgres.host}:{postgres.port}", closed=free_port())
    with pytest.raises(BackendUnavailable, match=reason) as refused:
        await migrate(url, OURS)
    assert not [word for word in ("secret", "127.0.0.1", "only") if word in str(refused.value)]


def test_the_files_are_numbered() -> None:
    """From 1 on without a hole, and nothing lies beside them that nobody reads."""
    assert [each.version for each in OURS] == list(range(1, len(OURS) + 1))
    folder = Path(__file__).parents[2] / "signalman/backends/standalone"
    assert {path.name for path in folder.glob("*.sql")} == {each.name for each in OURS} | {"directory.sql"}
