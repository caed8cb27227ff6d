"""An append-only log within the process, as the memory source's stand-in for Kafka."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from zlib import crc32

from signalman.event import Record


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the dead-letter topic."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(slots=True)
class Partition:
    """Records in offset order, and how far each group has come."""

    records: deque[Record] = field(default_factory=deque)
    """Those that some group has not committed yet."""
    next_offset: int = 0
    committed: dict[str, int] = field(default_factory=dict)
    """Group → the offset at which it goes on."""

    def read(self, offset: int, limit: int) -> list[Record]:
        """Up to *limit* records from *offset* on."""
        start = offset - (self.next_offset - len(self.records))
        return list(islice(self.records, start, start + limit))

    def first_since(self, timestamp_ms: float, offset: int) -> int:
        """The first offset from *offset* on whose record is no older than *timestamp_ms*, else the end."""
        return next(
            (each.offset for each in self.records if each.offset >= offset and each.timestamp_ms >= timestamp_ms),
            self.next_offset,
        )

    def trim(self) -> int:
        """Drop what every group has committed; returns how many that were."""
        before = len(self.records)
        needed = min(self.committed.values(), default=self.next_offset)
        while self.records and self.records[0].offset < needed:
            self.records.popleft()
        return before - len(self.records)


class MemoryLog:
    """What several `MemorySource` have in common, as several processes have one Kafka.

    A record is kept until every group that reads its topic has committed it.

    Args:
        partitions: Of each topic.
        capacity: Records kept in all. `put` waits while there are as many.
    """

    def __init__(self, partitions: int = 3, capacity: int = 10_000) -> None:
        self._partition_count = partitions
        self._capacity = capacity
        self._topics: dict[str, list[Partition]] = {}
        self._kept = 0
        self._puts = 0
        self._changed = asyncio.Condition()
        self.dead_letters: list[DeadLetter] = []
        """In the order in which they were written."""

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
        """Append a record, to the partition of its key unless *partition* names one; waits while the log is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._kept < self._capacity)
            number = self._choose(key) if partition is None else partition
            place = self.partitions(topic)[number]
            stamp = int(time.time() * 1000) if timestamp_ms is None else timestamp_ms
            record = Record(topic, number, place.next_offset, stamp, key, value, tuple(headers))
            place.next_offset += 1
            place.records.append(record)
            # Nobody can ever read what came before the first group did.
            self._kept += 1 - place.trim()
            self._changed.notify_all()
            return record

    def partitions(self, topic: str) -> list[Partition]:
        """The partitions of *topic*, which exists from the first mention."""
        return self._topics.setdefault(topic, [Partition() for _ in range(self._partition_count)])

    async def wait(self, ready: Callable[[], object]) -> None:
        """Return once *ready*, which is asked again whenever something was put or committed."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(ready()))

    async def commit(self, group: str, ends: Iterable[tuple[Partition, int]]) -> None:
        """*group* goes on at these offsets, where it was not further."""
        async with self._changed:
            for place, offset in ends:
                place.committed[group] = max(place.committed.get(group, 0), offset)
                self._kept -= place.trim()
            self._changed.notify_all()

    def _choose(self, key: bytes | None) -> int:
        self._puts += 1
        return (self._puts if key is None else crc32(key)) % self._partition_count
