"""The subscribing connection to Redis: read, watched, and made anew for ever.

redis-py's own pub/sub object acknowledges nothing, reconnects without a word and gives up after a while. Here only its
bare connection is used: a reconnect is a gap, and a gap has to be told.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from signalman.backends.redis_subscriptions import Command, Subscription, Subscriptions
from signalman.backends.redis_wire import decode_publication
from signalman.errors import BackendUnavailable
from signalman.event import Feed, Position
from signalman.ports import BusListener

log = structlog.get_logger(__name__)

# A longer command would hold up everybody else on the server.
_CHANNELS_PER_COMMAND = 500
_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
_COMMANDS: dict[bytes, Command] = {b"subscribe": "SUBSCRIBE", b"unsubscribe": "UNSUBSCRIBE"}

ReadPositions = Callable[[Sequence[Feed]], Awaitable[Mapping[Feed, Position | None]]]


class RedisSubscriber:
    """Keeps one connection subscribed to what is wanted, and hands what arrives to one listener.

    Args:
        connect: Makes a connection that is not connected yet and never retries by itself.
        read_positions: Reads where feeds stand, over other connections.
        listener: Who hears.
        ping_interval: Seconds between probes on this very connection.
        silence_limit: Seconds without an answer after which the connection is dropped.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractConnection],
        read_positions: ReadPositions,
        listener: BusListener,
        *,
        ping_interval: float,
        silence_limit: float,
    ) -> None:
        self._connect = connect
        self._read_positions = read_positions
        self._listener = listener
        self._ping_interval = ping_interval
        self._silence_limit = silence_limit
        self._subscriptions = Subscriptions()
        self._outbox: asyncio.Queue[tuple[str | bytes, ...]] = asyncio.Queue()
        self._heard_at = 0.0
        self._failures = 0
        self._lost_told = False
        self.up = False
        """Whether the connection stands and everything wanted is subscribed on it."""
        self.malformed = 0
        """How many messages on our channels were no publications."""

    async def run(self) -> None:
        """Connect, serve, and connect again, until cancelled."""
        while True:
            try:
                await self._serve_connection()
            except* (RedisError, OSError, BackendUnavailable) as errors:
                self._lost(errors)
            except* Exception as errors:  # a fault of ours must not leave the process deaf for good
                log.exception("redis_subscriber_failed")
                self._lost(errors)
            await asyncio.sleep(_delay(self._failures))
            self._failures += 1

    async def acknowledged(
        self, feed: Feed, channel: bytes, then: Callable[[], Awaitable[Position | None]]
    ) -> Position | None:
        """Want *channel*; when the server has acknowledged it, await *then* and return its result.

        If that fails or is cancelled, the channel is as unwanted as it was before.
        """
        entry = self._subscriptions.entry(feed, channel)
        withdrawals = entry.withdrawals
        waiter = asyncio.get_running_loop().create_future()
        entry.waiters.add(waiter)
        try:
            if entry.on:
                waiter.set_result(None)
            self._settle(entry)
            await waiter
            position = await then()
            entry.kept = entry.kept or entry.withdrawals == withdrawals
            return position
        finally:
            entry.waiters.discard(waiter)
            self._settle(entry)

    def withdraw(self, channel: bytes) -> None:
        """No longer want *channel*."""
        entry = self._subscriptions.find(channel)
        if entry is not None:
            entry.kept = False
            entry.withdrawals += 1
            self._settle(entry)

    def _settle(self, entry: Subscription) -> None:
        command = self._subscriptions.settle(entry)
        if command is not None:
            self._outbox.put_nowait((command, entry.channel))

    async def _serve_connection(self) -> None:
        connection = self._connect()
        try:
            await connection.connect()  # type: ignore[no-untyped-call]  # unannotated in redis-py
            # It would be applied by asyncio.wait_for, which before Python 3.12 can swallow the cancellation that ends a
            # task group. The watch is the limit from here on.
            connection.socket_timeout = None
            self._heard_at = _now()
            # What is still in the old one was meant for the connection before.
            self._outbox = asyncio.Queue()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(connection), name="redis-read")
                tasks.create_task(self._write(connection), name="redis-write")
                tasks.create_task(self._watch(), name="redis-watch")
                tasks.create_task(self._restore(), name="redis-restore")
        finally:
            await connection.disconnect(nowait=True)

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            message = await connection.read_response(timeout=math.inf, disconnect_on_error=False)
            self._heard_at = _now()
            # A pong is a list once anything is subscribed, and a plain string before that.
            if isinstance(message, list):
                self._take(*message)

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await connection.send_command(*await self._outbox.get())

    async def _watch(self) -> None:
        while True:
            left = self._heard_at + self._silence_limit - _now()
            if left <= 0:
                raise BackendUnavailable("redis", f"no answer for {self._silence_limit:g} s")
            await asyncio.sleep(min(self._ping_interval, left))
            self._outbox.put_nowait(("PING",))

    async def _restore(self) -> None:
        channels, restored = self._subscriptions.connected()
        for start in range(0, len(channels), _CHANNELS_PER_COMMAND):
            self._outbox.put_nowait(("SUBSCRIBE", *channels[start : start + _CHANNELS_PER_COMMAND]))
        await restored
        # Not before the acknowledgements: what is published after these positions is heard.
        positions = await self._read_positions(self._subscriptions.feeds())
        self.up = True
        self._failures = 0
        if self._lost_told:
            self._lost_told = False
            log.info("redis_recovered", feeds=len(positions))
            self._tell(self._listener.recovered, positions)

    def _lost(self, errors: BaseExceptionGroup[Exception]) -> None:
        self.up = False
        self._subscriptions.disconnected()
        if not self._lost_told:
            self._lost_told = True
            log.warning("redis_lost", reason=type(errors.exceptions[0]).__name__)
            self._tell(self._listener.lost)

    def _take(self, kind: bytes, channel: bytes, data: object = None) -> None:
        if kind == b"message" and isinstance(data, bytes):
            self._publication(channel, data)
        elif kind in _COMMANDS:
            command = self._subscriptions.answered(_COMMANDS[kind], channel)
            if command is not None:
                self._outbox.put_nowait((command, channel))

    def _publication(self, channel: bytes, message: bytes) -> None:
        entry = self._subscriptions.find(channel)
        if entry is None or not entry.wanted:
            return
        try:
            publication = decode_publication(entry.feed, message)
        except ValueError as error:
            # Somebody else publishes here, perhaps a thousand times a second.
            if not self.malformed:
                log.warning("redis_message_malformed", channel=entry.feed.channel, reason=str(error))
            self.malformed += 1
            return
        self._tell(self._listener.publication, publication)

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            call(*arguments)
        except Exception:  # the listener promised not to; the others' events must go on
            log.exception("bus_listener_failed")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _delay(failures: int) -> float:
    longest = min(_FIRST_DELAY * 2 ** min(failures, 16), _LONGEST_DELAY)
    # So that the gateways do not come back in step.
    return random.uniform(longest / 2, longest)  # noqa: S311  not a secret
