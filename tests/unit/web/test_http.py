"""HTTP with a doorman, on a transport that only remembers."""

import asyncio
import gc
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
import uvicorn
from uvicorn.server import ServerState

from signalman.errors import Limited
from signalman.web.doorman import Doorman
from signalman.web.http import GuardedProtocol, guarded_by
from tests.servers.ports import wait_for_async

GET = b"GET /v1/channels HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = (
    b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
POST = b"POST /v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


class Strict(Doorman):
    """Turns everybody away, for so many seconds, or nobody."""

    def __init__(self) -> None:
        self.seconds: float | None = 6.2
        self.asked: list[tuple[str | None, bytes]] = []

    def refuses(self, peer: str | None, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Limited | None:
        self.asked.append((peer, target))
        assert (b"host", b"x") in headers
        if self.seconds is None:
            return None
        return Limited("too_many_attempts", "Too many.", limit="failures", retry_after=self.seconds)


class Transport(asyncio.Transport):
    """What is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.9", 4711), "sockname": ("127.0.0.1", 80)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """There is nothing more to read."""

    def resume_reading(self) -> None:
        """There is nothing more to read."""


class Line:
    """One connection, and what reached the application."""

    def __init__(self, doorman: Doorman | None = None) -> None:
        self.reached: list[str] = []
        config = self.config = uvicorn.Config(
            self._app, interface="asgi3", http=guarded_by(doorman), lifespan="off", log_config=None
        )
        config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
        self.transport = Transport()
        self.protocol: GuardedProtocol = config.http_protocol_class(  # type: ignore[call-arg, assignment] # uvicorn's
            config=config, server_state=self.state, app_state={}
        )
        self.protocol.connection_made(self.transport)

    async def _app(self, scope: Any, _: Any, send: Any) -> None:
        self.reached.append(scope["path"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def answered(self) -> None:
        """Until the application has done its work."""
        await asyncio.gather(*self.state.tasks)

    def has_ended(self) -> bool:
        """Whether we have closed it."""
        return self.transport.closed

    @property
    def answer(self) -> tuple[bytes, dict[str, str], dict[str, Any]]:
        """First line, headers and body of the one answer."""
        head, _, body = self.transport.written.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = dict(line.decode().split(": ", 1) for line in lines)
        assert int(headers["content-length"]) == len(body)
        return first, headers, orjson.loads(body)


@pytest.mark.parametrize("request_", [GET, UPGRADE, POST + b"0123456789"])
async def test_the_answer_is_whole_and_the_last(request_: bytes) -> None:
    """429 as a problem with the seconds to wait, rounded up; then the connection ends, and nothing is kept of it."""
    line = Line(doorman := Strict())
    line.protocol.data_received(request_)
    first, headers, problem = line.answer
    assert first == b"HTTP/1.1 429 Too Many Requests"
    assert (headers["retry-after"], headers["connection"]) == ("7", "close")
    assert headers["content-type"] == "application/problem+json"
    assert headers["date"].endswith("GMT")
    assert (problem["code"], problem["status"], problem["detail"]) == ("too_many_attempts", 429, "Too many.")
    assert line.has_ended()
    line.protocol.connection_lost(None)
    assert (line.reached, line.state.tasks, line.state.connections) == ([], set(), set())
    assert doorman.asked == [("203.0.113.9", request_.split()[1])]


async def test_others_come_in() -> None:
    """Whom the doorman lets pass, and everybody where there is none."""
    doorman = Strict()
    doorman.seconds = None
    for line in (Line(doorman), Line()):
        line.protocol.data_received(GET)
        await line.answered()
        assert line.reached == ["/v1/channels"]
        assert line.transport.written.startswith(b"HTTP/1.1 204 ")
        assert not line.has_ended()
        line.protocol.connection_lost(None)


async def test_a_request_in_pieces_is_one_request() -> None:
    """It is answered when its head has come, and once."""
    line = Line(doorman := Strict())
    for byte in GET[:-1]:
        line.protocol.data_received(bytes((byte,)))
        assert not line.transport.written
    line.protocol.data_received(GET[-1:])
    assert line.answer[0].endswith(b"429 Too Many Requests")
    assert (line.has_ended(), len(doorman.asked)) == (True, 1)


async def test_what_comes_with_a_refused_request_is_not_answered() -> None:
    """The answer said that it is the last one."""
    line = Line(doorman := Strict())
    line.protocol.data_received(GET + GET + UPGRADE)
    assert line.transport.written.count(b"HTTP/1.1 ") == 1
    assert (line.reached, len(doorman.asked)) == ([], 1)


async def test_a_body_is_read_before_the_connection_ends() -> None:
    """Otherwise the system would reset the connection, and the answer be lost."""
    line = Line(Strict())
    line.protocol.data_received(POST + b"01234")
    assert line.answer[0].endswith(b"429 Too Many Requests")
    assert not line.has_ended()
    line.protocol.data_received(b"56789")
    assert line.has_ended()
    line.protocol.connection_lost(None)


async def test_nobody_stays_by_never_sending_his_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the connection ends all the same, however he goes on; if it has ended, nothing waits for that."""
    monkeypatch.setattr("signalman.web.http.LINGER", 0.0)
    ended = Line(Strict())
    ended.protocol.data_received(POST)
    ended.protocol.connection_lost(ConnectionResetError())
    line = Line(Strict())
    line.protocol.data_received(POST)
    waiting = line.protocol._lingering
    line.protocol.data_received(b"0")
    assert line.protocol._lingering is waiting
    assert not line.has_ended()
    await wait_for_async(line.has_ended)
    assert not ended.has_ended()


async def test_a_connection_that_was_served_is_refused_later() -> None:
    """Between two requests of one connection its address may have come to have to wait."""
    doorman = Strict()
    doorman.seconds = None
    line = Line(doorman)
    line.protocol.data_received(GET)
    await line.answered()
    doorman.seconds = 1.0
    line.transport.written = b""
    line.protocol.data_received(GET)
    assert line.answer[0].endswith(b"429 Too Many Requests")
    assert line.has_ended()
    line.protocol.connection_lost(None)


async def test_an_answer_that_is_being_made_comes_first() -> None:
    """A request behind it has to wait its turn, and is refused by the application if at all."""
    doorman = Strict()
    doorman.seconds = None
    line = Line(doorman)
    line.protocol.data_received(GET)
    doorman.seconds = 1.0
    line.protocol.data_received(GET)
    assert not line.transport.written
    await line.answered()
    await line.answered()
    assert line.reached == ["/v1/channels", "/v1/channels"]
    line.protocol.connection_lost(None)


async def test_a_refusal_leaves_no_garbage() -> None:
    """Whoever is refused a thousand times a second must not have everybody else wait for a garbage collection."""
    first, line = Line(Strict()), Line(Strict())
    first.protocol.data_received(UPGRADE)  # makes what is kept
    gc.collect()
    gc.disable()
    try:
        line.protocol.data_received(UPGRADE)
        line.protocol.connection_lost(None)
        del line.protocol
        assert gc.collect() == 0
    finally:
        gc.enable()
