"""uvicorn's WebSocket, with what ASGI has no word for: to cut a client off, and to know when it is gone.

A client that has stopped reading can be neither closed nor freed through ASGI: whatever is sent waits until there is
room, a close frame too, and closing a transport waits until it has written everything. Its socket may stay like that
for hours. So the application is handed the one thing that helps.
"""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from signalman.protocol import problem
from signalman.web.problems import MEDIA_TYPE

EXTENSION = "signalman.link"
"""Name under ``extensions`` of an ASGI scope."""

WRITE_BUFFER = 64 * 1024
"""Bytes that may wait in this process for one client before whoever writes to it has to wait."""

_SUBPROTOCOLS = re.compile(r"[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*[ \t]*")
"""RFC 6455 §11.3.4: a list of tokens of RFC 9110 §5.6.2."""

_MALFORMED = (
    "Subprotocols are words without '/', '=' and the like; a credential that has them goes into the Authorization "
    "header or into the first message."
)

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 seconds."""


@dataclass(frozen=True, slots=True)
class Link:
    """A hold on the TCP connection."""

    abort: Callable[[], None]
    """End it now, whatever is still to be written. May be called at any time, and again."""
    gone: asyncio.Event
    """Set once it has ended."""


def link_of(scope: Mapping[str, Any]) -> Link | None:
    """The hold that the server gives with an ASGI *scope*; None under a server other than ours."""
    link = (scope.get("extensions") or {}).get(EXTENSION, {}).get("link")
    return link if isinstance(link, Link) else None


class LinkedProtocol(WebSocketsSansIOProtocol):
    """One client's WebSocket, whose ASGI scope has a `Link`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._gone = asyncio.Event()
        self._pongs = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        super().connection_lost(exc)
        self._gone.set()

    def resume_writing(self) -> None:
        """Part of `asyncio.Protocol`."""
        pongs, self._pongs = self._pongs, b""
        if pongs:
            self.transport.write(pongs)
        super().resume_writing()

    def handle_connect(self, event: Any) -> None:
        """Refuse a malformed list of subprotocols ourselves: the library's sentence would repeat it, and a credential
        may be in it.
        """
        if all(_SUBPROTOCOLS.fullmatch(value) for value in event.headers.get_all("Sec-WebSocket-Protocol")):
            super().handle_connect(event)
            return
        response = self.conn.reject(HTTPStatus.BAD_REQUEST, orjson.dumps(problem("bad_message", _MALFORMED)).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = MEDIA_TYPE
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def handle_ping(self) -> None:
        """Answer, but let no client pile answers up that it does not read: the latest is enough (RFC 6455 §5.5.3)."""
        pongs = b"".join(self.conn.data_to_send())  # of all pings that have come together: there are none for the next
        if self.writable.is_set():
            self.transport.write(pongs)
        elif pongs:
            self._pongs = pongs

    def keepalive_timeout(self) -> None:
        """A client that answers no ping will not take a close frame either."""
        super().keepalive_timeout()
        self._abort()

    async def send(self, message: Any) -> None:
        """Part of ASGI. A handshake that was refused with a response is complete: uvicorn forgets that, and would log
        an error for each.
        """
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """Run the application with a scope that has the link."""
        extensions: dict[str, Any] = {EXTENSION: {"link": Link(self._abort, self._gone)}}
        self.scope["extensions"] = {**(self.scope["extensions"] or {}), **extensions}
        await super().run_asgi()

    def _abort(self) -> None:
        if self._gone.is_set():
            return
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            # Or the kernel would keep the connection, to deliver what a client that does not read will never take.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()
