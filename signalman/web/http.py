"""uvicorn's HTTP, with a doorman: who is known to have to wait costs neither a task nor a WebSocket.

Otherwise a thousand attempts a second of somebody who has been told to wait would take a core, and everybody's events
would wait with him.
"""

import asyncio
import math
from functools import lru_cache
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from signalman.errors import Limited
from signalman.web.doorman import Doorman
from signalman.web.problems import error_response

LINGER = 1.0
"""Seconds for which a refused client may go on sending what it had begun. Closing a socket that holds unread bytes
resets it, and the answer could be lost (RFC 9112 §9.6).
"""


class GuardedProtocol(HttpToolsProtocol):
    """One client's HTTP connection, whose requests the doorman sees first."""

    doorman: ClassVar[Doorman | None] = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_refused = False
        self._lingering: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        super().connection_lost(exc)
        if self._lingering is not None:
            self._lingering.cancel()

    def data_received(self, data: bytes) -> None:
        """Part of `asyncio.Protocol`."""
        super().data_received(data)
        if self._is_refused and self._lingering is None and not self.transport.is_closing():
            self._lingering = self.loop.call_later(LINGER, self.transport.close)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self._is_refused:
            return  # of another request, that came with the one that was refused
        limited = self._limited()
        if limited is None:
            super().on_headers_complete()
            return
        self._is_refused = True
        answer = _answer(limited.code, limited.detail, limited.limit, math.ceil(limited.retry_after))
        date = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(b"".join((b"HTTP/1.1 429 Too Many Requests\r\n", *date, answer)))

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._is_refused:
            self.transport.close()
        else:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Called where the parser has found one."""
        if not self._is_refused:
            super().handle_websocket_upgrade()

    def _limited(self) -> Limited | None:
        if self.doorman is None or self._is_answering():
            return None  # an answer that is being written comes first; the next one may be pipelined behind it
        return self.doorman.refuses(self.client[0] if self.client else None, self.url, self.headers)

    def _is_answering(self) -> bool:
        cycle: object = self.cycle
        return isinstance(cycle, RequestResponseCycle) and not cycle.response_complete


def guarded_by(doorman: Doorman | None) -> type[GuardedProtocol]:
    """The protocol with *doorman*: uvicorn makes the instances, and gives them nothing of ours."""
    return type("GuardedProtocol", (GuardedProtocol,), {"doorman": doorman})


@lru_cache(maxsize=256)
def _answer(code: str, detail: str, limit: str, seconds: int) -> bytes:
    """The response from its second line on."""
    response, _ = error_response(Limited(code, detail, limit=limit, retry_after=seconds))
    lines = [b"%b: %b\r\n" % header for header in response.raw_headers]
    return b"".join((*lines, b"connection: close\r\n\r\n", bytes(response.body)))
