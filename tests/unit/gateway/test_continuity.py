"""Whatever happens between bus and gateway, a view is whole or starts over: never a hole, a double or a mixture."""

from collections import deque
from itertools import count, pairwise

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signalman.event import History, Position, Publication
from signalman.gateway.feed import Ask, FollowedFeed
from signalman.gateway.log import LogLimits
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.metrics import Metrics
from tests.unit.gateway.make import FEED, event

ENDS = Filter(frozenset({"stream_end"}))
LIMITS = LogLimits(seconds=1e6, events=25, bytes=1 << 20)

Answer = tuple[Publication, ...] | History | None


class Past:
    """One course of things on a feed. A bus that falls back begins another that shares its beginning."""

    def __init__(self, epoch: str, born_ms: int, publications: list[Publication]) -> None:
        self.epoch = epoch
        self.born = Position(epoch, 0, born_ms)
        self.publications = publications
        self.kept = 0
        """Index of the oldest publication that the bus has not forgotten."""

    @property
    def position(self) -> Position:
        return self.publications[-1].position if self.publications else self.born

    @property
    def events(self) -> list[bytes]:
        return [event for publication in self.publications for event in publication.events]


class Wire(RuleBasedStateMachine):
    """A bus with everything that can happen to it, and one feed that is followed over it."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.ms = 1_000
        self.published_ever = False
        self.past = Past("e0", self.ms, [])
        self.pasts = [self.past]
        """Those that clients may have seen: what a bus forgot by falling back is not among them."""
        self.under_way: deque[Publication | Position] = deque()
        self.subscribed, self.lost = True, False
        self.asked: list[tuple[Ask, list[Answer]]] = []
        """With the answer that is on its way, where the bus has made it."""
        self.feed = FollowedFeed(FEED, LIMITS, Metrics(), version="1", max_frames=10_000, max_bytes=1 << 24)
        self.feed.restarted(self.feed.ask(), self.history(), self.ms)
        self.whole, self.ends = self.feed.view(Filter()), self.feed.view(ENDS)

    # What the bus does.

    @rule(size=st.integers(1, 2), fate=st.sampled_from(["heard", "heard", "late", "lost", "twice"]))
    def publish(self, size: int, fate: str = "heard") -> None:
        self.ms += 1
        self.published_ever = True
        prev = self.past.position.seq
        numbers = [next(self.numbers) for _ in range(size)]
        events = tuple(event(number, "stream_end" if number % 3 == 0 else "stream_buffer") for number in numbers)
        publication = Publication(FEED, Position(self.past.epoch, prev + size, self.ms), prev, events)
        self.past.publications.append(publication)
        if self.subscribed:
            self.under_way.extend({"lost": [], "twice": [publication] * 2}.get(fate, [publication]))
            if fate in {"heard", "twice"}:
                self.deliver()

    @rule()
    def deliver(self) -> None:
        while self.under_way:
            news = self.under_way.popleft()
            if isinstance(news, Position):
                self.feed.retired(news, "skipped", self.ms)
            else:
                self.feed.publication(news, self.ms)

    @rule(forgotten=st.integers(0, 3))
    def grow_old(self, forgotten: int) -> None:
        """The bus forgets some of its past, or, for once, all of it: the epoch is retired."""
        if forgotten:
            self.past.kept = min(self.past.kept + forgotten, len(self.past.publications))
            return
        self.ms += 1
        self.published_ever = True
        self.past = Past(f"e{next(self.numbers)}", self.ms, [])
        self.pasts.append(self.past)
        self.under_way.append(self.past.born)

    @rule(
        unheard=st.integers(0, 1),
        back=st.integers(0, 2),
        alike=st.sampled_from(["", "alike"]),
        anew=st.integers(0, 1),
        early=st.integers(0, 2),
        asks=st.sets(st.sampled_from(["away", "back", "early"])),
    )
    def outage(self, unheard: int, back: int, alike: str, anew: int, early: int, asks: set[str]) -> None:
        """The connection breaks. *unheard* publications later the bus falls back by *back*, publishes others that
        may take the very numbers of those, and *anew*; then the feed is subscribed again, and *early* publications
        arrive before that is told.
        """
        self.subscribed, self.lost = False, True
        self.under_way.clear()
        self.feed.lost()
        for _ in range(unheard):
            self.publish(1)
        self.ask_if("away" in asks)
        for publication in self.fall_back(back):
            if alike:
                self.publish(len(publication.events))
        for _ in range(anew):
            self.publish(1)
        self.ask_if("back" in asks)
        self.subscribed = True
        acknowledged = self.past.position if self.published_ever else None
        for _ in range(early):
            self.publish(1)
        self.ask_if("early" in asks)
        self.lost = False
        self.feed.recovered(acknowledged)

    def fall_back(self, count_: int) -> list[Publication]:
        keep = max(0, len(self.past.publications) - count_)
        gone = self.past.publications[keep:]
        if gone:
            self.pasts.remove(self.past)
            before, self.past = self.past, Past(self.past.epoch, self.past.born.ms, self.past.publications[:keep])
            self.past.kept = min(before.kept, keep)
            self.pasts.append(self.past)
        return gone

    # What the gateway asks.

    @precondition(lambda self: self.feed.filling)
    @rule(read=st.booleans())
    def ask(self, read: bool) -> None:  # noqa: FBT001  a hypothesis rule
        """*read*: the bus makes its answer now, which then takes its time; else only when it is given."""
        ask = self.feed.ask()
        self.asked.append((ask, [self.read(ask)] if read else []))

    @precondition(lambda self: self.feed.filling)
    @rule()
    def settle(self) -> None:
        """The bus answers before anything else happens."""
        for _ in range(4):
            if self.feed.filling:
                self.ask(read=True)
                self.answer(newest=True)
        assert not self.feed.filling

    def ask_if(self, wanted: bool) -> None:  # noqa: FBT001  as above
        if wanted and self.feed.filling:
            self.ask(read=True)

    def read(self, ask: Ask) -> Answer:
        return self.history() if ask.after is None else self.missed(ask.after)

    @precondition(lambda self: self.asked)
    @rule(newest=st.booleans())
    def answer(self, newest: bool) -> None:  # noqa: FBT001  as above
        ask, answers = self.asked.pop(-1 if newest else 0)
        answer = answers[0] if answers else self.read(ask)
        if isinstance(answer, History):
            self.feed.restarted(ask, answer, self.ms)
        else:
            self.feed.repaired(ask, answer, self.ms)

    def history(self) -> History:
        kept = self.past.publications[self.past.kept :]
        gone = self.past.publications[: self.past.kept]
        position = self.past.position if self.published_ever else None
        return History(position, tuple(kept), gone[-1].position.ms if gone else self.past.born.ms)

    def missed(self, after: Position) -> tuple[Publication, ...] | None:
        kept = self.past.publications[self.past.kept :]
        if after == self.past.position:
            return ()
        if after == self.past.born and self.past.kept == 0:
            return tuple(kept)
        indexes = [index for index, each in enumerate(kept) if each.position == after]
        return tuple(kept[indexes[0] + 1 :]) if indexes else None

    # What must be so.

    @invariant()
    def chains_have_no_hole(self) -> None:
        for view in (self.whole, self.ends):
            frames = list(view.since(view.first))
            assert all(one.position.seq == two.prev for one, two in pairwise(frames))
            assert len({frame.position.epoch for frame in frames}) <= 1
            assert not frames or frames[-1].position == view.position
        assert self.whole.position == self.feed.log.position

    @invariant()
    def what_is_certain_is_true(self) -> None:
        """Between a loss and its end a view may be wrong, and is reset then."""
        if not self.feed.filling and not self.lost:
            assert any(self.agrees(past) for past in self.pasts)

    def agrees(self, past: Past) -> bool:
        """Whether views and log are what one who always heard of *past* would have."""
        return all(self.is_part(view, past) for view in (self.whole, self.ends)) and self.log_is_part(past)

    def is_part(self, view: View, past: Past) -> bool:
        start = view.before(view.first)
        if start is None:
            return not list(view.since(view.first))
        if start.epoch != past.epoch:
            return False
        told = [orjson.dumps(each) for frame in view.since(view.first) for each in _events(frame.data)]
        return told == [each for each in past.events[start.seq : view.seq] if view.filter.matches(orjson.loads(each))]

    def log_is_part(self, past: Past) -> bool:
        at = self.feed.log.position
        if at is None:
            return True
        held = self.feed.log.after(at.seq - self.feed.log.events)
        assert held is not None
        logged = [each for publication in held for each in publication.events]
        return at.epoch == past.epoch and logged == past.events[at.seq - len(logged) : at.seq]

    def teardown(self) -> None:
        """In the end everything is delivered, and nobody is left behind."""
        for _ in range(3):
            self.publish(1)
        self.settle()
        self.chains_have_no_hole()
        assert self.feed.log.position == self.past.position
        assert self.agrees(self.past)


def _events(data: bytes) -> list[object]:
    events: list[object] = orjson.loads(data)["events"]
    return events


Wire.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestWire = Wire.TestCase
