"""The command line as a whole: global options, and the list of commands."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import signalman
from signalman import logs
from signalman.cli import channels, token
from signalman.cli.check import check
from signalman.cli.config import config
from signalman.cli.context import Context
from signalman.cli.dev import dev
from signalman.cli.failure import crash, report
from signalman.cli.gateway import gateway
from signalman.cli.migrate import migrate
from signalman.cli.relay import relay
from signalman.cli.serve import serve
from signalman.cli.simulate import simulate
from signalman.cli.tail import tail
from signalman.cli.version import version
from signalman.errors import SignalmanError


class _Commands(TyperGroup):
    """Turns our errors into sentences and exit codes, for the console script and for tests alike."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (SignalmanError, BaseExceptionGroup) as error:
            code = report(error)
            if code is None:
                raise
            raise typer.Exit(code) from error


app = typer.Typer(
    name="signalman",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Real-time events of your platform: from Kafka, redacted, to WebSocket subscribers who may have them.",
)

_RUN, _ACCESS, _LOOK = "Run", "Access", "Look and try"

app.command(rich_help_panel=_RUN)(serve)
app.command(rich_help_panel=_RUN)(relay)
app.command(rich_help_panel=_RUN)(gateway)
app.command(rich_help_panel=_RUN)(dev)
app.add_typer(token.app, name="token", rich_help_panel=_ACCESS)
app.command(rich_help_panel=_ACCESS)(migrate)
app.command(rich_help_panel=_LOOK)(tail)
app.command(rich_help_panel=_LOOK)(check)
app.add_typer(channels.app, name="channels", rich_help_panel=_LOOK)
app.command(rich_help_panel=_LOOK)(config)
app.command(rich_help_panel=_LOOK)(simulate)
app.command(rich_help_panel=_LOOK)(version)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 # typer calls it so
    if wanted:
        typer.echo(signalman.__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config_path: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Configuration file; also SIGNALMAN_CONFIG."),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
    ] = None,
    _version: Annotated[  # noqa: FBT002 # typer reads it as a flag
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Remember the global options for the command that follows."""
    logs.configure()
    context.obj = Context(config_path, log_level)


def main() -> None:
    """The console script: runs the command that the arguments name, and exits with its code."""
    logs.catch_strays()
    try:
        app()
    except Exception as error:  # noqa: BLE001 # the last resort of the process
        sys.exit(crash(error))
