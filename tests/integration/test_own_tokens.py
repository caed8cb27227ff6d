"""Signalman's own tokens from the command that makes them to the gateway that takes them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog import reset_defaults
from typer.testing import CliRunner, Result

from signalman.access.own_tokens import is_intact
from signalman.access.tokens import HashedTokens
from signalman.backends import standalone
from signalman.backends.postgres import PostgresDirectory
from signalman.catalog import load
from signalman.cli import app
from signalman.errors import NotAuthenticated
from signalman.notice import EVERYBODY, notice
from tests.contract.standalone import TENANT, database
from tests.servers import Postgres
from tests.unit.catalog.sample import write


@dataclass(frozen=True, slots=True)
class Installation:
    """A pack without a platform, and a database for it."""

    server: Postgres
    name: str
    pack: Path

    def command(self, *arguments: str) -> Result:
        """Run a command in this process."""
        environ = {
            "SIGNALMAN_CHANNELS__PATH": str(self.pack),
            "SIGNALMAN_DIRECTORY__URL": self.server.dsn(self.name),
            "COLUMNS": "300",
            "NO_COLOR": "1",
        }
        return CliRunner(env=environ).invoke(app, list(arguments))

    def create(self, *more: str) -> Result:
        """Make a token of the tenant that reads streams."""
        return self.command(
            "token", "create", "--name", "wall", "--tenant", TENANT, "--permission", "streams:read", *more
        )


@pytest.fixture
def installation(postgres: Postgres, tmp_path: Path) -> Iterator[Installation]:
    """With an empty database."""
    with database(postgres) as name:
        yield Installation(postgres, name, write(tmp_path))
    reset_defaults()


@pytest.fixture
async def directory(installation: Installation) -> AsyncIterator[PostgresDirectory]:
    """As a gateway has it."""
    url = installation.server.dsn(installation.name)
    async with PostgresDirectory(url, standalone.statements(), {}) as directory:
        yield directory


def test_migrate_says_what_it_did(installation: Installation) -> None:
    """And before that, every other command says that it is needed."""
    for command in (("token", "list"), ("token", "revoke", TENANT)):
        result = installation.command(*command)
        assert result.exit_code == 1
        assert "run 'signalman migrate' first" in result.stderr
    assert installation.create().exit_code == 1
    assert installation.command("migrate").stdout == "applied 0001_tokens.sql\n"
    assert installation.command("migrate").stdout == "nothing to do\n"


async def test_from_made_to_revoked(installation: Installation, directory: PostgresDirectory) -> None:
    """The token that is printed authenticates with what it was given; when it is revoked, gateways hear of it, and it
    does not authenticate any more.
    """
    await asyncio.to_thread(installation.command, "migrate")
    created = await asyncio.to_thread(installation.create, "--ttl", "1h")
    token = created.stdout.strip()
    assert is_intact(token)
    pack = load(installation.pack)
    ways = HashedTokens(pack.access.tokens, directory, pack.levels)
    principal = await ways.authenticate(token, 0.0)
    assert (principal.kind, principal.scope, principal.permissions) == ("token", (TENANT,), frozenset({"streams:read"}))
    assert principal.expires_at is not None
    assert principal.id in created.stderr
    async with aclosing(directory.changes()) as changes:
        assert await anext(changes) == EVERYBODY
        revoked = await asyncio.to_thread(installation.command, "token", "revoke", principal.id)
        assert revoked.stdout == f"Token {principal.id} is revoked.\n"
        assert await anext(changes) == notice("token", principal.id)
    with pytest.raises(NotAuthenticated):
        await ways.authenticate(token, 0.0)


def test_create_prints_the_token_alone(installation: Installation) -> None:
    """What is printed can be put into a variable; what it opens and until when is said beside it. No two are alike."""
    installation.command("migrate")
    tokens = set()
    for more, until in (((), "until it is revoked"), (("--ttl", "1d"), r"until \d{4}-\d\d-\d\dT[\d:]{8}Z")):
        result = installation.create(*more)
        assert result.exit_code == 0, result.output
        tokens.add(result.stdout)
        assert re.search(rf"Token [0-9a-f-]{{36}} reads streams of {TENANT} {until}\.", result.stderr)
        assert "not shown again" in result.stderr
    assert len(tokens) == 2
    assert all(re.fullmatch(r"sgn_\S{49}\n", each) for each in tokens)


def test_json(installation: Installation) -> None:
    """For programs: one object for what was made, one a line for what there is; a token's text in the first only."""
    installation.command("migrate")
    made = json.loads(installation.create("--json", "--role", "admin").stdout)
    assert is_intact(made["token"])
    assert (made["scope"], made["channels"], made["expires_at"]) == ([TENANT], ["streams"], None)
    installation.create()
    lines = installation.command("token", "list", "--json").stdout.splitlines()
    assert len(lines) == 2
    listed = json.loads(lines[0])
    assert listed["id"] == made["id"]
    assert (listed["name"], listed["roles"], listed["state"]) == ("wall", ["admin"], "good")
    assert made["token"] not in "".join(lines)


def test_the_list_is_for_people(installation: Installation) -> None:
    """A line for each, with what matters; what somebody wrote into a name does not reach the terminal as it is."""
    installation.command("migrate")
    assert "There are no tokens" in installation.command("token", "list").stderr
    made = json.loads(installation.create("--json").stdout)
    installation.create()
    installation.server.run_sql(
        installation.name,
        f"UPDATE signalman.tokens SET name = E'\\x1b[31mred', expires_at = '-infinity' WHERE id <> '{made['id']}'",
    )
    installation.command("token", "revoke", made["id"])
    head, first, second = installation.command("token", "list").stdout.splitlines()
    assert head.split() == ["id", "name", "scope", "permissions", "expires", "state"]
    assert first.split() == [made["id"], "wall", TENANT, "streams:read", "never", "revoked"]
    assert second.endswith("expired")
    assert "\x1b" not in second
    assert "\\u001b[31mred" in second


def test_revoking_twice_and_revoking_nothing(installation: Installation) -> None:
    """The first is fine, the second is a mistake of whoever typed the id."""
    installation.command("migrate")
    made = json.loads(installation.create("--json").stdout)
    assert installation.command("token", "revoke", made["id"]).stdout.endswith("is revoked.\n")
    assert installation.command("token", "revoke", made["id"]).stdout.endswith("was revoked already.\n")
    unknown = installation.command("token", "revoke", TENANT)
    assert unknown.exit_code == 2
    assert "there is no token with this id" in unknown.stderr
