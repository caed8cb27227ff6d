"""`signalman channels`, as installed: no server needed, only the pack."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from signalman.catalog import default_folder, load
from tests.acceptance.processes import SIGNALMAN

SAMPLES = Path(__file__).parents[1] / "channels" / "frameworks"


def channels(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command in a pipe of 80 columns, run to its end."""
    return subprocess.run(
        [SIGNALMAN, "channels", *arguments],
        env={**os.environ, "COLUMNS": "80"},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_what_is_there() -> None:
    """Every channel, event type and table of the pack that is shipped, without colours in a pipe."""
    done = channels()
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    for channel in load(default_folder("frameworks")).channels.values():
        assert all(name in text for name in (channel.name, *channel.events, *channel.tables))
    assert "\x1b" not in text


@pytest.mark.parametrize("by_pipe", [True, False])
def test_a_record_is_explained(*, by_pipe: bool) -> None:
    """From a file and from a pipe: where it goes, what was dropped and why, what a subscriber sees, and no address of
    the viewer anywhere.
    """
    sample = SAMPLES / "viewer_connect.json"
    done = channels("explain", "-", stdin=sample.read_bytes()) if by_pipe else channels("explain", str(sample))
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert "channel analytics, event type viewer_connect" in text
    payload = json.loads(sample.read_bytes())["data"]["viewer_connect"]
    assert any(line.split()[:3] == ["-", "host", "text"] for line in text.splitlines())
    assert payload["host"] not in text
    assert json.loads(text[text.index("\n{\n") :])["data"]["stream_id"]


def test_a_broken_record() -> None:
    """A sentence, exit code 1, no traceback and nothing of the record."""
    done = channels("explain", "-", stdin=b'{"event_type": "viewer_connect", "host": "203.0.113.9"')
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"the record is not JSON" in done.stdout
    assert b"203.0.113" not in done.stdout


def test_a_reader_that_goes_away() -> None:
    """``signalman channels | head`` ends without a traceback."""
    line = f"{SIGNALMAN} channels streams analytics system | head -n 1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=False)
    assert done.stderr == b""
