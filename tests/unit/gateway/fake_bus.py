"""A bus in a test's hand: it keeps its promises except where the test breaks one."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from signalman.errors import BackendUnavailable
from signalman.event import Feed, History, Outgoing, Position, Publication, Published
from signalman.ports import BusListener


class FakeBus:
    """One process's end of it, and its past. Deliveries are made at once."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        """``+channel`` and ``-channel`` are subscriptions, ``?channel`` what was missed, ``*channel`` history."""
        self.listener: BusListener | None = None
        self.subscribed: set[Feed] = set()
        self.past: defaultdict[Feed, list[Publication]] = defaultdict(list)
        self.kept: dict[Feed, int] = {}
        """Index of the oldest publication that it has not forgotten."""
        self.failing = False
        self.fed = True
        self.clock_ms = 1_000_000
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = self.most_under_way = 0

    def put(self, feed: Feed, *events: bytes, epoch: str = "e1", heard: bool = True) -> Publication:
        """Publish *events*; unless *heard*, they are lost on their way."""
        at = self.position(feed)
        prev = at.seq if at and at.epoch == epoch else 0
        self.clock_ms += 1
        publication = Publication(feed, Position(epoch, prev + len(events), self.clock_ms), prev, events)
        self.past[feed].append(publication)
        if heard and feed in self.subscribed:
            self.hand(publication)
        return publication

    def hand(self, publication: Publication) -> None:
        """Deliver *publication*."""
        assert self.listener is not None
        self.listener.publication(publication)

    def forget(self, feed: Feed) -> None:
        """Keep nothing of the past."""
        self.kept[feed] = len(self.past[feed])

    def position(self, feed: Feed) -> Position | None:
        """Where *feed* stands."""
        past = self.past[feed]
        return past[-1].position if past else None

    def lose(self) -> None:
        """Go away."""
        assert self.listener is not None
        self.failing = True
        self.listener.lost()

    def come_back(self) -> None:
        """Be there again, with all feeds subscribed."""
        assert self.listener is not None
        self.failing = False
        self.listener.recovered({feed: self.position(feed) for feed in self.subscribed})

    async def publish(self, batch: Sequence[Outgoing]) -> Published:
        raise AssertionError("a gateway does not publish")

    async def retire(self, reason: str) -> None:
        raise AssertionError("a gateway does not retire")

    async def beat(self, seconds: float) -> None:
        raise AssertionError("a gateway does not beat")

    async def is_fed(self) -> bool:
        await self._answer("fed?")
        return self.fed

    def now_ms(self) -> int:
        return self.clock_ms

    def listen(self, listener: BusListener) -> None:
        self.listener = listener

    async def subscribe(self, feed: Feed) -> Position | None:
        await self._answer(f"+{feed.channel}")
        self.subscribed.add(feed)
        return self.position(feed)

    async def unsubscribe(self, feed: Feed) -> None:
        await self._answer(f"-{feed.channel}")
        self.subscribed.discard(feed)

    async def history(self, feed: Feed, since_ms: int) -> History:
        await self._answer(f"*{feed.channel}")
        at = self.position(feed)
        kept = [each for each in self._kept(feed) if each.position.ms >= since_ms]
        chain: list[Publication] = []
        for each in reversed(kept):
            if at is None or each.position.epoch != at.epoch:
                break
            chain.insert(0, each)
        gone = self.past[feed][: len(self.past[feed]) - len(chain)]
        return History(at, tuple(chain), max([since_ms - 1, *(each.position.ms for each in gone)]))

    async def missed(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        await self._answer(f"?{feed.channel}")
        kept = self._kept(feed)
        if after == self.position(feed):
            return ()
        indexes = [index for index, each in enumerate(kept) if each.position == after]
        if not indexes or kept[-1].position.epoch != after.epoch:
            return None
        return tuple(kept[indexes[0] + 1 :])

    async def ping(self) -> None:
        await self._answer("ping")

    def _kept(self, feed: Feed) -> list[Publication]:
        return self.past[feed][self.kept.get(feed, 0) :]

    async def _answer(self, call: str) -> None:
        self.calls.append(call)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.failing:
            raise BackendUnavailable("redis", "away")
