"""A bus listener that remembers what it heard, and lets a test wait for it."""

import asyncio
from collections.abc import Callable, Mapping

from signalman.event import Feed, Outgoing, Position, Publication

PATIENCE = 20.0
"""Seconds after which a test no longer waits; far beyond what anything here takes on a busy machine."""


class Listener:
    """Everything a bus told, in order."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.losses = 0
        self.recoveries: list[Mapping[Feed, Position | None]] = []
        self._heard = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def publication(self, publication: Publication) -> None:
        """A bus calls this."""
        self.publications.append(publication)
        self._wake()

    def lost(self) -> None:
        """A bus calls this."""
        self.losses += 1
        self._wake()

    def recovered(self, positions: Mapping[Feed, Position | None]) -> None:
        """A bus calls this."""
        self.recoveries.append(positions)
        self._wake()

    def events(self, feed: Feed) -> list[bytes]:
        """All events of *feed*, in the order in which they came."""
        return [event for publication in self.publications if publication.feed == feed for event in publication.events]

    async def until(self, reached: Callable[[], object]) -> None:
        """Return once *reached* is true after something was heard."""
        async with asyncio.timeout(PATIENCE), self._heard:
            await self._heard.wait_for(lambda: bool(reached()))

    async def until_events(self, feed: Feed, count: int) -> list[bytes]:
        """Return the events of *feed* once there are *count*."""
        await self.until(lambda: len(self.events(feed)) >= count)
        return self.events(feed)

    def _wake(self) -> None:
        task = asyncio.get_running_loop().create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._heard:
            self._heard.notify_all()


def out(feed: Feed, *events: bytes) -> Outgoing:
    """One feed's part of a batch."""
    return Outgoing(feed, events)
