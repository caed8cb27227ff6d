"""``signalman migrate``."""

import asyncio

import typer

import signalman.cli.context as invocation
from signalman.cli.token_store import store


def migrate(context: typer.Context) -> None:
    """Make Signalman's own tables for API tokens, or bring them up to date.

    For installations without a platform whose accounts could be asked. May be run as often as wanted, also by
    several at once.
    """
    own, _ = store(invocation.of(context).load())
    applied = asyncio.run(own.migrate())
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("nothing to do")
