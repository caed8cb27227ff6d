"""The client: a socket that is opened again whenever it is lost, and what is said over it as messages."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

import orjson
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

import signalman
from signalman.client.address import websocket_url
from signalman.client.backoff import delays
from signalman.client.conversation import Conversation
from signalman.client.credential import Ask, Credential
from signalman.client.ending import ComeBack, after_close, after_handshake
from signalman.client.errors import ConnectionEnded
from signalman.client.messages import (
    Choice,
    Connected,
    Disconnected,
    Expiring,
    Message,
    Subscription,
    Trouble,
    every_channel,
)
from signalman.errors import NotAuthenticated
from signalman.protocol import SUBPROTOCOL

log = structlog.get_logger(__name__)

OPEN_TIMEOUT = 10.0
"""Seconds that connecting and the handshake may take."""

PROVEN = 10.0
"""Seconds that a connection must have lasted for the next one to be tried as soon as after a first failure."""

MAX_FRAME = 16 * 1024 * 1024
"""Bytes. A batch of events is one frame, and the server bounds the batch."""

# On DEBUG the library writes every header, and one of ours is the credential.
_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.INFO)


class Client:
    """An endless iterator over what the subscribed channels say, across lost connections.

    What was missed meanwhile is asked for when the connection is back: a subscription that had caught up goes on where
    it stood, and `Subscribed.recovered` says so; where that cannot be, it is a `Reset` with the reason, and it begins
    anew. Either way each event is among `Events.news` once.

        async with Client("ws://127.0.0.1:18009", token, [Subscription("streams")]) as client:
            async for message in client:
                ...

    Reads only while the consumer asks, so a slow consumer is felt by the server and not by this process's memory.
    For one consumer at a time; waiting for the next message may be cancelled and taken up again.

    Args:
        url: ``ws://``, ``wss://``, ``http://`` or ``https://``, with or without ``/v1/ws``.
        credential: The credential; or a function, perhaps a coroutine function, that gives the one of the moment. It is
            asked before each connection, and when the access of an open one is about to end: that one then goes on with
            the new credential, without a gap.
        subscriptions: What to follow, or the choice among the channels that the credential may read.
        reconnect: Whether to come back after a loss that coming back may heal.
        delays: Makes the waits between attempts, seconds; started anew once a connection has lasted.
        sleep: Waits between attempts.
        clock: Seconds that never go back.

    Raises:
        AddressError: *url* is no address of a gateway.
        NotAuthenticated: *credential* cannot be one; while iterating: there is none, it was not accepted, or it has
            ended and there will be no other.
        Forbidden: While iterating: the credential grants nothing here.
        ConnectionEnded: While iterating: the server does not want us back, or *reconnect* is False.
    """

    def __init__(
        self,
        url: str,
        credential: str | Ask,
        subscriptions: Sequence[Subscription] | Choice = every_channel,
        *,
        reconnect: bool = True,
        delays: Callable[[], Iterator[float]] = delays,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = websocket_url(url)
        self._credential = Credential(credential)
        self._subscriptions = subscriptions
        self._reconnect = reconnect
        self._new_delays = delays
        self._delays = delays()
        self._sleep = sleep
        self._clock = clock
        self._inbox: deque[Message] = deque()
        self._socket: ClientConnection | None = None
        self._conversation = Conversation(subscriptions)
        self._welcomed_at: float | None = None
        self._ever_welcomed = False
        self._renewal: asyncio.Task[None] | None = None
        self._wait = 0.0
        self._over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        while not self._inbox:
            if self._over:
                raise StopAsyncIteration
            try:
                await self._advance()
            except Exception:
                await self.aclose()
                raise
        return self._inbox.popleft()

    async def aclose(self) -> None:
        """Say goodbye to the server, if there is one. Idempotent."""
        self._over = True
        self._forget_renewal()
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _advance(self) -> None:
        if self._socket is None:
            await self._connect()
        else:
            await self._listen(self._socket)

    async def _connect(self) -> None:
        await self._sleep(self._wait)
        self._conversation = Conversation(self._subscriptions, self._conversation.cursors())
        self._welcomed_at = None
        try:
            token = await self._credential.current()
        except NotAuthenticated as error:
            if not self._ever_welcomed:
                raise
            self._lost(ComeBack(error.detail))  # whoever gives it may be away for a while, as a gateway may
            return
        try:
            self._socket = await self._open(token)
        except InvalidStatus as error:
            response = error.response
            self._lost(after_handshake(response.status_code, response.headers, bytes(response.body)))
        except TimeoutError:
            self._lost(ComeBack(f"no answer within {OPEN_TIMEOUT:g} s"))
        except (OSError, InvalidHandshake, EOFError) as error:
            self._lost(ComeBack(_why(error)))

    async def _open(self, token: str) -> ClientConnection:
        return await connect(
            self._url,
            additional_headers={"Authorization": f"Bearer {token}"},
            user_agent_header=f"signalman/{signalman.__version__}",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=None,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=2,
            # The server's heartbeat is watched instead: a pong cannot be read while the consumer is slow.
            ping_interval=None,
            max_size=MAX_FRAME,
            logger=_quiet,
        )

    async def _listen(self, socket: ClientConnection) -> None:
        """Send what is due, then wait for one frame, as long as silence is allowed."""
        conversation = self._conversation
        conversation.tick(self._clock())
        self._end_renewal()
        try:
            async with asyncio.timeout(conversation.patience):
                # Where the server has closed, what it said before can still be read, and says why.
                with contextlib.suppress(ConnectionClosed):
                    for frame in conversation.outgoing():
                        await socket.send(frame, text=True)
                text = await self._frame(socket)
        except TimeoutError:
            socket.transport.abort()
            self._lost(ComeBack(f"nothing was heard for {conversation.patience:g} s"))
        except ConnectionClosed as error:
            code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (None, "")
            self._lost(self._after_close(code, reason))
        else:
            if text is not None:
                self._take(conversation.receive(text, self._clock()), socket)

    async def _frame(self, socket: ClientConnection) -> str | bytes | None:
        """The next frame; None when there is something to do first."""
        wakes_at = self._conversation.wakes_at()
        reading = socket.recv() if self._renewal is None else _unless(self._renewal, socket)
        if wakes_at is None:
            return await reading
        try:
            async with asyncio.timeout(max(0.0, wakes_at - self._clock())):
                return await reading
        except TimeoutError:
            return None

    def _take(self, messages: list[Message], socket: ClientConnection) -> None:
        if any(isinstance(message, Connected) for message in messages):
            self._welcomed_at, self._ever_welcomed = self._clock(), True
        if self._credential.changes and any(isinstance(message, Expiring) for message in messages):
            self._forget_renewal()
            # Beside the reading: whoever gives the credential may take his time.
            self._renewal = asyncio.create_task(self._renew(socket), name="renewal")
        self._inbox.extend(messages)

    async def _renew(self, socket: ClientConnection) -> None:
        try:
            token = await self._credential.current()
        except NotAuthenticated as error:
            self._inbox.append(Trouble(None, error.code, error.detail, None))
            return
        with contextlib.suppress(ConnectionClosed):
            await socket.send(orjson.dumps({"type": "auth", "token": token}), text=True)

    def _end_renewal(self) -> None:
        """Raise what has gone wrong in it."""
        if self._renewal is not None and self._renewal.done():
            renewal, self._renewal = self._renewal, None
            renewal.result()

    def _forget_renewal(self) -> None:
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.cancel()

    def _after_close(self, code: int | None, reason: str) -> ComeBack:
        try:
            return after_close(code, reason, self._conversation.last_words)
        except NotAuthenticated as error:
            # What was good when this connection began has ended; there may be another by now. One that is refused at
            # once is not tried again: it was asked for a moment ago.
            if not self._credential.changes or self._welcomed_at is None:
                raise
            return ComeBack(error.detail)

    def _lost(self, end: ComeBack) -> None:
        """Forget the socket, and say when the next one will be tried."""
        self._socket = None
        self._forget_renewal()
        if not self._reconnect:
            raise ConnectionEnded("lost", end.reason)
        if self._welcomed_at is not None and self._clock() - self._welcomed_at >= PROVEN:
            self._delays = self._new_delays()
        # What the server asks for is the same for all of its clients; the jitter on top spreads them.
        self._wait = end.retry_after + next(self._delays)
        log.info("disconnected", reason=end.reason, retry_in=self._wait)
        self._inbox.append(Disconnected(end.reason, self._wait))


async def _unless(done: asyncio.Task[None], socket: ClientConnection) -> str | bytes | None:
    """The next frame; None where *done* is that before."""
    reading = asyncio.create_task(socket.recv())
    try:
        await asyncio.wait((reading, done), return_when=asyncio.FIRST_COMPLETED)
        return await reading if reading.done() else None
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot connect: {error.strerror}"
    return f"cannot connect: {error}" if str(error) else "cannot connect"
