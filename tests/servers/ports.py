"""Free TCP ports, and waiting for something to become true."""

import asyncio
import inspect
import random
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

# Below the range that Linux (32768 up) and macOS (49152 up) give to outgoing connections: while a server is stopped, no
# client's own connection can sit on its port, and a client that keeps trying cannot connect to itself.
_CHOICE = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on and that was not returned before in this process."""
    for port in random.SystemRandom().sample(_CHOICE, len(_CHOICE)):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError("no free TCP port")


def accepts(port: int) -> bool:
    """Tell whether something on 127.0.0.1 accepts connections on *port*."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(predicate: Callable[[], T], *, within: float = 10, interval: float = 0.02, what: str = "") -> T:
    """Return the first true value of *predicate*, asking every *interval* seconds.

    Raises `TimeoutError`, naming *what*, when none came within *within* seconds. *predicate* is always asked once
    more after the deadline, so that a machine that stood still does not fail it.
    """
    deadline = time.monotonic() + within
    while True:
        last = time.monotonic() >= deadline
        if value := predicate():
            return value
        if last:
            raise _timeout(predicate, what, within)
        time.sleep(interval)


@overload
async def wait_for_async(
    predicate: Callable[[], Awaitable[T]], *, within: float = ..., interval: float = ..., what: str = ...
) -> T: ...


@overload
async def wait_for_async(
    predicate: Callable[[], T], *, within: float = ..., interval: float = ..., what: str = ...
) -> T: ...


async def wait_for_async(
    predicate: Callable[[], Any], *, within: float = 10, interval: float = 0.02, what: str = ""
) -> Any:
    """Do what `wait_for` does without blocking the event loop; *predicate* may be a coroutine function."""
    deadline = time.monotonic() + within
    while True:
        last = time.monotonic() >= deadline
        answer = predicate()
        if value := (await answer if inspect.isawaitable(answer) else answer):
            return value
        if last:
            raise _timeout(predicate, what, within)
        await asyncio.sleep(interval)


def _timeout(predicate: object, what: str, within: float) -> TimeoutError:
    return TimeoutError(f"{what or getattr(predicate, '__qualname__', predicate)}: not within {within:g} s")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As every server here does: a port whose last connections are in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
