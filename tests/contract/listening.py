"""A bus listener that remembers what it heard, and lets a test wait for it; and batches to publish."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from itertools import count

from signalman.event import Feed, Outgoing, OutgoingEvent, Position, Publication, Record

PATIENCE = 20.0
"""Seconds after which a test no longer waits; far beyond what anything here takes on a busy machine."""

_numbers = count(1)


class Listener:
    """Everything a bus told, in order."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.retirements: list[tuple[Feed, Position, str]] = []
        self.losses = 0
        self.recoveries: list[Mapping[Feed, Position | None]] = []
        self._heard = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def publication(self, publication: Publication) -> None:
        """A bus calls this."""
        self.publications.append(publication)
        self._wake()

    def retired(self, feed: Feed, position: Position, reason: str) -> None:
        """A bus calls this."""
        self.retirements.append((feed, position, reason))
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


def record(topic: str, offset: int, *, partition: int = 0, timestamp_ms: int | None = None) -> Record:
    """A record of *topic*; its time is that of its offset unless given."""
    return Record(topic, partition, offset, 1_000 + offset if timestamp_ms is None else timestamp_ms, None, None)


def part(feed: Feed, records: Iterable[Record], *, identities: Iterable[bytes] | None = None) -> Outgoing:
    """One feed's part of a batch: an event of each record, which names it, and is like no other unless *identities*
    says so.
    """
    identities = map(identity, _numbers) if identities is None else identities
    events = (
        OutgoingEvent(each, own, f"{each.topic}:{each.partition}:{each.offset}".encode())
        for each, own in zip(records, identities, strict=False)
    )
    return Outgoing(feed, tuple(events))


def identity(number: int) -> bytes:
    """The identity of an event that is like no other with another *number*."""
    return number.to_bytes(8)


def out(feed: Feed, *events: bytes) -> Outgoing:
    """One feed's part of a batch, out of records that nobody has read before."""
    topic = f"topic-{next(_numbers)}"
    return Outgoing(
        feed,
        tuple(
            OutgoingEvent(record(topic, offset), identity(next(_numbers)), data) for offset, data in enumerate(events)
        ),
    )
