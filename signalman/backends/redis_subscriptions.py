"""What is wanted from Redis and what Redis has acknowledged: the state of subscriptions, without I/O.

Redis answers SUBSCRIBE and UNSUBSCRIBE in the order in which they were sent, but a caller may change its mind faster
than answers arrive. A counter of subscribers goes wrong there (the late answer to a first SUBSCRIBE is taken for that
to a second, after an UNSUBSCRIBE). So a channel has at most one command under way, and what to do next is decided when
its answer comes:

    state          wanted  what happens
    OFF            yes     SUBSCRIBE is sent: SUBSCRIBING
    OFF            no      forgotten
    SUBSCRIBING    -       wait; ON at the answer
    ON             no      UNSUBSCRIBE is sent: UNSUBSCRIBING
    UNSUBSCRIBING  -       wait; OFF at the answer
    any            -       OFF when the connection is lost
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from signalman.event import Feed

Command = Literal["SUBSCRIBE", "UNSUBSCRIBE"]


class State(Enum):
    """Where a channel stands on the present connection."""

    OFF = "off"
    SUBSCRIBING = "subscribing"
    ON = "on"
    UNSUBSCRIBING = "unsubscribing"


@dataclass(slots=True, eq=False)
class Subscription:
    """One channel, wanted because it is `kept` or because somebody waits for it."""

    feed: Feed
    channel: bytes
    state: State = State.OFF
    kept: bool = False
    """A subscribe was answered and no unsubscribe has come since."""
    withdrawals: int = 0
    """How often unsubscribe came: a subscribe that was called before the last of them does not keep the channel."""
    waiters: set[asyncio.Future[None]] = field(default_factory=set)
    """Resolved when the server has acknowledged."""

    @property
    def on(self) -> bool:
        """Whether the server has acknowledged it on the present connection."""
        return self.state is State.ON

    @property
    def wanted(self) -> bool:
        """Whether the channel should be heard."""
        return self.kept or bool(self.waiters)


class Subscriptions:
    """All channels of one process, over one connection after another."""

    def __init__(self) -> None:
        self._entries: dict[bytes, Subscription] = {}
        self._connected = False
        self._unanswered: set[bytes] = set()
        self._restored: asyncio.Future[None] | None = None

    def entry(self, feed: Feed, channel: bytes) -> Subscription:
        """The subscription of *channel*, made when there is none. To be handed to `settle` once it is wanted."""
        return self._entries.setdefault(channel, Subscription(feed, channel))

    def find(self, channel: bytes) -> Subscription | None:
        """The subscription of *channel* when it is known."""
        return self._entries.get(channel)

    def feeds(self) -> list[Feed]:
        """Those that are wanted and acknowledged."""
        return [entry.feed for entry in self._entries.values() if entry.wanted and entry.on]

    def settle(self, entry: Subscription) -> Command | None:
        """The command that has to be sent for *entry* now, if any; it counts as under way from here on."""
        if entry.state is State.ON and not entry.wanted:
            entry.state = State.UNSUBSCRIBING
            return "UNSUBSCRIBE"
        if entry.state is State.OFF and not entry.wanted:
            self._entries.pop(entry.channel, None)
        elif entry.state is State.OFF and self._connected:
            entry.state = State.SUBSCRIBING
            return "SUBSCRIBE"
        return None

    def answered(self, command: Command, channel: bytes) -> Command | None:
        """Take the server's answer to *command*. Returns the next command for this channel, if any."""
        entry = self._entries.get(channel)
        if entry is None:
            return None
        if command == "SUBSCRIBE" and entry.state is State.SUBSCRIBING:
            entry.state = State.ON
            _resolve(*entry.waiters)
        elif command == "UNSUBSCRIBE" and entry.state is State.UNSUBSCRIBING:
            entry.state = State.OFF
        self._unanswered.discard(channel)
        self._tell_restored()
        return self.settle(entry)

    def connected(self) -> tuple[list[bytes], asyncio.Future[None]]:
        """There is a new connection. Returns the channels to SUBSCRIBE and a future that is done once all are on."""
        self._connected = True
        wanted = [entry for entry in self._entries.values() if entry.wanted]
        for entry in wanted:
            entry.state = State.SUBSCRIBING
        self._unanswered = {entry.channel for entry in wanted}
        self._restored = asyncio.get_running_loop().create_future()
        self._tell_restored()
        return list(self._unanswered), self._restored

    def disconnected(self) -> None:
        """The connection is lost: nothing is subscribed and no answer will come. What is wanted stays wanted."""
        self._connected = False
        self._unanswered.clear()
        for entry in list(self._entries.values()):
            entry.state = State.OFF
            self.settle(entry)

    def _tell_restored(self) -> None:
        if self._restored is not None and not self._unanswered:
            _resolve(self._restored)


def _resolve(*waiters: asyncio.Future[None]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
