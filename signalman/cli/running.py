"""Runs a process until it ends or is told to: the event loop and the signals."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* to its end. The first SIGINT or SIGTERM cancels it, which is a good end; a second one kills.

    Whatever *work* raises is raised here.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_signalled(work))


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work, name="command")
    before = {each: signal.getsignal(each) for each in _SIGNALS}
    signalled = False

    def stop(received: signal.Signals) -> None:
        nonlocal signalled
        signalled = True
        log.info("stopping", signal=received.name)
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
            # Somebody who signals again does not want to wait for us, nor for Python.
            signal.signal(each, signal.SIG_DFL)
        task.cancel()

    for each in _SIGNALS:
        loop.add_signal_handler(each, stop, each)
    try:
        await task
    except asyncio.CancelledError:
        if not signalled:
            raise
    finally:
        # uvloop leaves its handlers behind when it closes.
        for each, handler in () if signalled else before.items():
            loop.remove_signal_handler(each)
            signal.signal(each, handler)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
