"""How a command ends when something goes wrong: sentences on standard error, and an exit code."""

from collections.abc import Iterator

import structlog
import typer

from signalman.errors import Faulty, SignalmanError

USAGE = 2
"""Exit code when the command line, the configuration or a channel file is wrong."""
FAILED = 1
"""Exit code when something went wrong while running."""

log = structlog.get_logger(__name__)


def report(error: BaseException) -> int | None:
    """Say what *error* means to the person and return the exit code; None when it is not ours to explain.

    A task group wraps what its tasks raise, so errors are looked for inside groups too.
    """
    errors = list(_leaves(error))
    if not all(isinstance(each, SignalmanError) for each in errors):
        return None
    for each in errors:
        _tell(each)
    return USAGE if all(isinstance(each, Faulty) for each in errors) else FAILED


def crash(error: BaseException) -> int:
    """Log an error that nobody expected, its traceback scrubbed like every log line; the exit code."""
    log.critical("crashed", exc_info=error)
    return FAILED


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _tell(error: BaseException) -> None:
    if not isinstance(error, Faulty):
        typer.secho(f"error: {error}", fg="red", err=True)
        return
    count = len(error.faults)
    typer.secho(f"error: {count} fault{'s' if count > 1 else ''}", fg="red", err=True)
    for fault in error.faults:
        typer.echo(f"  {fault}", err=True)
