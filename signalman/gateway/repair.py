"""Asks the bus about feeds that may have missed something, until they have not: a bounded number at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from signalman.errors import BackendUnavailable
from signalman.event import Feed
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.view import View
from signalman.ports import Bus

log = structlog.get_logger(__name__)

AT_A_TIME = 32
"""Questions under way; after a loss, every feed of the gateway may have one."""

PAUSE = 1.0
"""How long to wait before a bus that gave no answer, and was not told to be away, is asked again, seconds."""


class Repairs:
    """The questions of all feeds.

    Args:
        bus: Which is asked.
        tell: Told of a feed that got an answer, and of its views that have something new.
        reach: How far back the past of a feed is wanted, seconds.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        bus: Bus,
        tell: Callable[[Feed, Iterable[View]], None],
        *,
        reach: float,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._bus = bus
        self._tell = tell
        self._reach = reach
        self._sleep = sleep
        self._room = asyncio.Semaphore(AT_A_TIME)
        self._there = asyncio.Event()
        self._there.set()
        self._tasks: dict[FollowedFeed, asyncio.Task[None]] = {}

    def lost(self) -> None:
        """The bus is away; it is not asked until `recovered`."""
        self._there.clear()

    def recovered(self) -> None:
        """The bus is back."""
        self._there.set()

    def begin(self, followed: FollowedFeed) -> "asyncio.Task[None]":
        """Ask in the background, again and again where there is no answer; ends when nothing is missing."""
        task = self._tasks.get(followed)
        if task is None:
            task = self._tasks[followed] = asyncio.create_task(self._run(followed), name="repair")
            task.add_done_callback(_report)
        return task

    def end(self, followed: FollowedFeed) -> None:
        """The feed is followed no more."""
        task = self._tasks.pop(followed, None)
        if task is not None:
            task.cancel()

    async def fill(self, followed: FollowedFeed) -> None:
        """Ask until nothing is missing.

        Raises:
            BackendUnavailable: The bus did not answer.
        """
        while followed.filling:
            async with self._room:
                if followed.filling:  # still, after waiting for room
                    await self._ask(followed)

    async def _run(self, followed: FollowedFeed) -> None:
        try:
            while followed.filling:
                await self._there.wait()
                try:
                    await self.fill(followed)
                except BackendUnavailable as error:
                    log.warning("repair_failed", channel=followed.feed.channel, detail=str(error))
                    if self._there.is_set():
                        await self._sleep(PAUSE)
        finally:
            # In the same step as the last look at `filling`: a hole that shows a moment later begins anew.
            self._tasks.pop(followed, None)

    async def _ask(self, followed: FollowedFeed) -> None:
        ask = followed.ask()
        if ask.after is not None:
            missed = await self._bus.missed(followed.feed, ask.after)
            self._tell(followed.feed, followed.repaired(ask, missed, self._bus.now_ms()))
        else:
            since_ms = self._bus.now_ms() - int(self._reach * 1000)
            history = await self._bus.history(followed.feed, since_ms)
            self._tell(followed.feed, followed.restarted(ask, history, self._bus.now_ms()))


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("repair_died", exc_info=error)
