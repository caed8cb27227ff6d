"""``signalman tail``."""

import sys
from typing import Annotated, Literal, get_args

import typer

from signalman import logs
from signalman.cli import context as invocation
from signalman.cli.running import run
from signalman.cli.tail_output import leave_pipe, make_console, make_output
from signalman.cli.tail_status import Status
from signalman.cli.tail_token import TOKEN, credential
from signalman.cli.tailing import Exit, Tailing, Wanted
from signalman.client.connection import Client
from signalman.client.errors import AddressError
from signalman.errors import NotAuthenticated

URL = "SIGNALMAN_URL"


def tail(
    context: typer.Context,
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="CHANNEL", help="All that the token may read, if none is named.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="FIELD=VALUE", help="Only what has this value. Repeat it for more."),
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="EVENT_TYPE", help="Only events of this type. Repeatable.")
    ] = None,
    url: Annotated[
        str, typer.Option(envvar=URL, metavar="URL", help="The gateway, ws:// wss:// http:// or https://.")
    ] = "ws://127.0.0.1:18009",
    token_file: Annotated[
        str | None, typer.Option(metavar="FILE", help=f"Read the token there (- is standard input), not from {TOKEN}.")
    ] = None,
    token_command: Annotated[
        str | None, typer.Option(metavar="CMD", help="Run this for a token, and again before it expires.")
    ] = None,
    form: Annotated[
        Literal["auto", "pretty", "json"],
        typer.Option("--output", "-o", help="auto: pretty on a terminal, json in a pipe."),
    ] = "auto",
    snapshot: Annotated[  # noqa: FBT002 # typer reads it as a flag
        bool, typer.Option("--snapshot/--no-snapshot", help="Begin with the channels' tables.")
    ] = True,
    snapshot_only: Annotated[  # noqa: FBT002 # a flag
        bool, typer.Option("--snapshot-only", help="Show the tables and exit.")
    ] = False,
    max_events: Annotated[
        int | None, typer.Option("--max-events", "-n", min=1, metavar="N", help="Exit after N events.")
    ] = None,
    duration: Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="Exit after this time.")] = None,
    reconnect: Annotated[  # noqa: FBT002 # a flag
        bool, typer.Option("--reconnect/--no-reconnect", help="Come back when the connection is lost.")
    ] = True,
    colour: Annotated[
        Literal["auto", "always", "never"],
        typer.Option("--color", help="auto: on a terminal, unless NO_COLOR is set."),
    ] = "auto",
) -> None:
    """Follow channels in the terminal: first their tables, then every event as it happens.

    The token comes from the environment variable SIGNALMAN_TOKEN, from a file
    or from a command that prints it, never from the command line, where others
    could read it. File and command are asked again when access is about to end.

    [bold]In a pipe[/bold] each line is a JSON object: {"channel", "id", "type", "time",
    "source", "subject", "data", "rows"} for an event, {"channel", "table", "row"}
    for a row of a table. What happens to the connection is told on standard error.

    [bold]Exit codes[/bold]: 0 done, 1 failed, 2 wrong usage, 3 not authenticated,
    4 channel unknown or not allowed, 5 connection given up, 130 interrupted
    before there was a connection.

    Example: [bold]signalman tail streams --type stream_end | jq .data[/bold]
    """
    if snapshot_only and not snapshot:
        raise typer.BadParameter("contradicts --no-snapshot", param_hint="--snapshot-only")
    wanted = Wanted(
        channels=tuple(channels or ()),
        filter=parse_filters(filters or [], types or []),
        snapshot=snapshot,
        snapshot_only=snapshot_only,
        max_events=max_events,
        duration=duration,
    )
    logs.configure(_log_level(context))
    status = Status(make_console(sys.stderr, colour), url)
    try:
        client = Client(url, credential(token_file, token_command), wanted.choose, reconnect=reconnect)
    except AddressError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    except NotAuthenticated as error:
        status.failed(f"{error.detail} Set {TOKEN}, or name a file with --token-file.")
        raise typer.Exit(Exit.AUTHENTICATION) from error
    raise typer.Exit(_follow(client, Tailing(wanted, make_output(form, colour), status)))


def parse_filters(filters: list[str], types: list[str]) -> dict[str, tuple[str, ...]]:
    """``field=value`` pairs and event types as the protocol's filter; a repeated field accepts each of its values.

    Raises:
        typer.BadParameter: A pair without ``=`` or without a field.
    """
    found: dict[str, tuple[str, ...]] = {}
    for pair in [*filters, *(f"type={name}" for name in types)]:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter("write it as FIELD=VALUE", param_hint="--filter")
        found[name] = (*found.get(name, ()), value)
    return found


def _log_level(context: typer.Context) -> logs.Level:
    """As the person says; else errors only, because the status lines say in better words what the client logs."""
    given = invocation.of(context).log_level
    return next((level for level in get_args(logs.Level) if level == given), "error")


def _follow(client: Client, tailing: Tailing) -> Exit:
    async def work() -> None:
        async with client:
            await tailing.run(client)

    try:
        run(work())
    except BrokenPipeError:
        leave_pipe()
        return Exit.OK
    if tailing.code is not None:
        return tailing.code
    return Exit.OK if tailing.connected else Exit.INTERRUPTED
