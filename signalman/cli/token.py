"""``signalman token``."""

import time
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer

import signalman.cli.context as invocation
from signalman.access.jwt import mint
from signalman.catalog import default_folder, load
from signalman.config import Config
from signalman.errors import ConfigError, Fault


def token(
    context: typer.Context,
    tenant: Annotated[str, typer.Option(metavar="UUID", help="Whose events it may read.")],
    user: Annotated[UUID | None, typer.Option(metavar="UUID", help="Who it stands for; else somebody new.")] = None,
    role: Annotated[str, typer.Option(help="The user's role.")] = "owner",
    ttl: Annotated[int, typer.Option(min=1, metavar="SECONDS", help="How long it is valid.")] = 900,
) -> None:
    """Print a JSON Web Token for a tenant, signed with the configured secret."""
    config = invocation.of(context).load()
    if ttl > config.access.jwt_max_lifetime_seconds:
        raise typer.BadParameter(
            "no gateway would accept it: access.jwt_max_lifetime_seconds is less", param_hint="--ttl"
        )
    typer.echo(_minted(config, tenant, str(user or uuid4()), role, ttl))


def _minted(config: Config, tenant: str, user_id: str, role: str, ttl: int) -> str:
    secret = config.access.jwt_secret.get_secret_value()
    if not secret:
        reason = "is not set, and nothing can be signed without it; FrameWorks calls it JWT_SECRET"
        raise ConfigError([Fault("configuration", "access.jwt_secret", reason)])
    path = config.channels.path
    levels = load(Path(path) if path else default_folder(config.channels.pack)).levels
    try:
        return mint(
            secret,
            levels,
            user_id=user_id,
            scope=(tenant,),
            role=role,
            now=time.time(),
            lifetime=ttl,
            allow_weak_secret=config.access.allow_weak_secret,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--tenant") from error
