"""What the embedded engine says when it cannot be had. What it does when it can is in the contract suite."""

import importlib.util

import pytest

from signalman.backends.chdb import ChdbEngine, ChdbSnapshots
from signalman.errors import BackendUnavailable


async def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the chdb package the error is a command that helps."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(BackendUnavailable, match=r"pip install 'signalman\[embedded\]'"):
        async with ChdbEngine():
            pass


async def test_an_engine_that_is_not_running_is_unavailable() -> None:
    """A store whose engine was not started, or was stopped, says so."""
    with pytest.raises(BackendUnavailable, match="not running"):
        await ChdbSnapshots(ChdbEngine(), database="periscope").ping()
