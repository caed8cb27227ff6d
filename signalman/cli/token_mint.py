"""``signalman token mint``."""

import time
from typing import Annotated
from uuid import uuid4

import typer

import signalman.cli.context as invocation
from signalman.access.mint import mint as minted
from signalman.cli.duration import duration
from signalman.cli.token_store import pack_of
from signalman.errors import ConfigError, Fault


def mint(
    context: typer.Context,
    scope: Annotated[
        list[str],
        typer.Option("--scope", "--tenant", metavar="ID", help="Whose events it may read; once for each level."),
    ],
    user: Annotated[str | None, typer.Option(metavar="ID", help="Who it stands for; else somebody new.")] = None,
    role: Annotated[str, typer.Option(help="The user's role.")] = "owner",
    permission: Annotated[
        list[str] | None, typer.Option(help="What it opens, where the pack's tokens say so; repeat for more.")
    ] = None,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is valid, such as 15m.")] = "15m",
) -> None:
    """Print a JSON Web Token as the platform would sign it, for development.

    It is signed with the configured secret, and taken by gateways with the same configuration.
    """
    config = invocation.of(context).load()
    access = config.access
    lifetime = duration(ttl, "--ttl").total_seconds()
    if lifetime > access.jwt_max_lifetime_seconds:
        raise typer.BadParameter(
            "no gateway would accept it: access.jwt_max_lifetime_seconds is less", param_hint="--ttl"
        )
    secret = access.jwt_secret.get_secret_value()
    if not secret:
        reason = "is not set, and nothing can be signed without it; FrameWorks calls it JWT_SECRET"
        raise ConfigError([Fault("configuration", "access.jwt_secret", reason)])
    pack = pack_of(config)
    try:
        text = minted(
            secret,
            pack.levels,
            pack.access.claims,
            user_id=user or str(uuid4()),
            scope=tuple(scope),
            now=time.time(),
            lifetime=lifetime,
            role=role,
            permissions=permission or (),
            issuer=next(iter(access.jwt_issuers), None),
            audience=next(iter(access.jwt_audiences), None),
            allow_weak=access.allow_weak_secret,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scope") from error
    if user is None and config.directory.url.get_secret_value() and "users" in pack.access.statements:
        hint = "Gateways look users up in directory.url and refuse this one, who is not there: name one with --user."
        typer.secho(hint, fg="yellow", err=True)
    typer.echo(text)
