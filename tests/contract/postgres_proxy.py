"""A server between the directory and PostgreSQL that answers LISTEN as another product would."""

import asyncio
from contextlib import suppress
from typing import Self

from tests.servers import Postgres

IGNORED = "DO $$ BEGIN RAISE WARNING 'LISTEN not supported yet and will be ignored'; END $$"
"""What YugabyteDB up to 2025.2.2 makes of LISTEN."""

REFUSED = "DO $$ BEGIN RAISE 'This statement not supported yet' USING ERRCODE = '0A000'; END $$"
"""What its early versions made of it."""

_LISTEN = b'LISTEN "signalman_access"'


class OtherProduct:
    """Passes everything on to *server*, but for LISTEN, instead of which it says *sql*."""

    def __init__(self, server: Postgres, sql: str) -> None:
        self._backend = server
        self._sql = sql.encode()
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._front: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self._backend.dsn().replace(f":{self._backend.port}/", f":{self._port}/")

    async def __aenter__(self) -> Self:
        self._front = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._front.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._front is not None
        self._front.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        back_reader, back_writer = await asyncio.open_connection(self._backend.host, self._backend.port)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._requests(reader, back_writer))
                    both.create_task(_answers(back_reader, writer))
        finally:
            writer.close()
            back_writer.close()
            self._tasks.discard(task)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = False
        while True:
            # What comes before the session has no type: a request for TLS, then the beginning itself (protocol 3).
            kind = await reader.readexactly(1) if begun else b""
            body = await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
            begun = begun or body.startswith(b"\0\3\0\0")
            if kind in {b"Q", b"P"}:
                body = body.replace(_LISTEN, self._sql)
            writer.write(kind + (len(body) + 4).to_bytes(4) + body)
            await writer.drain()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while answer := await reader.read(65536):
        writer.write(answer)
        await writer.drain()
    raise ConnectionResetError
