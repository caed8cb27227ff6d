"""``signalman config``."""

import typer

import signalman.cli.context as invocation
from signalman.config import describe


def config(context: typer.Context) -> None:
    """Show the configuration in effect, without its secrets."""
    for line in describe(invocation.of(context).load()):
        typer.echo(line)
