"""Clients that do not go: they have stopped reading, or never answer a close frame. Their TCP connection is ended."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import uvloop
from fastapi import FastAPI, WebSocket

from signalman.web import server
from signalman.web.link import WRITE_BUFFER, Link, LinkedProtocol, link_of
from tests.integration.served import TOKEN, Served, served
from tests.integration.test_websocket import closed
from tests.servers.ports import wait_for_async
from tests.unit.gateway.make import event

CLOSE_SECONDS = 0.3
LARGE = "x" * 30_000


class Raw:
    """A WebSocket client that does only what a test says."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._loop = asyncio.get_running_loop()

    async def handshake(self, port: int, *, token: str | None = TOKEN) -> None:
        """Open the WebSocket."""
        await self._loop.sock_connect(self.connection, ("127.0.0.1", port))
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        await self.write(
            f"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{authorization}\r\n".encode()
        )
        await self.until(b"\r\n\r\n")

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        await self._loop.sock_sendall(self.connection, data)

    async def say(self, opcode: int = 1, **message: Any) -> None:
        """Send a frame of at most 125 bytes, masked with zeros."""
        payload = orjson.dumps(message) if message else b""
        await self.write(struct.pack("!BB4x", 0x80 | opcode, 0x80 | len(payload)) + payload)

    async def until(self, words: bytes) -> bytes:
        """Read until *words* have come."""
        heard = b""
        async with asyncio.timeout(5):
            while words not in heard:
                data = await self._loop.sock_recv(self.connection, 1 << 16)
                assert data, "the server has closed"
                heard += data
        return heard

    async def gone(self) -> float:
        """Seconds until the connection has ended, without reading from it: it is reset."""
        began = time.monotonic()
        await wait_for_async(lambda: self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), interval=0.005)
        return time.monotonic() - began


@asynccontextmanager
async def client() -> AsyncIterator[Raw]:
    """One whose kernel takes next to nothing for it."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.setblocking(False)
        yield Raw(connection)


@asynccontextmanager
async def stalled(world: Served) -> AsyncIterator[Raw]:
    """A client that has subscribed and stopped reading, with megabytes waiting for it."""
    async with client() as raw:
        await raw.handshake(world.port)
        await raw.say(type="subscribe", id="s", channel="streams", snapshot=False)
        await raw.until(b"caught_up")
        for number in range(100):
            await world.publish(event(number, note=LARGE))
        await wait_for_async(lambda: _buffered(world) >= WRITE_BUFFER)
        yield raw


def _buffered(world: Served) -> int:
    """Bytes that wait in this process for its only client."""
    (protocol,) = [each for each in _PROTOCOLS if not each.transport.is_closing()]
    return int(protocol.transport.get_write_buffer_size())


_PROTOCOLS: list[Any] = []


@pytest.fixture(autouse=True)
def _protocols(monkeypatch: pytest.MonkeyPatch) -> None:
    _PROTOCOLS.clear()
    made = LinkedProtocol.connection_made

    def connection_made(self: Any, transport: asyncio.BaseTransport) -> None:
        _PROTOCOLS.append(self)
        made(self, transport)

    monkeypatch.setattr(LinkedProtocol, "connection_made", connection_made)


async def test_a_stalled_client_whose_access_ends_is_cut_off() -> None:
    """Though no close frame can reach it, its TCP connection ends, and what was waiting for it is freed."""
    async with served(close_seconds=CLOSE_SECONDS) as world, stalled(world) as raw:
        assert _buffered(world) < WRITE_BUFFER + 2 * len(LARGE)
        world.judge("dev", None)
        await raw.gone()
        await wait_for_async(lambda: not world.gateway.connections)
        assert world.gateway.metrics.aborted._value.get() == 1
        assert _PROTOCOLS[0].transport.get_write_buffer_size() == 0


async def test_a_stalled_client_is_given_up_by_itself() -> None:
    """After the time in which it has taken nothing."""
    async with served(close_seconds=CLOSE_SECONDS, send_timeout=0.2) as world, stalled(world) as raw:
        await raw.gone()
        await wait_for_async(lambda: not world.gateway.connections)
        assert world.gateway.metrics.aborted._value.get() == 1


async def test_one_that_never_answers_the_close_frame_is_cut_off() -> None:
    """It was told why, and had its time."""
    async with served(close_seconds=CLOSE_SECONDS) as world, client() as raw:
        await raw.handshake(world.port)
        await raw.until(b"welcome")
        world.judge("dev", None)
        assert b"access_ended" in await raw.until(struct.pack("!H", 4401))
        await raw.gone()
        assert world.gateway.metrics.aborted._value.get() == 1


async def test_one_that_closes_and_does_not_read_is_cut_off() -> None:
    """Its own close frame is answered behind everything that it does not take."""
    async with served(close_seconds=CLOSE_SECONDS) as world, stalled(world) as raw:
        await raw.say(opcode=8)
        await raw.gone()
        await wait_for_async(lambda: not world.gateway.connections)


async def test_one_that_goes_is_not_cut_off() -> None:
    """Neither by closing itself nor when it answers our close frame."""
    async with served(close_seconds=30) as world:
        async with world.connect() as polite:
            assert await polite.recv()
        async with world.connect() as ended:
            world.judge("dev", None)
            assert (await closed(ended))[0] == 4401
        await wait_for_async(lambda: not world.gateway.connections)
        assert world.gateway.metrics.aborted._value.get() == 0


@asynccontextmanager
async def linked(act: Callable[[WebSocket, Link], Any]) -> AsyncIterator[int]:
    """Serve an application that does nothing but *act*."""
    app = FastAPI()

    @app.websocket("/v1/ws")
    async def route(websocket: WebSocket) -> None:
        await websocket.accept()
        link = link_of(websocket.scope)
        assert link is not None
        await act(websocket, link)

    listener = server.bind("127.0.0.1", 0)
    task = asyncio.create_task(server.serve(app, listener))
    try:
        yield listener.getsockname()[1]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_pings_of_one_that_does_not_read_do_not_pile_up() -> None:
    """Each would be answered with as many bytes, which nobody takes; only the latest is kept, and sent in the end."""
    done = asyncio.Event()

    async def waits(websocket: WebSocket, _: Link) -> None:
        await websocket.send_text(LARGE * 40)
        await done.wait()

    async with linked(waits) as port, client() as raw:
        await raw.handshake(port)
        await wait_for_async(lambda: _PROTOCOLS and not _PROTOCOLS[0].writable.is_set())
        (protocol,) = _PROTOCOLS
        before = protocol.transport.get_write_buffer_size()
        for _ in range(500):
            await raw.write(struct.pack("!BB4x", 0x89, 0x80 | 125) + b"p" * 125)
        await raw.write(struct.pack("!BB4x", 0x89, 0x80 | 4) + b"last")
        await wait_for_async(lambda: protocol._pongs.endswith(b"last"))
        assert protocol.transport.get_write_buffer_size() <= before
        raw.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        assert (await raw.until(b"\x8a\x04last")).count(b"p" * 125) < 500
        done.set()


async def aborts(_: WebSocket, link: Link) -> None:
    """Cut the client off, and again."""
    link.abort()
    async with asyncio.timeout(5):
        await link.gone.wait()
    link.abort()


async def check_abort() -> None:
    """A client sees its connection end."""
    async with linked(aborts) as port, client() as raw:
        await raw.handshake(port)
        await raw.gone()


async def test_a_link_cuts_and_tells() -> None:
    """On asyncio's own loop."""
    await check_abort()


def test_a_link_cuts_and_tells_under_uvloop() -> None:
    """On the loop that the command uses: transports are others there."""
    uvloop.run(check_abort())


async def test_a_client_that_answers_no_ping_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself uvicorn would wait for a stalled one to take a close frame, for ever."""
    gone = asyncio.Event()

    async def waits(websocket: WebSocket, link: Link) -> None:
        (protocol,) = _PROTOCOLS
        await websocket.send_text(LARGE * 40)
        protocol.keepalive_timeout()
        await link.gone.wait()
        gone.set()

    async with linked(waits) as port, client() as raw:
        await raw.handshake(port)
        await raw.gone()
        await asyncio.wait_for(gone.wait(), 5)


def test_elsewhere_there_is_no_link() -> None:
    """Under another server the route goes without."""
    assert link_of({}) is None
    assert link_of({"extensions": None}) is None
    assert link_of({"extensions": {"websocket.http.response": {}}}) is None
