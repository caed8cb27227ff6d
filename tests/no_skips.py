"""A pytest plugin: where everything has to be there (``CI=true``), nothing may be left out, so a skip is a failure.

It covers `pytest.skip`, `skip`, `skipif` and `importorskip`, in tests, in fixtures and in whole modules. An expected
failure (`xfail`) is not a skip.
"""

import os
from collections.abc import Generator

import pytest


def forbidden() -> bool:
    """Whether this run has to be complete."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one."""
    report = yield
    # pytest reports an expected failure as a skip with this mark.
    if not hasattr(report, "wasxfail"):
        _forbid(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into one that could not be collected."""
    report = yield
    _forbid(report)
    return report


def _forbid(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and forbidden():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"CI=true forbids leaving a test out, but: {reason.removeprefix('Skipped: ')}"
