"""A client that opens its WebSocket, subscribes, and never reads again."""

import asyncio
import os
import select
import socket
import struct
import time
from base64 import b64encode
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import orjson

_LITTLE = 4096
"""Bytes that its side of the connection holds."""


class Stalled:
    """One such client. Use as an async context manager, which returns when its subscription is live."""

    def __init__(self, url: str, token: str) -> None:
        self._at = urlsplit(url)
        self._token = token
        self._socket = socket.socket()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def cut_off(self, within: float) -> float:
        """When its connection was reset, by `time.monotonic`, which it is told without reading."""
        if not await asyncio.to_thread(self._wait, within):
            raise TimeoutError(f"a client that does not read was not cut off within {within:g} s")
        return time.monotonic()

    def _open(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LITTLE)
        self._socket.settimeout(30)
        self._socket.connect((self._at.hostname, self._at.port))
        self._socket.sendall(
            f"GET /v1/ws HTTP/1.1\r\nHost: {self._at.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {b64encode(bytes(16)).decode()}\r\n"
            f"Authorization: Bearer {self._token}\r\n\r\n".encode()
        )
        # Nothing may be sent before the answer: it would still be taken for HTTP.
        self._hear(b"\r\n\r\n")
        subscribe = {"type": "subscribe", "id": "s", "channel": "streams", "snapshot": False}
        self._socket.sendall(_frame(orjson.dumps(subscribe)))
        self._hear(b'"caught_up"')

    def _hear(self, end: bytes) -> None:
        heard = b""
        while end not in heard:
            chunk = self._socket.recv(_LITTLE)
            if not chunk:
                raise ConnectionError("the gateway closed before the subscription was live")
            heard += chunk

    def _wait(self, within: float) -> bool:
        # Asked for nothing, poll tells of errors and ends alone.
        poll = select.poll()
        poll.register(self._socket, 0)
        return bool(poll.poll(within * 1000))


def _frame(payload: bytes) -> bytes:
    """A masked text frame of less than 126 bytes (RFC 6455 §5.2)."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return struct.pack("!BB", 0x81, 0x80 | len(payload)) + mask + masked
