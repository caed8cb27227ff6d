"""Cancellation that got lost on the way.

Until Python 3.12 `asyncio.wait_for` swallows a cancellation that comes in the very moment of its answer (cpython issue
86296), and redis-py uses it for each command that it sends. A loop that goes on then never ends, and neither does the
process that waits for it: a relay was seen to stay after SIGTERM.
"""

import asyncio


def end_if_cancelled() -> None:
    """Return, unless somebody has cancelled the running task and something took it for an answer. For the turns of a
    loop that calls drivers.

    Raises:
        asyncio.CancelledError: That has happened.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
