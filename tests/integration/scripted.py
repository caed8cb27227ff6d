"""A server that follows a script: for what a real gateway does only on bad days."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Act = Callable[["Line"], Awaitable[None]]
"""What happens on one connection."""


class Line:
    """One client's connection, seen from the server."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def say(self, type_: str, **members: Any) -> None:
        """Send one message."""
        await self.socket.send(orjson.dumps({"type": type_, **members}).decode())

    async def hear(self) -> dict[str, Any]:
        """What the client says next."""
        async with asyncio.timeout(5):
            message = orjson.loads(await self.socket.recv())
        assert isinstance(message, dict)
        return message

    async def welcome(self, *channels: str, heartbeat_ms: int = 25_000) -> None:
        """The first two messages."""
        await self.say("hello", protocol="signalman.v1", server="scripted", heartbeat_ms=heartbeat_ms)
        principal = {"kind": "account", "id": "dev", "scope": ["t"]}
        await self.say("welcome", principal=principal, channels=channels or ["streams"], expires_at=None)

    async def begin(self, seq: int = 0, view: str = "v1") -> dict[str, Any]:
        """Take a subscription and say that it begins; the client's request."""
        asked = await self.hear()
        await self.begun(asked, seq, view)
        return asked

    async def go_on(self, view: str = "v1") -> dict[str, Any]:
        """Take a subscription and say that it goes on where the client stood; the client's request."""
        asked = await self.hear()
        await self.begun(asked, asked["resume"]["seq"], view, recovered=True)
        return asked

    async def begun(self, asked: dict[str, Any], seq: int, view: str = "v1", *, recovered: bool = False) -> None:
        """Say that the subscription begins which was asked for."""
        assert asked["type"] == "subscribe"
        await self.say(
            "subscribed", id=asked["id"], channel=asked["channel"], scope=["t"], view=view,
            epoch="e1" if seq else None, seq=seq, recovered=recovered, partial=False, tables=[],
        )  # fmt: skip

    async def catch_up(self, seq: int, view: str = "v1") -> None:
        """Say that all of the beginning is there."""
        await self.say("caught_up", view=view, seq=seq)

    async def happen(self, prev: int, *ids: str, view: str = "v1") -> None:
        """Send events."""
        happened = [{"id": id_, "type": "stream_end", "time": "2026-08-20T10:11:12Z", "data": {}} for id_ in ids]
        epoch = {"epoch": "e1"} if prev == 0 else {}
        await self.say("events", view=view, prev=prev, seq=prev + len(ids), events=happened, **epoch)

    async def stay(self) -> None:
        """Say nothing until the client goes."""
        await self.socket.wait_closed()


@asynccontextmanager
async def scripted(*acts: Act | tuple[int, bytes]) -> AsyncIterator[str]:
    """Serve one connection after the other, each by its act; a tuple is an HTTP answer. Yields the address. Fails where
    an act failed, and where a client came more often than there are acts.
    """
    script, failures = iter(acts), list[BaseException]()
    current: list[Act] = []

    def handshake(socket: ServerConnection, _: Request) -> Response | None:
        act = next(script, None)
        if act is None:
            failures.append(AssertionError("the client came once more than expected"))
            return socket.respond(HTTPStatus.GONE, "")
        if isinstance(act, tuple):
            status, body = act
            return Response(status, HTTPStatus(status).phrase, Headers({"Content-Length": str(len(body))}), body)
        current.append(act)
        return None

    async def handle(socket: ServerConnection) -> None:
        try:
            await current.pop()(Line(socket))
        except BaseException as failure:
            failures.append(failure)
            raise

    server = await serve(
        handle, "127.0.0.1", 0, process_request=handshake, subprotocols=[Subprotocol("signalman.v1")], compression=None
    )
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
    assert not failures, failures
