"""What PostgreSQL tells of its own accord: LISTEN, on one connection to each database that the directory reads.

PostgreSQL keeps nothing for those who are not connected, so that every beginning is told as `EVERYBODY`. YugabyteDB's
early versions refuse LISTEN (SQLSTATE 0A000), those up to 2025.2.2 warn and ignore it, and from 2025.2.3 on it works
where the flag ``ysql_yb_enable_listen_notify`` is set. Behind a pooler of transactions LISTEN is taken, and nothing
ever comes.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import asyncpg
import structlog

from signalman.backends.notice_queue import NoticeQueue
from signalman.backends.postgres_hosts import FAILURES, Connection, PostgresHosts
from signalman.cancelling import end_if_cancelled
from signalman.notice import EVERYBODY, Notice, notice

log = structlog.get_logger(__name__)

CHANNEL = "signalman_access"
"""The channel of each database on which it tells: ``token <id>``, ``user <id>``, or ``scope`` with one id per level."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
"""Seconds between two attempts to be heard, doubled each time."""

_LISTENING = "SELECT count(*) FROM pg_listening_channels() AS heard (channel) WHERE channel = 'signalman_access'"


class _CannotTellError(Exception):
    """This server does not know LISTEN."""


class PostgresListener:
    """Listens to all of *databases* or to none: they are parts of one picture.

    Args:
        hosts: Where the server is.
        databases: By name; None is the one of the hosts' URL.
        timeout: Seconds for an attempt to be heard, and for the server to show that it is there.
        watch_seconds: How often it has to: a connection that a machine in between has forgotten looks like a quiet one.
    """

    def __init__(
        self, hosts: PostgresHosts, databases: Sequence[str | None], *, timeout: float, watch_seconds: float
    ) -> None:
        self._hosts = hosts
        self._databases = databases
        self._timeout = timeout
        self._watch_seconds = watch_seconds

    async def changes(self) -> AsyncGenerator[Notice, None]:
        """See `Directory.changes`."""
        queue = NoticeQueue()
        listening = asyncio.create_task(self._listen(queue), name="directory changes")
        listening.add_done_callback(lambda _: queue.close())
        try:
            while told := await queue.get():
                yield told
            await listening
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _listen(self, queue: NoticeQueue) -> None:
        """Be heard, for ever; or return, when that cannot be."""
        lost, pause = False, _FIRST_PAUSE
        while True:
            end_if_cancelled()
            session = _Session(queue)
            try:
                await self._begin(session)
                log.info("changes_heard")
                lost, pause = False, _FIRST_PAUSE
                await self._watch(session)
            except _CannotTellError:
                log.info("changes_not_told", reason="the database does not support LISTEN")
                return
            except FAILURES as error:
                if not lost:
                    log.warning("changes_not_heard", error=type(error).__name__)
                lost = True
            finally:
                session.end()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 # no secret
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _begin(self, session: "_Session") -> None:
        async with asyncio.timeout(self._timeout):
            for database in self._databases:
                await session.add(await self._hosts.connect(database))
        session.begin()

    async def _watch(self, session: "_Session") -> None:
        """Return never, and raise once a connection is lost."""
        while True:
            try:
                async with asyncio.timeout(self._watch_seconds):
                    await session.lost.wait()
            except TimeoutError:
                async with asyncio.timeout(self._timeout):
                    await session.probe()
            else:
                raise ConnectionError("a connection was lost")


class _Session:
    """Connections that listen at the same time, from the first of them until one is lost."""

    def __init__(self, queue: NoticeQueue) -> None:
        self._queue = queue
        self._connections: list[Connection] = []
        self._begun = False
        self.lost = asyncio.Event()

    async def add(self, connection: Connection) -> None:
        """Listen on *connection* as well."""
        self._connections.append(connection)
        connection.add_termination_listener(self._end_of)
        try:
            await connection.add_listener(CHANNEL, self._hear)
        except asyncpg.FeatureNotSupportedError as error:
            raise _CannotTellError from error
        if not await connection.fetchval(_LISTENING):
            raise _CannotTellError

    def begin(self) -> None:
        """Whatever was told before is told as `EVERYBODY`; what is told from now on as it is."""
        self._begun = True
        self._queue.put(EVERYBODY)

    async def probe(self) -> None:
        """Return when the server answers on every connection."""
        for connection in self._connections:
            await connection.execute("SELECT 1")

    def end(self) -> None:
        """Drop the connections. A server that hangs could not be told."""
        for connection in self._connections:
            connection.remove_termination_listener(self._end_of)
            connection.terminate()

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        if self._begun:
            self._queue.put(read_payload(str(payload)))

    def _end_of(self, _connection: Any) -> None:
        self.lost.set()


def read_payload(payload: str) -> Notice:
    """What *payload* says: ``token <id>``, ``user <id>``, ``scope <id> …``. Anything else concerns everybody."""
    match payload.split(" "):
        case ["token" | "user" as about, str(id_)] if id_:
            return notice("token" if about == "token" else "user", id_)
        case ["scope", *path] if path and all(path):
            return notice("scope", *path)
    return EVERYBODY
