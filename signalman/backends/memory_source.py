"""The source within one process, with the guarantees of the real one: for `signalman dev` and for tests."""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from signalman.backends.dead_letter import dead_letter_headers, dead_letter_key
from signalman.backends.memory_log import DeadLetter, MemoryLog, Partition
from signalman.event import Batch, Record


@dataclass(slots=True)
class _Reader:
    partition: Partition
    position: int
    start: int
    """Where reading begins: what the group has not read before that is passed over."""

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
        backlog_seconds: Records that are older when this is made are passed over. None: all are read.
        clock: Unix seconds.
    """

    def __init__(
        self,
        topics: Sequence[str],
        *,
        log: MemoryLog | None = None,
        group: str = "signalman",
        max_records: int = 500,
        consumers: Mapping[str, str] | None = None,
        backlog_seconds: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.log = log or MemoryLog()
        self._group = group
        self._max_records = max_records
        self._consumers = consumers or {}
        self._oldest_ms = None if backlog_seconds is None else (clock() - backlog_seconds) * 1000
        self._skipped = 0
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

    async def batches(self) -> AsyncIterator[Batch]:
        """See `signalman.ports.Source`."""
        while True:
            await self.log.wait(lambda: self._skipped or any(reader.behind for reader in self._readers))
            yield self._read()

    async def commit(self, batch: Batch) -> None:
        """See `signalman.ports.Source`."""
        ends = [(reader.partition, reader.start) for reader in self._readers] if batch.skipped else []
        ends += [(self.log.partitions(each.topic)[each.partition], each.offset + 1) for each in batch.records]
        await self.log.commit(self._group, ends)

    async def dead_letter(self, record: Record, value: bytes) -> None:
        """See `signalman.ports.Source`."""
        headers = tuple(dead_letter_headers(record, self._consumers))
        self.log.dead_letters.append(DeadLetter(dead_letter_key(record), value, headers))

    def _join(self, partition: Partition) -> _Reader:
        committed = partition.committed.setdefault(self._group, partition.next_offset)
        start = committed if self._oldest_ms is None else partition.first_since(self._oldest_ms, committed)
        self._skipped += start - committed
        return _Reader(partition, start, start)

    def _read(self) -> Batch:
        skipped, self._skipped = self._skipped, 0
        records: list[Record] = []
        for reader in self._readers:
            records += reader.read(self._max_records - len(records))
        # So that a busy partition does not keep the others waiting.
        self._readers.rotate(-1)
        return Batch(tuple(records), skipped)
