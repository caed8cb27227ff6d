"""The one listener on the bus: which feeds this gateway follows, for whom, and who is told when something arrives.

A feed is subscribed on the bus while somebody watches it and given up when the last one leaves.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import structlog

from signalman.errors import BackendUnavailable
from signalman.event import Feed, Position, Publication
from signalman.gateway import frames
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.following import Ear, Following, Watcher
from signalman.gateway.log import LogLimits
from signalman.gateway.repair import Repairs
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.ports import Bus

log = structlog.get_logger(__name__)


class Hub:
    """Feeds, views and their watchers.

    Args:
        bus: Whose listener this becomes.
        metrics: Of the process.
        versions: Channel name → digest of what the pack says about it, see `gateway.binding`.
        history: How much of each feed's past is held.
        max_frames: Of a view's log.
        max_bytes: Of a view's log.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        bus: Bus,
        metrics: Metrics,
        *,
        versions: Mapping[str, str],
        history: LogLimits,
        max_frames: int,
        max_bytes: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._metrics = metrics
        self._versions = versions
        self._history = history
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._feeds: dict[Feed, Following] = {}
        self._watchers: defaultdict[View, set[Watcher]] = defaultdict(set)
        self._moves: defaultdict[Feed, asyncio.Event] = defaultdict(asyncio.Event)
        self._everyone: set[Watcher] = set()
        self._ears: dict[Feed, Ear] = {}
        self._names: Iterator[str] = (f"v{n}" for n in count(1))
        self._tasks: set[asyncio.Task[None]] = set()
        self._repairs = Repairs(bus, self._news, reach=history.seconds, sleep=sleep)
        self._losses = 0
        self._stale: list[str] = []
        self.bus_lost = False
        """Whether the bus is away. Back, it is stale until no feed misses anything."""
        metrics.history_events.set_function(lambda: sum(each.log.events for each in self.followed()))
        metrics.history_bytes.set_function(lambda: sum(each.log.bytes for each in self.followed()))
        bus.listen(self)

    def overhear(self, ear: Ear) -> None:
        """Hand what comes on the feed of *ear*, which no client can watch, to nobody else."""
        self._ears[ear.feed] = ear

    def enter(self, watcher: Watcher) -> None:
        """Tell *watcher* from now on what concerns every client."""
        self._everyone.add(watcher)

    def leave(self, watcher: Watcher) -> None:
        """Tell *watcher* nothing any more. Its views are given up one by one with `release`."""
        self._everyone.discard(watcher)

    def followed(self) -> list[FollowedFeed]:
        """The feeds that are followed now."""
        return [following.followed for following in self._feeds.values()]

    @property
    def feeds(self) -> int:
        """How many are followed."""
        return len(self._feeds)

    @property
    def views(self) -> int:
        """How many are watched."""
        return len(self._watchers)

    @property
    def stale_backends(self) -> tuple[str, ...]:
        """What everybody was told is stale, in that order: a new client has to be told as well."""
        return tuple(self._stale)

    def now_ms(self) -> int:
        """The bus's clock, by which publications are stamped: Unix milliseconds."""
        return self._bus.now_ms()

    def position(self, view: View) -> Position | None:
        """Where the feed of *view* stands here."""
        return view.log.position

    async def reached(self, view: View, seq: int, timeout: float) -> bool:  # noqa: ASYNC109  the answer is no error
        """Whether the feed of *view*, which is watched, gets to *seq* within *timeout* seconds without a reset."""
        generation = view.generation
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while view.generation == generation and not view.log.reaches(seq):
                    await self._moves[view.feed].wait()
        return view.generation == generation and view.log.reaches(seq)

    async def watch(self, feed: Feed, filter_: Filter, watcher: Watcher) -> View:
        """Follow *feed* and wake *watcher* at every change of its view through *filter_*.

        When this returns the bus has acknowledged, and told what it has of the feed's past: that is in the view's
        `FeedLog`, and whatever is published from now on will be in the view.

        Raises:
            BackendUnavailable: The bus did not answer. Nothing is left behind.
        """
        following = self._following(feed)
        following.users += 1
        try:
            async with following.lock:
                if not following.subscribed:
                    await self._bus.subscribe(feed)
                    await self._repairs.fill(following.followed)
                    following.subscribed = True
        except BaseException:
            # One who gave up waiting may have been acknowledged in the same moment: the bus must be told.
            following.users -= 1
            self._spawn(self._give_up(following))
            raise
        view = following.followed.view(filter_)
        self._watchers[view].add(watcher)
        self._count()
        return view

    async def release(self, view: View, watcher: Watcher) -> None:
        """Undo one `watch`."""
        following = self._feeds[view.feed]
        self._watchers[view].discard(watcher)
        if not self._watchers[view]:
            del self._watchers[view]
            following.followed.views.drop(view.filter)
        following.users -= 1
        if following.users == 0:
            await self._give_up(following)
        self._count()

    def publication(self, publication: Publication) -> None:
        """Part of `BusListener`."""
        following = self._feeds.get(publication.feed)
        if following is None:
            if publication.feed in self._ears:
                self._ears[publication.feed].publication(publication)
            return  # or given up; the bus may still have had something under way
        self._news(publication.feed, following.followed.publication(publication, self._bus.now_ms()))
        self._repair(following)

    def retired(self, feed: Feed, position: Position, reason: str) -> None:
        """Part of `BusListener`."""
        following = self._feeds.get(feed)
        if following is not None:
            self._news(feed, following.followed.retired(position, reason, self._bus.now_ms()))
        elif feed in self._ears:
            self._ears[feed].retired(position)

    def lost(self) -> None:
        """Part of `BusListener`."""
        self.bus_lost = True
        self._losses += 1
        self._repairs.lost()
        for followed in self.followed():
            followed.lost()
        self._metrics.backend_up.labels("bus").set(0)
        self.stale("bus")

    def recovered(self, positions: Mapping[Feed, Position | None]) -> None:
        """Part of `BusListener`."""
        was_lost, self.bus_lost = self.bus_lost, False
        self._repairs.recovered()
        self._metrics.backend_up.labels("bus").set(1)
        for ear in self._ears.values():
            ear.recovered(positions)
        repairs = []
        for feed, following in self._feeds.items():
            if feed in positions:
                following.followed.recovered(positions[feed])
            elif was_lost:
                following.followed.spared()
            repairs += self._repair(following)
        if repairs:
            self._spawn(self._fresh_after(repairs, self._losses))
        else:
            self.fresh("bus")

    def stale(self, backend: str) -> None:
        """Tell everybody that *backend* is away, unless they know."""
        if backend not in self._stale:
            self._stale.append(backend)
            self._tell_everyone(frames.simple("stale", backend=backend))

    def fresh(self, backend: str) -> None:
        """Tell everybody that *backend* is back and nothing of it is missing, unless they know."""
        if backend in self._stale:
            self._stale.remove(backend)
            self._tell_everyone(frames.simple("fresh", backend=backend))

    def pass_time(self) -> None:
        """Now and then: let go of what is too old, and tell views without news how far their feed has come."""
        now_ms = self._bus.now_ms()
        for followed in self.followed():
            self._wake(followed.pass_time(now_ms))

    def _following(self, feed: Feed) -> Following:
        following = self._feeds.get(feed)
        if following is None:
            following = self._feeds[feed] = Following(self._unfollowed(feed))
        return following

    def _unfollowed(self, feed: Feed) -> FollowedFeed:
        return FollowedFeed(
            feed,
            self._history,
            self._metrics,
            version=self._versions[feed.channel],
            names=self._names,
            max_frames=self._max_frames,
            max_bytes=self._max_bytes,
        )

    def _repair(self, following: Following) -> list["asyncio.Task[None]"]:
        """Close the hole of a feed in the background if it has one; whoever follows it for the first time does so."""
        if following.subscribed and following.followed.filling:
            return [self._repairs.begin(following.followed)]
        return []

    async def _fresh_after(self, repairs: Iterable["asyncio.Task[None]"], losses: int) -> None:
        await asyncio.wait(repairs)
        if losses == self._losses:  # else the bus went away again, and comes back by itself
            self.fresh("bus")

    async def _give_up(self, following: Following) -> None:
        feed = following.followed.feed
        async with following.lock:
            # Somebody may have come while we waited for the lock.
            if following.users == 0:
                following.subscribed = False
                self._repairs.end(following.followed)
                # What is published from now on is missed: whoever comes next begins with nothing.
                following.followed = self._unfollowed(feed)
                await self._unsubscribe(feed)
        if following.users == 0 and self._feeds.get(feed) is following:
            del self._feeds[feed]
        self._count()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _unsubscribe(self, feed: Feed) -> None:
        try:
            await self._bus.unsubscribe(feed)
        except BackendUnavailable as error:
            log.info("unsubscribe_failed", detail=str(error))  # the bus forgot us with the connection

    def _news(self, feed: Feed, views: Iterable[View]) -> None:
        self._wake(views)
        if feed in self._moves:
            self._moves.pop(feed).set()

    def _wake(self, views: Iterable[View]) -> None:
        for view in views:
            for watcher in self._watchers.get(view, ()):
                watcher.wake()

    def _tell_everyone(self, frame: bytes) -> None:
        for watcher in list(self._everyone):
            watcher.notice(frame)

    def _count(self) -> None:
        self._metrics.feeds.set(self.feeds)
        self._metrics.views.set(self.views)
