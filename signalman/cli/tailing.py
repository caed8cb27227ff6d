"""The work of `signalman tail`: takes a client's messages, writes them out, and knows when enough has come."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from signalman.cli.tail_output import Output
from signalman.cli.tail_status import Status
from signalman.client.errors import ConnectionEnded
from signalman.client.messages import (
    CaughtUp,
    Connected,
    Disconnected,
    Events,
    Message,
    Refused,
    Snapshot,
    Subscribed,
    Subscription,
    Trouble,
)
from signalman.errors import Forbidden, NotAuthenticated


class Exit(IntEnum):
    """Exit codes of `signalman tail`."""

    OK = 0
    RUNTIME = 1
    USAGE = 2
    AUTHENTICATION = 3
    FORBIDDEN = 4
    CONNECTION = 5
    INTERRUPTED = 130


_REFUSALS = {
    "invalid_request": Exit.USAGE,
    "duplicate_view": Exit.USAGE,
    "forbidden": Exit.FORBIDDEN,
    "grant_ended": Exit.FORBIDDEN,
    "unknown_channel": Exit.FORBIDDEN,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked for."""

    channels: tuple[str, ...] = ()
    """Empty: all that the credential may read."""
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    snapshot: bool = True
    snapshot_only: bool = False
    max_events: int | None = None
    duration: float | None = None
    """Seconds."""

    def choose(self, readable: Sequence[str]) -> list[Subscription]:
        """The subscriptions to make, given the channels that the credential may read."""
        names = dict.fromkeys(self.channels or readable)
        return [Subscription(name, None, self.filter, self.snapshot) for name in names]


class Tailing:
    """One run."""

    def __init__(self, wanted: Wanted, output: Output, status: Status) -> None:
        self._wanted = wanted
        self._output = output
        self._status = status
        self._waiting: dict[str, Subscription] = {}
        """Channels that have not caught up."""
        self._following: dict[str, Subscription] = {}
        self._begun: dict[str, bool] = {}
        """Channels that began since `live` was last told; True for those that went on where they stood."""
        self._events = 0
        self.connected = False
        """Whether there ever was a connection."""
        self.code: Exit | None = None
        """How it ended; None while it has not, or was interrupted."""

    async def run(self, messages: AsyncIterator[Message]) -> None:
        """Take *messages* until enough has come, time is over or there will be no more; `code` tells which."""
        try:
            async with asyncio.timeout(self._wanted.duration):
                async for message in messages:
                    self.code = self._take(message)
                    if self.code is not None:
                        return
        except TimeoutError:
            self.code = Exit.OK if self.connected else self._fail(Exit.CONNECTION, "could not connect in time")
        except NotAuthenticated as error:
            self.code = self._fail(Exit.AUTHENTICATION, error.detail)
        except Forbidden as error:
            self.code = self._fail(Exit.FORBIDDEN, error.detail)
        except ConnectionEnded as error:
            self.code = self._fail(Exit.CONNECTION, error.detail)

    def _fail(self, code: Exit, detail: str) -> Exit:
        self._status.failed(detail)
        return code

    def _take(self, message: Message) -> Exit | None:
        self._status(message)
        match message:
            case Connected():
                return self._connected(message)
            case Disconnected():
                self._waiting, self._begun = {}, {}
            case Subscribed():
                channel = message.subscription.channel
                self._following[channel] = self._waiting[channel] = message.subscription
                self._begun[channel] = message.recovered
            case Snapshot():
                self._output.rows(message)
            case Events():
                return self._write(message)
            case CaughtUp():
                return self._caught_up(message)
            case Refused():
                return self._refused(message)
            case Trouble():
                return self._trouble(message)
            case _:
                pass
        return None

    def _connected(self, message: Connected) -> Exit | None:
        self.connected = True
        chosen = self._wanted.choose(message.channels)
        self._waiting = {each.channel: each for each in chosen}
        self._following = dict(self._waiting)
        return None

    def _write(self, message: Events) -> Exit | None:
        if self._wanted.snapshot_only:
            return None
        for event in message.news:
            self._output.event(message.subscription.channel, event)
            self._events += 1
            if self._events == self._wanted.max_events:
                return Exit.OK
        return None

    def _caught_up(self, message: CaughtUp) -> Exit | None:
        if self._waiting.pop(message.subscription.channel, None) is None or self._waiting:
            return None
        if self._wanted.snapshot_only:
            return Exit.OK
        self._status.live(self._begun)
        self._begun = {}
        return None

    def _refused(self, message: Refused) -> Exit | None:
        """Who names a channel wants to know that it does not come; who names none wants what there is."""
        channel = message.subscription.channel
        self._waiting.pop(channel, None)
        self._following.pop(channel, None)
        if self._wanted.channels or not self._following:
            return _REFUSALS.get(message.code, Exit.RUNTIME)
        return Exit.OK if self._wanted.snapshot_only and not self._waiting else None

    def _trouble(self, message: Trouble) -> Exit | None:
        return Exit.RUNTIME if self._wanted.snapshot_only and message.code.startswith("snapshot_") else None
