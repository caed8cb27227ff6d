"""``signalman serve``."""

from typing import Annotated

import typer

import signalman.cli.context as invocation
from signalman.cli.running import run


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port for WebSocket and HTTP.")] = None,
) -> None:
    """Relay and gateway in one process, for a small installation."""
    config = invocation.of(context).start(
        {("gateway", "host"): ("--host", host), ("gateway", "port"): ("--port", port)}
    )
    from signalman import compose

    run(compose.run_serve(config))
