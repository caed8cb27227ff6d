"""What is wanted from Redis and what Redis has acknowledged: the state of subscriptions, without I/O.

Redis answers SUBSCRIBE and UNSUBSCRIBE in the order in which they were sent, but a caller may change its mind faster
than answers arrive. A counter of subscribers goes wrong there (the late answer to a first SUBSCRIBE is taken for that
to a second, after an UNSUBSCRIBE). So a channel has at most one command under way, and what to do next is decided when
its answer comes:

    state          wanted  what happens
    OFF            yes     SUBSCRIBE is sent, once there is a link for it: SUBSCRIBING
    OFF            no      forgotten
    SUBSCRIBING    -       wait; ON at the answer
    ON             no      UNSUBSCRIBE is sent: UNSUBSCRIBING
    UNSUBSCRIBING  -       wait; OFF at the answer
    any            -       OFF when its link is lost, or when its slot has moved to another node of a cluster

A channel that was ON and came OFF unasked is interrupted: messages may have been missed, which has to be told once it
is ON again.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol

from redis.crc import key_slot

Command = Literal["SUBSCRIBE", "UNSUBSCRIBE"]


class Link(Protocol):
    """A connection that channels are subscribed on."""

    def request(self, command: Command, entry: "Subscription") -> None:
        """Send *command* for the channel of *entry*."""
        ...


class State(Enum):
    """Where a channel stands on its link."""

    OFF = "off"
    SUBSCRIBING = "subscribing"
    ON = "on"
    UNSUBSCRIBING = "unsubscribing"


@dataclass(slots=True, eq=False)
class Subscription:
    """One channel, wanted because it is `kept` or because somebody waits for it."""

    channel: bytes
    slot: int
    """Of a Redis Cluster."""
    state: State = State.OFF
    link: Link | None = None
    """Where it is on, or a command is under way."""
    kept: bool = False
    """A subscribe was answered and no unsubscribe has come since."""
    withdrawals: int = 0
    """How often unsubscribe came: a subscribe that was called before the last of them does not keep the channel."""
    interruptions: int = 0
    """How often it came off unasked."""
    waiters: set[asyncio.Future[None]] = field(default_factory=set)
    """Resolved when the server has acknowledged."""

    @property
    def on(self) -> bool:
        """Whether the server has acknowledged it."""
        return self.state is State.ON

    @property
    def wanted(self) -> bool:
        """Whether the channel should be heard."""
        return self.kept or bool(self.waiters)


class Subscriptions:
    """All channels of one process, over one link after another, or over several.

    Args:
        route: Gives the link on which a channel belongs now, or None while there is none.
    """

    def __init__(self, route: Callable[[Subscription], Link | None]) -> None:
        self._route = route
        self._entries: dict[bytes, Subscription] = {}
        self._interrupted: set[bytes] = set()
        self._unheard: set[bytes] = set()
        self.find = self._entries.get
        """The subscription of a channel when it is known, else None."""

    @property
    def interrupted(self) -> bool:
        """Whether there is something that `take_interrupted` would give."""
        return bool(self._interrupted)

    @property
    def unheard(self) -> bool:
        """Whether something wanted has lost its link, or never had one, and is not on yet."""
        return bool(self._unheard)

    def entry(self, channel: bytes) -> Subscription:
        """The subscription of *channel*, made when there is none. To be handed to `settle` once it is wanted."""
        entry = self._entries.get(channel)
        if entry is None:
            entry = self._entries[channel] = Subscription(channel, key_slot(channel))
        return entry

    def wanted_slots(self) -> set[int]:
        """Slots of all channels that are wanted."""
        return {entry.slot for entry in self._entries.values() if entry.wanted}

    def settle(self, entry: Subscription) -> None:
        """Send the command that *entry* needs now, if any; it counts as under way from here on."""
        if not entry.wanted:
            self._interrupted.discard(entry.channel)
            self._unheard.discard(entry.channel)
        if entry.state is State.ON and not entry.wanted:
            entry.state = State.UNSUBSCRIBING
            if entry.link is not None:
                entry.link.request("UNSUBSCRIBE", entry)
        elif entry.state is State.OFF and not entry.wanted:
            self._entries.pop(entry.channel, None)
        elif entry.state is State.OFF:
            entry.link = self._route(entry)
            if entry.link is None:
                self._unheard.add(entry.channel)
            else:
                entry.state = State.SUBSCRIBING
                entry.link.request("SUBSCRIBE", entry)

    def settle_all(self) -> None:
        """There is a new link: send what could not be sent so far."""
        for entry in list(self._entries.values()):
            self.settle(entry)

    def answered(self, link: Link, command: Command, channel: bytes) -> bool:
        """Take the server's answer to *command*. False when the server has taken the channel off unasked."""
        entry = self._entries.get(channel)
        if entry is None or entry.link is not link:
            return True
        if command == "SUBSCRIBE" and entry.state is State.SUBSCRIBING:
            entry.state = State.ON
            self._unheard.discard(channel)
            _resolve(entry.waiters)
        elif command == "UNSUBSCRIBE" and entry.state is State.UNSUBSCRIBING:
            self._take_off(entry)
        self.settle(entry)
        return command == "SUBSCRIBE" or not entry.on

    def displaced(self, link: Link, slot: int | None = None) -> None:
        """*link* is lost, or only *slot* on it: nothing is subscribed there and no answer will come. What is wanted
        stays wanted.
        """
        for entry in list(self._entries.values()):
            if entry.link is link and slot in {None, entry.slot}:
                self._take_off(entry)
                self.settle(entry)

    def replaced(self, belongs: Callable[[Subscription, Link], bool]) -> None:
        """Channels may belong elsewhere than where they are, which *belongs* tells: move them."""
        for entry in list(self._entries.values()):
            link = entry.link
            if link is not None and not belongs(entry, link):
                if entry.state in {State.SUBSCRIBING, State.ON}:
                    # Nobody waits for the answer: what comes from that link is not listened to any more.
                    link.request("UNSUBSCRIBE", entry)
                self._take_off(entry)
            self.settle(entry)

    def suspect(self) -> None:
        """Messages may have been missed on all that is on."""
        self._interrupted.update(entry.channel for entry in self._entries.values() if entry.on)

    def take_interrupted(self) -> list[bytes]:
        """All channels that were interrupted and are on again. They count as told from here on."""
        taken = self._interrupted - self._unheard
        self._interrupted -= taken
        return list(taken)

    def not_told(self, channels: Iterable[bytes]) -> None:
        """Telling of *channels* has failed."""
        known = (self._entries.get(channel) for channel in channels)
        self._interrupted.update(entry.channel for entry in known if entry is not None and entry.wanted)

    def _take_off(self, entry: Subscription) -> None:
        if entry.on:
            entry.interruptions += 1
            self._interrupted.add(entry.channel)
        if entry.wanted:
            self._unheard.add(entry.channel)
        entry.state = State.OFF
        entry.link = None


def _resolve(waiters: Iterable[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
