"""Where `signalman tail` has its credential from."""

import asyncio
import contextlib
import os
import shlex
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import typer

from signalman.client.credential import Ask
from signalman.errors import NotAuthenticated

TOKEN = "SIGNALMAN_TOKEN"  # noqa: S105 # the variable's name

PATIENCE = 30.0
"""Seconds that a command may take to print a token: it may have to ask somebody else for one."""


def credential(token_file: str | None, token_command: str | None) -> str | Ask:
    """The token of *token_file*, where ``-`` is standard input, or what *token_command* prints, each asked whenever one
    is needed; else the environment's, empty where there is none.

    Raises:
        typer.BadParameter: Both are given, the file cannot be read, or the command cannot be understood.
    """
    if token_command is not None:
        if token_file is not None:
            raise typer.BadParameter("contradicts --token-file", param_hint="--token-command")
        return _from_command(token_command)
    if token_file is None:
        return os.environ.get(TOKEN, "")
    if token_file == "-":  # noqa: S105 # the sign for standard input
        return sys.stdin.readline()
    return _from_file(Path(token_file))


def _from_file(path: Path) -> Ask:
    def ask() -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = f"The file of --token-file cannot be read: {type(error).__name__}."
            raise NotAuthenticated("not_authenticated", reason) from error

    try:
        ask()
    except NotAuthenticated as error:
        raise typer.BadParameter(error.detail, param_hint="--token-file") from error
    return ask


def _from_command(command: str) -> Ask:
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise typer.BadParameter("is no command, or has a quote that is not closed", param_hint="--token-command")

    async def ask() -> str:
        # No shell: nothing in the words means more than it says.
        async with _started(words) as process:
            try:
                async with asyncio.timeout(PATIENCE):
                    printed, _ = await process.communicate()
            except TimeoutError as error:
                raise _failed(f"did not end within {PATIENCE:g} s") from error
            if process.returncode != 0:
                raise _failed(f"ended with {process.returncode}")
            return printed.decode("utf-8", "replace")

    return ask


@contextlib.asynccontextmanager
async def _started(words: list[str]) -> AsyncIterator[Process]:
    """The command, with its complaints on our standard error; it does not outlive the block."""
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=DEVNULL, stdout=PIPE)
    except OSError as error:
        raise _failed(f"cannot be started: {type(error).__name__}") from error
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _failed(what: str) -> NotAuthenticated:
    return NotAuthenticated("not_authenticated", f"The command of --token-command {what}.")
