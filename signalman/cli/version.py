"""``signalman version``."""

import typer

import signalman


def version() -> None:
    """Show the version."""
    typer.echo(signalman.__version__)
