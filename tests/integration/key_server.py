"""A platform's server of public keys, on this machine, which can be told to behave badly."""

import asyncio
import gzip
import ssl
from types import TracebackType
from typing import Self

from tests.servers import free_port


class KeyServer:
    """Serves one document over HTTP, or HTTPS with *tls*. Use as an async context manager."""

    def __init__(self, document: bytes = b"", *, tls: ssl.SSLContext | None = None) -> None:
        self.document = document
        self.behaviour = "serve"
        """``serve``, ``hang`` (no answer), ``drip`` (a byte now and then), ``endless``, ``redirect``, ``gzip``,
        ``cut``, or a status.
        """
        self.requests: list[str] = []
        self.port = free_port()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._ended = asyncio.Event()

    @property
    def url(self) -> str:
        """Where the document is."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/jwks.json"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        await self.stop()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await self._answer(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        match self.behaviour:
            case "serve":
                writer.write(_head("200 OK", len(self.document)) + self.document)
            case "hang":
                await self._ended.wait()
            case "drip":
                writer.write(_head("200 OK", len(self.document)))
                while not self._ended.is_set():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            case "endless":
                writer.write(_head("200 OK"))
                while True:
                    writer.write(b" " * 65_536)
                    await writer.drain()
            case "redirect":
                writer.write(_head("302 Found", 0, f"Location: {self.url}?again"))
            case "gzip":
                packed = gzip.compress(self.document)
                writer.write(_head("200 OK", len(packed), "Content-Encoding: gzip") + packed)
            case "cut":
                writer.write(_head("200 OK", len(self.document)) + self.document[:-1])
            case status:
                writer.write(_head(status, 0))


def _head(status: str, length: int | None = None, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", *more]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()
