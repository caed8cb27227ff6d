"""The bus within one process, with the guarantees of the real one: for `signalman dev` and for tests."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from signalman.backends.feed_limits import FeedLimits
from signalman.backends.memory_feed import MemoryFeed, MemoryFence
from signalman.event import Feed, History, Outgoing, OutgoingEvent, Position, Publication, Published, Record
from signalman.ports import BusListener


@dataclass(frozen=True, slots=True)
class MemoryData:
    """What a hub keeps, as it was at a moment."""

    feeds: Mapping[Feed, MemoryFeed] = field(default_factory=dict)
    fence: MemoryFence = field(default_factory=MemoryFence)
    born_ms: int | None = None


class MemoryHub:
    """What several `MemoryBus` have in common, as several processes have one Redis.

    Args:
        epoch: Of all feeds until they are retired; random unless given.
        clock: Unix seconds.
        limits: Of each feed.
        born_ms: Nothing was published before this; None when that is known only from the first publication on.
    """

    def __init__(
        self,
        epoch: str | None = None,
        clock: Callable[[], float] = time.time,
        limits: FeedLimits | None = None,
        born_ms: int | None = None,
    ) -> None:
        self._epoch = epoch
        self._clock = clock
        self._limits = limits or FeedLimits()
        self._feeds: dict[Feed, MemoryFeed] = {}
        self._fence = MemoryFence()
        self._born_ms = born_ms
        self._fed_until_ms = 0.0
        self._buses: list[MemoryBus] = []

    def join(self, bus: "MemoryBus") -> None:
        """Deliver to *bus* from now on."""
        self._buses.append(bus)

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return int(self._clock() * 1000)

    def position(self, feed: Feed) -> Position | None:
        """Where *feed* stands; None when nothing was published on it."""
        found = self._find(feed)
        return None if found is None else found.position

    def publish(self, batch: Sequence[Outgoing]) -> Published:
        """Number the events that have not entered before, and deliver them."""
        now_ms = self.now_ms()
        feeds: dict[Feed, list[OutgoingEvent]] = {}
        for outgoing in batch:
            if outgoing.events:
                feeds.setdefault(outgoing.feed, []).extend(outgoing.events)
        if not feeds:
            return Published()
        if self._born_ms is None:
            self._born_ms = now_ms
        fenced = self._fence.enter(event.record for events in feeds.values() for event in events)
        total = entered = passed = 0
        for feed, events in feeds.items():
            let_in = [event for event in events if _place(event.record) not in fenced]
            total, passed = total + len(events), passed + len(let_in)
            if let_in:
                entered += self._put(feed, let_in, now_ms)
        return Published(entered, total - passed, passed - entered)

    def retire(self, reason: str) -> None:
        """Begin a new epoch on every feed that has not just begun one, and tell it."""
        now_ms = self._born_ms = self.now_ms()
        for feed in list(self._feeds):
            found = self._find(feed)
            if found is not None and now_ms - found.begun_ms < self._limits.spare_seconds * 1000:
                found.spare()
            elif found is not None:
                self._retire(found, reason)

    def history(self, feed: Feed, since_ms: int) -> History:
        """See `signalman.ports.Bus.history`."""
        return self._begun(feed, self.now_ms()).history(since_ms)

    def missed(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        """See `signalman.ports.Bus.missed`."""
        found = self._find(feed)
        if found is None:
            return None
        if found.epoch == after.epoch and not found.went_through(after):
            self._retire(found, "epoch")
        return found.missed(after)

    def beat(self, seconds: float) -> None:
        """See `signalman.ports.Bus.beat`."""
        self._fed_until_ms = self._clock() * 1000 + seconds * 1000

    def is_fed(self) -> bool:
        """See `signalman.ports.Bus.is_fed`."""
        return self._clock() * 1000 < self._fed_until_ms

    def save(self) -> MemoryData:
        """Everything as it is now, for `restore`."""
        feeds = {feed: found.copy() for feed, found in self._feeds.items()}
        return MemoryData(feeds, self._fence.copy(), self._born_ms)

    def restore(self, data: MemoryData | None = None) -> None:
        """Be as a server that lost everything, or came back with older *data*."""
        data = data or MemoryData()
        self._feeds = {feed: found.copy() for feed, found in data.feeds.items()}
        self._fence, self._born_ms = data.fence.copy(), data.born_ms

    def _find(self, feed: Feed) -> MemoryFeed | None:
        found = self._feeds.get(feed)
        if found is not None and self.now_ms() - found.ms >= self._limits.idle_seconds * 1000:
            del self._feeds[feed]
            return None
        if found is not None:
            found.age(self.now_ms())
        return found

    def _begun(self, feed: Feed, now_ms: int) -> MemoryFeed:
        found = self._find(feed)
        if found is None:
            if self._born_ms is None:
                self._born_ms = now_ms
            # What was forgotten because it was idle ended before this.
            since_ms = max(self._born_ms, int(now_ms - self._limits.idle_seconds * 1000))
            found = self._feeds[feed] = MemoryFeed(
                feed, self._limits, self._epoch or token_hex(8), now_ms, since_ms, ms=now_ms
            )
        return found

    def _put(self, feed: Feed, events: Sequence[OutgoingEvent], now_ms: int) -> int:
        found = self._begun(feed, now_ms)
        new = [event.data for event in found.sift(events, now_ms)]
        if new:
            publication = found.put(new, now_ms)
            for bus in self._buses:
                bus.deliver(feed, lambda listener: listener.publication(publication))
        return len(new)

    def _retire(self, found: MemoryFeed, reason: str) -> None:
        found.retire(token_hex(8), self.now_ms())
        feed, position = found.feed, found.position
        for bus in self._buses:
            bus.deliver(feed, lambda listener: listener.retired(feed, position, reason))


class MemoryBus:
    """A bus of this process, alone unless it shares its hub with others."""

    def __init__(self, hub: MemoryHub | None = None) -> None:
        self._hub = hub or MemoryHub()
        self._hub.join(self)
        self._listener: BusListener | None = None
        self._subscribed: set[Feed] = set()
        self.up = True
        """Nothing can take it away."""

    async def publish(self, batch: Sequence[Outgoing]) -> Published:
        """See `signalman.ports.Bus`."""
        return self._hub.publish(batch)

    async def retire(self, reason: str) -> None:
        """See `signalman.ports.Bus`."""
        self._hub.retire(reason)

    async def beat(self, seconds: float) -> None:
        """See `signalman.ports.Bus`."""
        self._hub.beat(seconds)

    async def is_fed(self) -> bool:
        """See `signalman.ports.Bus`."""
        return self._hub.is_fed()

    def now_ms(self) -> int:
        """See `signalman.ports.Bus`."""
        return self._hub.now_ms()

    def listen(self, listener: BusListener) -> None:
        """See `signalman.ports.Bus`."""
        if self._listener is not None:
            raise RuntimeError("the bus has its listener already")
        self._listener = listener

    async def subscribe(self, feed: Feed) -> Position | None:
        """See `signalman.ports.Bus`."""
        if self._listener is None:
            raise RuntimeError("name the listener before the first subscription")
        self._subscribed.add(feed)
        return self._hub.position(feed)

    async def unsubscribe(self, feed: Feed) -> None:
        """See `signalman.ports.Bus`."""
        self._subscribed.discard(feed)

    async def history(self, feed: Feed, since_ms: int) -> History:
        """See `signalman.ports.Bus`."""
        return self._hub.history(feed, since_ms)

    async def missed(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        """See `signalman.ports.Bus`."""
        return self._hub.missed(feed, after)

    async def ping(self) -> None:
        """It answers."""

    def deliver(self, feed: Feed, tell: Callable[[BusListener], None]) -> None:
        """*tell* the listener about *feed* if it is subscribed: soon, since a listener is never called from within a
        call of its own.
        """
        if self._listener is not None and feed in self._subscribed:
            asyncio.get_running_loop().call_soon(tell, self._listener)


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset
