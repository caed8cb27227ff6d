"""Errors in the log: tracebacks, and what asyncio and Python itself have to say, without the values that they quote."""

import asyncio
import gc
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
import uvloop

from signalman import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Logging as it was: it belongs to the process, and other tests have theirs."""
    root, own = logging.getLogger(), logging.getLogger("signalman")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before
    structlog.reset_defaults()


def test_a_traceback_tells_places_and_sentences_and_no_values() -> None:
    """In both styles: where it happened, and the texts of the system and of ourselves, scrubbed. What other exceptions
    say may quote what they were raised over, and so may notes; local variables are never shown.
    """

    def fail() -> None:
        local = "visible" + "-local"
        try:
            raise ConnectionRefusedError(len(local), "went wrong at 192.0.2.7")
        except OSError as error:
            wrapped = KeyError(f"visible{'-'}quoted")
            wrapped.add_note("visible" + "-note")
            raise wrapped from error

    for style in ("json", "console"):
        stream = io.StringIO()
        logs.configure("info", style, stream)
        try:
            fail()
        except KeyError:
            structlog.get_logger("signalman.test").exception("failed")
        text = stream.getvalue()
        assert "went wrong at [address]" in text
        assert "in fail" in text
        assert "KeyError" in text
        for hidden in ("visible-local", "visible-quoted", "visible-note", "192.0.2.7"):
            assert hidden not in text


def test_what_asyncio_tells_has_no_values() -> None:
    """Of a task that nobody waited for, and of a callback that failed: what went wrong and where, but neither what the
    callback was called with, nor what the exception quotes.
    """
    stream = io.StringIO()
    logs.configure("debug", "json", stream)

    def fail(value: str) -> None:
        raise KeyError(value)

    async def fail_later(value: str) -> None:
        fail(value)

    async def run() -> None:
        asyncio.get_running_loop().call_soon(fail, "visible")
        task = asyncio.create_task(fail_later("visible"), name="visible")
        await asyncio.wait([task])
        del task
        gc.collect()

    for loop_factory in (asyncio.new_event_loop, uvloop.new_event_loop):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(run())
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert sum(line["event"].startswith("Exception in callback") for line in told) == 2
    assert sum(line["event"] == "Task exception was never retrieved" for line in told) == 2
    assert all("in fail" in line["exception"] and "KeyError" in line["exception"] for line in told)
    assert "visible" not in stream.getvalue()


def test_what_python_tells_by_itself_is_logged() -> None:
    """Warnings, and exceptions in threads and finalizers, come as scrubbed lines instead of bare text."""
    program = """
import threading, warnings
from signalman import logs

class Fails:
    def __del__(self):
        raise KeyError("visible-finalizer")

def fail():
    raise KeyError("visible-thread")

logs.configure("debug", "json")
logs.catch_strays()
Fails()
thread = threading.Thread(target=fail)
thread.start()
thread.join()
warnings.warn("unclosed socket to 192.0.2.7", stacklevel=1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["event"], line["level"]) for line in told[:2]] == [
        ("exception_ignored", "error"),
        ("thread_failed", "error"),
    ]
    assert (told[2]["logger"], told[2]["level"]) == ("py.warnings", "warning")
    assert "unclosed socket to [address]" in told[2]["event"]
    assert "visible" not in done.stderr
    assert done.stdout == ""
