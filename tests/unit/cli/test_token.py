"""``signalman token`` and ``signalman migrate``, as far as they go without a database."""

from pathlib import Path
from typing import Any

import jwt
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from signalman.cli import app
from signalman.cli.duration import duration
from tests.unit.catalog.sample import write

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
SECRET = "a-secret-of-more-than-thirty-two-bytes"
NOWHERE = "postgresql://signalman:s3cret@127.0.0.1:1/signalman"


def claims(text: str, **checks: Any) -> dict[str, Any]:
    """What a minted token says."""
    return jwt.decode(text.strip(), SECRET, algorithms=["HS256"], **checks)


def test_mint_prints_only_the_token(runner: CliRunner) -> None:
    """What is printed can be put into a variable, and is signed with the configured secret for the tenant."""
    arguments = ["token", "mint", "--tenant", TENANT, "--user", TENANT, "--role", "viewer", "--ttl", "60"]
    result = runner.invoke(app, arguments, env={"JWT_SECRET": SECRET})

    assert result.exit_code == 0, result.output
    found = claims(result.stdout)
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""
    assert (found["tenant_id"], found["user_id"], found["role"]) == (TENANT, TENANT, "viewer")
    assert found["exp"] - found["iat"] == 60


def test_mint_without_a_user_is_somebodys(runner: CliRunner) -> None:
    """Two tokens stand for two people, unless they are named. Where gateways look people up, the person is told so."""
    users = set()
    for url in ("", NOWHERE):
        environ = {"JWT_SECRET": SECRET, "SIGNALMAN_DIRECTORY__URL": url}
        result = runner.invoke(app, ["token", "mint", "--tenant", TENANT], env=environ)
        users.add(claims(result.stdout)["user_id"])
        assert ("--user" in result.stderr) is bool(url)

    assert len(users) == 2


def test_mint_for_a_gateway_with_issuers_and_audiences(runner: CliRunner) -> None:
    """The first of each is named, so that the gateway takes the token."""
    environ = {
        "JWT_SECRET": SECRET,
        "SIGNALMAN_ACCESS__JWT_ISSUERS": "us, others",
        "SIGNALMAN_ACCESS__JWT_AUDIENCES": "signalman",
    }
    result = runner.invoke(app, ["token", "mint", "--scope", TENANT], env=environ)
    assert claims(result.stdout, issuer="us", audience="signalman")


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["--tenant", TENANT], {}, "access.jwt_secret: is not set"),
        (["--tenant", "nobody"], {"JWT_SECRET": SECRET}, "the scope of a token is: tenant (uuid)"),
        (["--scope", TENANT, "--scope", TENANT], {"JWT_SECRET": SECRET}, "the scope of a token is: tenant (uuid)"),
        ([], {"JWT_SECRET": SECRET}, "--scope"),
        (["--tenant", TENANT, "--ttl", "0"], {"JWT_SECRET": SECRET}, "--ttl"),
        (["--tenant", TENANT, "--ttl", "2d"], {"JWT_SECRET": SECRET}, "no gateway would accept it"),
        (["--tenant", TENANT], {"JWT_SECRET": "short"}, "is shorter than 32 bytes"),
    ],
)
def test_mint_refuses(runner: CliRunner, arguments: list[str], environ: dict[str, str], said: str) -> None:
    """Nothing is minted that no gateway would take; the reason is told, and the exit code is 2."""
    result = runner.invoke(app, ["token", "mint", *arguments], env=environ)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_mint_with_a_weak_secret_that_was_accepted(runner: CliRunner) -> None:
    """Where the platform's secret is short, its tokens can still be made."""
    environ = {"JWT_SECRET": "short", "SIGNALMAN_ACCESS__ALLOW_WEAK_SECRET": "true"}

    assert runner.invoke(app, ["token", "mint", "--tenant", TENANT], env=environ).exit_code == 0


CREATE = ["token", "create", "--name", "x", "--scope", TENANT, "--permission", "streams:read"]
COMMANDS = [["migrate"], CREATE, ["token", "list"], ["token", "revoke", TENANT]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_the_platform_has_tokens_none_are_made(runner: CliRunner, command: list[str]) -> None:
    """The pack asks the platform's accounts, and a token made here would never be found; all is told at once."""
    result = runner.invoke(app, command)

    assert result.exit_code == 2
    assert "channels.pack: the pack 'frameworks' asks the platform's own accounts (directory.sql)" in result.stderr
    assert "directory.url: is not set" in result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_server_it_is_said(runner: CliRunner, tmp_path: Path, command: list[str]) -> None:
    """In one line without the address and the password, with the exit code of a failure."""
    environ = {"SIGNALMAN_CHANNELS__PATH": str(write(tmp_path)), "SIGNALMAN_DIRECTORY__URL": NOWHERE}
    result = runner.invoke(app, command, env=environ)

    assert result.exit_code == 1
    assert result.stderr.startswith("error: postgres: cannot ")
    assert result.stderr.endswith(": the server cannot be reached\n")
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"--scope": "nobody"}, "the scope of a token is: tenant (uuid)"),
        ({"--permission": "stream:read"}, "opens no channel; channels ask for: streams:read"),
        ({"--name": " "}, "must not be empty"),
        ({"--ttl": "soon"}, "must be a time such as 90d"),
    ],
)
def test_create_refuses_what_would_open_nothing(
    runner: CliRunner, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    """Before any server is asked, with what there is instead."""
    options = {"--name": "x", "--scope": TENANT, "--permission": "streams:read"} | changes
    environ = {"SIGNALMAN_CHANNELS__PATH": str(write(tmp_path)), "SIGNALMAN_DIRECTORY__URL": NOWHERE}
    arguments = [each for option in options.items() for each in option]
    result = runner.invoke(app, ["token", "create", *arguments], env=environ)

    assert result.exit_code == 2
    assert said in result.stderr


def test_revoke_wants_an_id(runner: CliRunner) -> None:
    """What is pasted by mistake is not an id; a token is never asked for, since arguments are visible to others."""
    result = runner.invoke(app, ["token", "revoke", "sgn_x"])
    assert result.exit_code == 2
    assert "ID" in result.stderr


@pytest.mark.parametrize(
    ("text", "seconds"), [("900", 900), ("900s", 900), ("15m", 900), ("12h", 43_200), ("90d", 7_776_000), ("1", 1)]
)
def test_a_duration(text: str, seconds: int) -> None:
    """As people write it."""
    assert duration(text, "--ttl").total_seconds() == seconds


@given(st.text(max_size=12) | st.from_regex(r"-?[0-9.]{1,12}[smhdw ]?", fullmatch=True))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Never zero, never negative, never beyond what a calendar holds."""
    try:
        found = duration(text, "--ttl")
    except typer.BadParameter:
        return
    assert 1 <= found.total_seconds() <= 36_500 * 86_400
