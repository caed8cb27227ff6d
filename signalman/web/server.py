"""uvicorn, run inside a process that already has an event loop and owns its signals."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from fastapi import FastAPI

from signalman.errors import SignalmanError
from signalman.web.http import guarded_by
from signalman.web.link import LinkedProtocol

SEND_BUFFER = 128 * 1024
"""Bytes that the kernel holds for one connection; Linux doubles it for its own needs."""


class AddressInUse(SignalmanError):
    """The listening address is taken."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.host = host
        self.port = port

    def __str__(self) -> str:
        """What to change."""
        return f"port {self.port} on {self.host} is in use; choose another with gateway.port (SIGNALMAN_GATEWAY__PORT)"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the command that runs us: it cancels, and we end."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        AddressInUse: Somebody else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Inherited by each connection. Left to itself the kernel takes megabytes for a client that does not read, which
    # cost memory, and hide from us that it is slow.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise AddressInUse(host, port) from error
    listener.listen(2048)
    listener.setblocking(False)
    return listener


async def _nothing() -> None:
    """There is nobody to take leave of."""


async def serve(
    app: FastAPI,
    listener: socket.socket,
    *,
    max_message_bytes: int = 65536,
    drain: Callable[[], Awaitable[None]] = _nothing,
) -> None:
    """Serve *app* on *listener* until cancelled; then *drain*, and end. ``app.state.doorman``, if there is one, sees
    each request before *app* does.
    """
    config = uvicorn.Config(
        app,
        http=guarded_by(getattr(app.state, "doorman", None)),
        ws=LinkedProtocol,
        ws_max_size=max_message_bytes,
        ws_per_message_deflate=False,  # 35 KB a connection, for a gain that batching brings nearly for nothing
        log_config=None,
        access_log=False,  # it writes paths with their query, where people put tokens by mistake
        server_header=False,
        proxy_headers=False,  # it would believe every process of this machine; `web.address` decides who is believed
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await drain()
        server.should_exit = True
        await task
        raise
