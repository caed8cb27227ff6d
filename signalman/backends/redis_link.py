"""A link: one subscribing connection to one Redis node, from its first attempt until it is lost."""

import asyncio
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import hiredis
import structlog

from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_cluster import parse_moved
from signalman.backends.redis_connection import RedisConnection, Words, refusal
from signalman.backends.redis_subscriptions import Command, Subscription
from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

# A longer command would hold up everybody else on the server.
_CHANNELS_PER_COMMAND = 500
_ANSWERS: dict[bytes, Command] = {
    b"subscribe": "SUBSCRIBE",
    b"unsubscribe": "UNSUBSCRIBE",
    b"ssubscribe": "SUBSCRIBE",
    b"sunsubscribe": "UNSUBSCRIBE",
}


class LinkOwner(Protocol):
    """Who hears from a link. Called on the event loop; must not raise."""

    def opened(self, link: "RedisLink") -> None:
        """It takes requests now."""
        ...

    def ended(self, link: "RedisLink", reason: str) -> None:
        """It is lost, or could not be opened. Nothing comes from it any more."""
        ...

    def answered(self, link: "RedisLink", command: Command, channel: bytes) -> None:
        """The server has done *command*, asked or unasked."""
        ...

    def moved(self, link: "RedisLink", slot: int, to: RedisAddress) -> None:
        """The server no longer has *slot*; *to* knows who does."""
        ...

    def message(self, link: "RedisLink", channel: bytes, data: bytes) -> None:
        """A message has come."""
        ...


class RedisLink:
    """One connection that subscribes. It lives once: when `run` has returned, another has to be made.

    Args:
        node: Where to connect.
        owner: Who hears.
        sharded: Use sharded pub/sub, where the channels of one command have to be of one slot.
        ping_interval: Seconds between probes on this very connection.
        silence_limit: Seconds without an answer after which the connection is dropped.
        timeout: Seconds that connecting may take.
    """

    def __init__(
        self,
        node: RedisAddress,
        owner: LinkOwner,
        *,
        sharded: bool,
        ping_interval: float,
        silence_limit: float,
        timeout: float,
    ) -> None:
        self.node = node
        self._owner = owner
        self._sharded = sharded
        self._message = b"smessage" if sharded else b"message"
        # So that more than one probe goes unanswered before the connection is given up.
        self._ping_interval = min(ping_interval, silence_limit / 3)
        self._silence_limit = silence_limit
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._connection: RedisConnection | None = None
        self._opened_at = math.inf
        self._requests: dict[Command, list[Subscription]] = {}

    @property
    def is_open(self) -> bool:
        """Whether requests reach the server."""
        return self._connection is not None and self._connection.is_open

    @property
    def lasted(self) -> bool:
        """Whether it stood for longer than a server needs to refuse it, or to hang."""
        return self._loop.time() - self._opened_at > self._silence_limit

    async def run(self, delay: float) -> None:
        """After *delay* seconds connect, and return when the connection is over."""
        await asyncio.sleep(delay)
        try:
            self._connection = await RedisConnection.open(
                self.node, take=self._take, ended=self._end, within=self._timeout, silence_limit=self._silence_limit
            )
        except BackendUnavailable as error:
            self._end(error.detail)
        except Exception:  # a fault of ours must not end the other links
            log.exception("redis_link_failed")
            self._end("a fault of ours")
        else:
            await self._live(self._connection)

    def drop(self, reason: str) -> None:
        """End the connection at once, because of *reason*."""
        if self._connection is not None:
            self._connection.drop(reason)

    def request(self, command: Command, entry: Subscription) -> None:
        """Send *command* for the channel of *entry*, with whatever else is requested in this turn of the loop."""
        if not self._requests:
            self._loop.call_soon(self._flush)
        self._requests.setdefault(command, []).append(entry)

    def _flush(self) -> None:
        requests, self._requests = self._requests, {}
        if self._connection is not None:
            self._connection.send(self._commands(requests))

    def _commands(self, requests: Mapping[Command, Sequence[Subscription]]) -> Iterator[Words]:
        for command, entries in requests.items():
            name = f"{'S' if self._sharded else ''}{command}".encode()
            for channels in self._together(entries):
                for start in range(0, len(channels), _CHANNELS_PER_COMMAND):
                    yield (name, *channels[start : start + _CHANNELS_PER_COMMAND])

    def _together(self, entries: Sequence[Subscription]) -> Collection[list[bytes]]:
        groups: dict[int, list[bytes]] = {}
        for entry in entries:
            groups.setdefault(entry.slot if self._sharded else 0, []).append(entry.channel)
        return groups.values()

    async def _live(self, connection: RedisConnection) -> None:
        try:
            self._opened_at = self._loop.time()
            self._owner.opened(self)
            await self._watch(connection)
        finally:
            connection.drop("no longer needed")

    async def _watch(self, connection: RedisConnection) -> None:
        late = 0.0
        while connection.is_open:
            # While our own loop stood still, the server had no chance to be heard.
            left = connection.heard_at + self._silence_limit + late - self._loop.time()
            if left <= 0:
                connection.drop(f"no answer for {self._silence_limit:g} s")
                return
            connection.send([(b"PING",)])
            planned = self._loop.time() + min(self._ping_interval, left)
            await asyncio.wait([self._over], timeout=planned - self._loop.time())
            late = max(0.0, self._loop.time() - planned)

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(None)
        self._owner.ended(self, reason)

    def _take(self, reply: Any) -> None:
        if type(reply) is list and len(reply) == 3:
            kind, channel, data = reply
            if kind == self._message:
                self._owner.message(self, channel, data)
            elif kind in _ANSWERS:
                self._owner.answered(self, _ANSWERS[kind], channel)
        elif isinstance(reply, hiredis.ReplyError):
            self._refused(reply)

    def _refused(self, error: Exception) -> None:
        moved = parse_moved(str(error), asked=self.node)
        if moved is not None:
            self._owner.moved(self, *moved)
        else:
            self.drop(refusal(error).detail)
