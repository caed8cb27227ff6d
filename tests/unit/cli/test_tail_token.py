"""Where `signalman tail` has its token from, and that no token and no path of one is ever told."""

import asyncio
import inspect
import io
import sys
from pathlib import Path

import pytest
import typer

from signalman.cli import tail_token
from signalman.cli.tail_token import credential
from signalman.client.credential import Credential
from signalman.errors import NotAuthenticated


def python(code: str) -> str:
    """A command that runs *code*."""
    return f"{sys.executable} -c '{code}'"


async def asked(token_file: str | None = None, token_command: str | None = None) -> str:
    """The token, as a client asks for it."""
    return await Credential(credential(token_file, token_command)).current()


async def test_where_the_token_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment, standard input, a file, a command."""
    monkeypatch.setenv("SIGNALMAN_TOKEN", "from-environment")
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\nrest"))
    path = tmp_path / "token"
    path.write_text("from-file\n")
    assert await asked() == "from-environment"
    assert await asked("-") == "from-stdin"
    assert await asked(str(path)) == "from-file"
    assert await asked(None, python('print("from-command")')) == "from-command"


async def test_file_and_command_are_asked_again(tmp_path: Path) -> None:
    """What is good in an hour is not what is good now."""
    path = tmp_path / "token"
    path.write_text("first")
    by_file = Credential(credential(str(path), None))
    by_command = Credential(credential(None, python(f'print(open("{path}").read())')))
    assert [await each.current() for each in (by_file, by_command)] == ["first", "first"]
    path.write_text("second")
    assert [await each.current() for each in (by_file, by_command)] == ["second", "second"]


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """At once; and where it has gone later, there is no token, which says the same without the path."""
    with pytest.raises(typer.BadParameter):
        credential(str(tmp_path / "missing"), None)
    path = tmp_path / "token"
    path.write_text("first")
    ask = credential(str(path), None)
    path.unlink()
    assert callable(ask)
    with pytest.raises(NotAuthenticated, match="cannot be read: FileNotFoundError") as error:
        ask()
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (python("raise SystemExit(3)"), "ended with 3"),
        ("/nowhere/to/be/found sgn_secret", "cannot be started: FileNotFoundError"),
        (python("pass"), "token is empty"),
        (python('print("two words")'), "characters that no token has"),
    ],
)
async def test_a_command_that_gives_no_token(command: str, words: str) -> None:
    """Says why, in a sentence without the command's own words."""
    with pytest.raises(NotAuthenticated, match=words) as error:
        await asked(None, command)
    assert "secret" not in str(error.value)
    assert "two words" not in str(error.value)


async def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time; so it is when nobody waits for it any more."""
    monkeypatch.setattr(tail_token, "PATIENCE", 0.01)
    forever = python("import time; time.sleep(600)")
    with pytest.raises(NotAuthenticated, match="did not end within"):
        await asked(None, forever)
    ask = credential(None, forever)
    assert callable(ask)
    answer = ask()
    assert inspect.iscoroutine(answer)
    task = asyncio.create_task(answer)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("command", ["", "  ", "print 'unclosed"])
def test_what_is_no_command_is_wrong_usage(command: str) -> None:
    """Before anything is connected."""
    with pytest.raises(typer.BadParameter, match="no command"):
        credential(None, command)


def test_file_and_command_contradict_each_other() -> None:
    """Which one counts is not a guess."""
    with pytest.raises(typer.BadParameter, match="contradicts --token-file"):
        credential("-", "true")
