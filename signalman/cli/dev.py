"""``signalman dev``."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from signalman.cli import context as invocation
from signalman.cli.running import run
from signalman.config import default_file


def dev(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port for WebSocket, HTTP and the dashboard.")] = None,
) -> None:
    """Everything in one process with a simulated platform: nothing else is needed."""
    config = invocation.of(context).start({("gateway", "port"): ("--port", port)}, instead=default_file("dev.toml"))
    from signalman.compose import Started, run_dev

    console = Console(highlight=False, soft_wrap=True)
    console.print("Starting the simulated platform and the embedded ClickHouse engine …", style="dim")

    def show(started: Started) -> None:
        host = _for_url(started.host)
        name, token = started.accounts[0] if started.accounts else ("", "")
        console.print()
        console.print("[bold]Signalman is running[/] with a simulated FrameWorks.")
        console.print()
        console.print(f"  [bold]Dashboard[/]   http://{host}:{started.port}/#token={token}")
        address = f"SIGNALMAN_URL=ws://{host}:{started.port} SIGNALMAN_TOKEN={token}"
        console.print(f"  [bold]Terminal[/]    {address} {_command()} tail")
        others = ", ".join(f"{token} ({name})" for name, token in started.accounts[1:])
        console.print(f"\n  You see the tenant of account '{name}'. Other tokens: {others}.", style="dim")
        console.print("  Ctrl-C ends it.\n", style="dim")

    run(run_dev(config, show))


def _for_url(host: str) -> str:
    if host in {"127.0.0.1", "0.0.0.0", "::"}:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _command() -> str:
    """How this very program is called from here, so that the printed line can be pasted as it is."""
    if shutil.which("signalman"):
        return "signalman"
    program = Path(sys.argv[0])
    return os.path.relpath(program) if program.is_absolute() and program.is_relative_to(Path.cwd()) else str(program)
