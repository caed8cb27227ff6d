"""Bus and source within one process, with the guarantees of the real ones: for `signalman dev` and for tests."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

from signalman.backends.dead_letter import dead_letter_headers, dead_letter_key
from signalman.backends.memory_log import DeadLetter, MemoryLog, Partition
from signalman.event import Feed, Outgoing, Position, Publication, Record
from signalman.ports import BusListener


class MemoryHub:
    """What several `MemoryBus` have in common, as several processes have one Redis.

    Args:
        epoch: Of all feeds; random unless given.
        clock: Unix seconds, for ``published_ms``.
    """

    def __init__(self, epoch: str | None = None, clock: Callable[[], float] = time.time) -> None:
        self._epoch = epoch or token_hex(8)
        self._clock = clock
        self._seqs: dict[Feed, int] = {}
        self._buses: list[MemoryBus] = []

    def join(self, bus: "MemoryBus") -> None:
        """Deliver to *bus* from now on."""
        self._buses.append(bus)

    def position(self, feed: Feed) -> Position | None:
        """Where *feed* stands; None when nothing was published on it."""
        seq = self._seqs.get(feed)
        return None if seq is None else Position(self._epoch, seq)

    def publish(self, outgoing: Outgoing) -> None:
        """Number the events and deliver them."""
        prev = self._seqs.get(outgoing.feed, 0)
        seq = self._seqs[outgoing.feed] = prev + len(outgoing.events)
        now_ms = int(self._clock() * 1000)
        publication = Publication(outgoing.feed, Position(self._epoch, seq), prev, now_ms, outgoing.events)
        for bus in self._buses:
            bus.deliver(publication)


class MemoryBus:
    """A bus of this process, alone unless it shares its hub with others."""

    def __init__(self, hub: MemoryHub | None = None) -> None:
        self._hub = hub or MemoryHub()
        self._hub.join(self)
        self._listener: BusListener | None = None
        self._subscribed: set[Feed] = set()
        self.up = True
        """Nothing can take it away."""

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        """See `signalman.ports.Bus`."""
        for outgoing in batch:
            if outgoing.events:
                self._hub.publish(outgoing)

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

    async def ping(self) -> None:
        """It answers."""

    def deliver(self, publication: Publication) -> None:
        """Hand *publication* to the listener if it is subscribed: soon, since a listener is never called from within a
        call of its own.
        """
        if self._listener is not None and publication.feed in self._subscribed:
            asyncio.get_running_loop().call_soon(self._listener.publication, publication)


@dataclass(slots=True)
class _Reader:
    partition: Partition
    position: int

    @property
    def behind(self) -> bool:
        return self.position < self.partition.next_offset

    def read(self, limit: int) -> list[Record]:
        records = self.partition.read(self.position, limit)
        self.position += len(records)
        return records


class MemorySource:
    """A consumer of a `MemoryLog`, the only one of its group at a time.

    A group that is new to a topic starts at its end, as it is when this is made.

    Args:
        topics: To be read; dead letters name them.
        log: Its own unless given.
        group: Whose commits count.
        max_records: Of one batch.
        consumers: Topic → the name that dead letters give as their source.
    """

    def __init__(
        self,
        topics: Sequence[str],
        *,
        log: MemoryLog | None = None,
        group: str = "signalman",
        max_records: int = 500,
        consumers: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log or MemoryLog()
        self._group = group
        self._max_records = max_records
        self._consumers = consumers or {}
        self._readers = deque(self._join(partition) for topic in topics for partition in self.log.partitions(topic))
        self.up = True
        """Nothing can take it away."""

    async def put(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        *,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> Record:
        """Append to the log; see `MemoryLog.put`."""
        return await self.log.put(topic, key, value, headers, partition=partition, timestamp_ms=timestamp_ms)

    async def batches(self) -> AsyncIterator[Sequence[Record]]:
        """See `signalman.ports.Source`."""
        while True:
            await self.log.wait(lambda: any(reader.behind for reader in self._readers))
            yield self._read()

    async def commit(self, batch: Sequence[Record]) -> None:
        """See `signalman.ports.Source`."""
        await self.log.commit(self._group, batch)

    async def dead_letter(self, record: Record, value: bytes) -> None:
        """See `signalman.ports.Source`."""
        headers = tuple(dead_letter_headers(record, self._consumers))
        self.log.dead_letters.append(DeadLetter(dead_letter_key(record), value, headers))

    def _join(self, partition: Partition) -> _Reader:
        return _Reader(partition, partition.committed.setdefault(self._group, partition.next_offset))

    def _read(self) -> list[Record]:
        batch: list[Record] = []
        for reader in self._readers:
            batch += reader.read(self._max_records - len(batch))
        # So that a busy partition does not keep the others waiting.
        self._readers.rotate(-1)
        return batch
