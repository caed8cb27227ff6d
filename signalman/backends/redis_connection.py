"""One connection to Redis, read by hiredis as the bytes arrive: no task, no await and no object between a reply and
whoever takes it.
"""

import asyncio
import contextlib
import re
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, cast

import hiredis
import structlog

from signalman.backends.redis_address import RedisAddress
from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

Words = Sequence[bytes]
"""A command and its arguments."""

_INCOMPLETE = object()
_ERROR_CODE = re.compile(r"[A-Z]{2,20}(?= |$)")


class RedisConnection(asyncio.Protocol):
    """A connection that speaks RESP2. Made by `open`.

    Args:
        take: Given every reply that no `ask` waits for: bytes, int, None, a list of these, or `hiredis.ReplyError`.
        ended: Told once, in the very moment, that the open connection is over and why. No reply is given out after
            that.
    """

    def __init__(self, take: Callable[[Any], None], ended: Callable[[str], None]) -> None:
        self._take = take
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._transport: asyncio.Transport | None = None
        self._answers: deque[asyncio.Future[Any]] = deque()
        self._over = ""
        self.heard_at = self._loop.time()
        """When the server last said anything, by the event loop's clock."""

    @classmethod
    async def open(
        cls,
        address: RedisAddress,
        *,
        take: Callable[[Any], None] | None = None,
        ended: Callable[[str], None] | None = None,
        within: float,
        silence_limit: float,
    ) -> Self:
        """Connect, authenticate, and see that the server answers, *within* so many seconds.

        *silence_limit* is after how many seconds the system gives up on a peer that acknowledges nothing.

        Raises:
            BackendUnavailable: Nobody is there, or not Redis, or it refuses us, or it is not ready yet.
        """
        connection = cls(take or _ignore, _ignore)
        try:
            async with asyncio.timeout(within):
                await connection._connect(address)
                _keep_alive(connection._transport, silence_limit)
                await connection._greet(address)
        except BaseException as error:
            connection.drop("was never open")
            if isinstance(error, TimeoutError):
                raise BackendUnavailable("redis", f"no answer within {within:g} s") from error
            if isinstance(error, OSError | UnicodeError):
                # Its text holds the address.
                raise BackendUnavailable("redis", f"could not connect ({type(error).__name__})") from error
            raise
        if connection._over:
            # Between the last answer and us.
            raise BackendUnavailable("redis", connection._over)
        # Before this, whoever opens it hears by the error.
        connection._ended = ended or _ignore
        return connection

    @property
    def is_open(self) -> bool:
        """Whether replies may still come."""
        return not self._over

    def send(self, commands: Iterable[Words]) -> None:
        """Write *commands*, all at once."""
        if self._transport is not None and not self._over:
            self._transport.write(b"".join(_packed(words) for words in commands))

    async def ask(self, *commands: Words) -> list[Any]:
        """The answers to *commands*. Not for a connection that has subscribed: there, answers come as messages.

        Raises:
            BackendUnavailable: The connection ended, or the server answered one of them with an error.
        """
        answers: list[asyncio.Future[Any]] = [self._loop.create_future() for _ in commands]
        if self._over:
            raise BackendUnavailable("redis", self._over)
        self._answers.extend(answers)
        self.send(commands)
        await asyncio.wait(answers)
        replies = [answer.result() for answer in answers]
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply if isinstance(reply, BackendUnavailable) else refusal(reply)
        return replies

    def drop(self, reason: str) -> None:
        """End the connection at once, because of *reason*. Does nothing when it is over."""
        if self._over:
            return
        self._over = reason
        if self._transport is not None:
            self._transport.abort()
        for answer in self._answers:
            if not answer.done():
                answer.set_result(BackendUnavailable("redis", reason))
        self._ended(reason)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # Not by isinstance: uvloop's transports are of a family of their own.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Give out all replies that *data* completes."""
        self.heard_at = self._loop.time()
        self._reader.feed(data)
        gets = self._reader.gets
        try:
            while not self._over:
                reply = gets()
                if reply is _INCOMPLETE:
                    return
                if self._answers:
                    self._answer(reply)
                else:
                    self._take(reply)
        except hiredis.HiredisError:
            self.drop("the server does not speak Redis")
        except Exception:  # a fault of ours: the event loop would end the connection without a word
            log.exception("redis_reader_failed")
            self.drop("a fault of ours")

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.drop("the connection was closed" if exc is None else f"the connection broke ({type(exc).__name__})")

    async def _connect(self, address: RedisAddress) -> None:
        if address.path:
            await self._loop.create_unix_connection(lambda: self, address.path)
        else:
            await self._loop.create_connection(lambda: self, address.host, address.port, ssl=address.tls)

    async def _greet(self, address: RedisAddress) -> None:
        commands: list[Words] = [(b"PING",)]
        if address.username or address.password:
            names = (address.username, address.password) if address.username else (address.password,)
            commands.insert(0, (b"AUTH", *(name.encode() for name in names)))
        # A server that still reads its file refuses even this.
        if (await self.ask(*commands))[-1] != b"PONG":
            raise BackendUnavailable("redis", "the server does not speak Redis")

    def _answer(self, reply: Any) -> None:
        answer = self._answers.popleft()
        if not answer.done():
            answer.set_result(reply)


def _ignore(_: object) -> None:
    pass


def _packed(words: Words) -> bytes:
    packed: bytes = hiredis.pack_command(tuple(words))  # type: ignore[arg-type]  # its stub knows one word only
    return packed


def refusal(error: Exception) -> BackendUnavailable:
    """What an error reply means to us. Of its text only the code is kept: old servers repeat our words in the rest,
    passwords included.
    """
    code = _ERROR_CODE.match(str(error))
    return BackendUnavailable("redis", f"the server refuses ({code.group()})" if code else "the server refuses")


def _keep_alive(transport: asyncio.Transport | None, silence_limit: float) -> None:
    connected: socket.socket | None = transport.get_extra_info("socket") if transport else None
    if connected is None or connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    seconds = max(1, round(silence_limit / 2))
    wanted = {"TCP_KEEPIDLE": seconds, "TCP_KEEPINTVL": seconds, "TCP_KEEPCNT": 2}
    # Else what we write to a peer that is gone is sent again for a quarter of an hour.
    wanted["TCP_USER_TIMEOUT"] = round(silence_limit * 1000)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in wanted.items():
        option = getattr(socket, name, None)
        if option is not None:
            # Where the system knows the option and not this value, the watch above it is enough.
            with contextlib.suppress(OSError):
                connected.setsockopt(socket.IPPROTO_TCP, option, value)
