"""Commands, run in this process."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from typer.testing import CliRunner


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """Commands set logging up for the process; other tests want it as it was."""
    root, own = logging.getLogger(), logging.getLogger("signalman")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before
    structlog.reset_defaults()


@pytest.fixture
def runner() -> CliRunner:
    """Runs a command and catches what it prints."""
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
