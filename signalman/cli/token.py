"""``signalman token``: API tokens of Signalman's own, and JSON Web Tokens for development."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from rich.text import Text

import signalman.cli.context as invocation
from signalman.access.grants import grants
from signalman.access.scope import prefix_scope
from signalman.channel import Catalog
from signalman.cli.columns import print_columns
from signalman.cli.duration import duration
from signalman.cli.tail_output import make_console
from signalman.cli.token_mint import mint
from signalman.cli.token_store import store
from signalman.cli.visible import visible
from signalman.event import Scope
from signalman.principal import Principal

_COLOURS = {"good": "green", "suspended": "yellow", "expired": "dim", "revoked": "dim"}

Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]

app = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


@app.callback()
def token() -> None:
    """Make, list and revoke Signalman's own API tokens; print a JSON Web Token for development.

    For installations without a platform that has tokens of its own: they are kept in PostgreSQL, in tables that
    [bold]signalman migrate[/bold] makes.
    """


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="What or who will use it.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", "--tenant", metavar="ID", help="Whose events it may read; once for each level."),
    ],
    permission: Annotated[list[str], typer.Option(help="What it opens; repeat for more.")],
    role: Annotated[list[str] | None, typer.Option(help="A role that it speaks with; repeat for more.")] = None,
    ttl: Annotated[str | None, typer.Option(metavar="TIME", help="How long it is valid, such as 90d.")] = None,
    as_json: Json = False,  # noqa: FBT002 # typer reads it as a flag
) -> None:
    """Make an API token and print it. It is not shown again: only its SHA-256 is kept."""
    own, pack = store(invocation.of(context).load())
    reach = _reach(pack, scope)
    channels = _channels(pack, reach, permission)
    expires_at = datetime.now(UTC) + duration(ttl, "--ttl") if ttl else None
    if not name.strip():
        raise typer.BadParameter("must not be empty", param_hint="--name")
    created = asyncio.run(
        own.create(name=name, scope=reach, roles=role or (), permissions=permission, expires_at=expires_at)
    )
    if as_json:
        shown = {"id": str(created.id), "name": name, "token": created.text, "scope": reach, "channels": channels}
        _print_json({**shown, "expires_at": _time(expires_at)})
        return
    typer.echo(created.text)
    until = f"until {_time(expires_at)}" if expires_at else "until it is revoked"
    typer.echo(f"Token {created.id} reads {', '.join(channels)} of {' / '.join(reach)} {until}.", err=True)
    typer.echo("It is not shown again.", err=True)


@app.command("list")
def list_(
    context: typer.Context,
    as_json: Json = False,  # noqa: FBT002 # typer reads it as a flag
) -> None:
    """Show all API tokens, the oldest first, and which of them are good."""
    own, _ = store(invocation.of(context).load())
    found = [
        {
            "id": str(each.id),
            "name": each.name,
            "scope": each.scope,
            "permissions": each.permissions,
            "roles": each.roles,
            "created_at": _time(each.created_at),
            "expires_at": _time(each.expires_at),
            "revoked_at": _time(each.revoked_at),
            "state": each.state,
        }
        for each in asyncio.run(own.list())
    ]
    if as_json:
        for row in found:
            _print_json(row)
    elif found:
        _print_table(found)
    else:
        typer.echo("There are no tokens. 'signalman token create' makes one.", err=True)


@app.command()
def revoke(
    context: typer.Context,
    token_id: Annotated[UUID, typer.Argument(metavar="ID", help="As 'signalman token list' shows it.")],
) -> None:
    """End an API token. Connections that it opened are closed."""
    own, _ = store(invocation.of(context).load())
    outcome = asyncio.run(own.revoke(token_id))
    if outcome == "unknown":
        raise typer.BadParameter("there is no token with this id", param_hint="ID")
    typer.echo(f"Token {token_id} {'was revoked already' if outcome == 'already' else 'is revoked'}.")


app.command()(mint)


def _reach(pack: Catalog, ids: list[str]) -> Scope:
    scope = prefix_scope(ids, pack.levels)
    if scope is None:
        levels = ", ".join(f"{level.name} ({level.type}{', optional' * level.optional})" for level in pack.levels)
        raise typer.BadParameter(f"the scope of a token is: {levels}", param_hint="--scope")
    return scope


def _channels(pack: Catalog, scope: Scope, permissions: list[str]) -> list[str]:
    """The channels that such a token would read."""
    would_be = Principal("token", "", scope, permissions=frozenset(permissions))
    channels = sorted({grant.channel for grant in grants(would_be, pack)})
    if not channels:
        known = sorted({each for channel in pack.channels.values() for each in channel.permissions})
        raise typer.BadParameter(f"opens no channel; channels ask for: {', '.join(known)}", param_hint="--permission")
    return channels


def _print_table(rows: list[dict[str, Any]]) -> None:
    head = [Text(title, "dim") for title in ("id", "name", "scope", "permissions", "expires", "state")]
    lines = [
        [
            row["id"],
            visible(row["name"]),
            visible(" / ".join(row["scope"])),
            visible(", ".join(row["permissions"])),
            row["expires_at"] or "never",
            Text(row["state"], _COLOURS[row["state"]]),
        ]
        for row in rows
    ]
    print_columns(make_console(sys.stdout, "auto"), [head, *lines])


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(visible(orjson.dumps(value).decode()))


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
