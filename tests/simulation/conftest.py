"""Shows at the end of every run which share of joins was right, for each order."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.simulation.world import Score

SCORES = pytest.StashKey[dict[str, "Score"]]()


@pytest.fixture(scope="session")
def scores(pytestconfig: pytest.Config) -> "dict[str, Score]":
    """Name of an order → its score."""
    return pytestconfig.stash.setdefault(SCORES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table."""
    scores = config.stash.get(SCORES, {})
    if not scores:
        return
    width = max(map(len, scores))
    terminalreporter.section("simulated joins")
    terminalreporter.write_line(f"{'order':<{width}}  {'joins':>6}  {'right':>6}")
    for name, score in scores.items():
        terminalreporter.write_line(f"{name:<{width}}  {score.joins:>6}  {score.right / score.joins:>6.1%}")
