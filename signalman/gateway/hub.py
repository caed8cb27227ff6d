"""The one listener on the bus: which feeds this gateway follows, for whom, and who is told when something arrives.

A feed is subscribed on the bus while somebody watches it and given up when the last one leaves.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Mapping
from itertools import count
from typing import Any, Protocol

import structlog

from signalman.errors import BackendUnavailable
from signalman.event import Feed, Position, Publication
from signalman.gateway import frames
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.ports import Bus

log = structlog.get_logger(__name__)


class Watcher(Protocol):
    """Who is told of news. Called on the event loop; must not block or raise."""

    def wake(self) -> None:
        """A view that it watches has something new."""
        ...

    def notice(self, frame: bytes) -> None:
        """Something that concerns every client."""
        ...


class _Following:
    """One feed, how many use it, and whether the bus has acknowledged it."""

    def __init__(self, followed: FollowedFeed) -> None:
        self.followed = followed
        self.users = 0
        self.subscribed = False
        # Subscribing and giving up take time on the bus; whoever comes meanwhile waits for the outcome.
        self.lock = asyncio.Lock()


class Hub:
    """Feeds, views and their watchers."""

    def __init__(self, bus: Bus, metrics: Metrics, *, max_frames: int, max_bytes: int) -> None:
        self._bus = bus
        self._metrics = metrics
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._feeds: dict[Feed, _Following] = {}
        self._watchers: defaultdict[View, set[Watcher]] = defaultdict(set)
        self._everyone: set[Watcher] = set()
        self._names: Iterator[str] = (f"v{n}" for n in count(1))
        self._tasks: set[asyncio.Task[None]] = set()
        self.bus_lost = False
        bus.listen(self)

    def enter(self, watcher: Watcher) -> None:
        """Tell *watcher* from now on what concerns every client."""
        self._everyone.add(watcher)

    def leave(self, watcher: Watcher) -> None:
        """Tell *watcher* nothing any more. Its views are given up one by one with `release`."""
        self._everyone.discard(watcher)

    @property
    def feeds(self) -> int:
        """How many are followed."""
        return len(self._feeds)

    @property
    def views(self) -> int:
        """How many are watched."""
        return len(self._watchers)

    async def watch(self, feed: Feed, filter_: Filter, watcher: Watcher) -> View:
        """Follow *feed* and wake *watcher* at every change of its view through *filter_*.

        When this returns the bus has acknowledged: whatever is published from now on will be in the view.

        Raises:
            BackendUnavailable: The bus did not acknowledge. Nothing is left behind.
        """
        following = self._following(feed)
        following.users += 1
        try:
            async with following.lock:
                if not following.subscribed:
                    following.followed.start(await self._bus.subscribe(feed))
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
            following.followed.views.pop(view.filter, None)
        following.users -= 1
        if following.users == 0:
            await self._give_up(following)
        self._count()

    def publication(self, publication: Publication) -> None:
        """Part of `BusListener`."""
        following = self._feeds.get(publication.feed)
        if following is None:
            return  # given up; the bus may still have had something under way
        self._wake(following.followed.publication(publication))

    def lost(self) -> None:
        """Part of `BusListener`."""
        self.bus_lost = True
        self._metrics.backend_up.labels("bus").set(0)
        self._tell_everyone(frames.simple("stale", backend="bus"))

    def recovered(self, positions: Mapping[Feed, Position | None]) -> None:
        """Part of `BusListener`."""
        self.bus_lost = False
        self._metrics.backend_up.labels("bus").set(1)
        for feed, position in positions.items():
            following = self._feeds.get(feed)
            if following is not None:
                self._wake(following.followed.recovered(position))
        self._tell_everyone(frames.simple("fresh", backend="bus"))

    def _following(self, feed: Feed) -> _Following:
        following = self._feeds.get(feed)
        if following is None:
            followed = FollowedFeed(feed, self._names, max_frames=self._max_frames, max_bytes=self._max_bytes)
            following = self._feeds[feed] = _Following(followed)
        return following

    async def _give_up(self, following: _Following) -> None:
        feed = following.followed.feed
        async with following.lock:
            # Somebody may have come while we waited for the lock.
            if following.users == 0:
                following.subscribed = False
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

    def _wake(self, views: list[View]) -> None:
        for view in views:
            for watcher in self._watchers.get(view, ()):
                watcher.wake()

    def _tell_everyone(self, frame: bytes) -> None:
        for watcher in list(self._everyone):
            watcher.notice(frame)

    def _count(self) -> None:
        self._metrics.feeds.set(self.feeds)
        self._metrics.views.set(self.views)
