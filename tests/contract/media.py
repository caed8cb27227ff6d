"""What sources read from, with one face for memory and Kafka: make a source, put records in, see the dead letters."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from signalman.backends.kafka import KafkaSource
from signalman.backends.kafka_connection import KafkaConnection
from signalman.backends.memory_log import DeadLetter, MemoryLog
from signalman.backends.memory_source import MemorySource
from signalman.event import Batch, Record
from signalman.ports import Source
from tests.contract.listening import PATIENCE
from tests.servers import Kafka, MockKafka, wait_for_async

PARTITIONS = 2
CONSUMERS = "signalman-test"


class Reader:
    """Reads a source in the background, as a relay does, and remembers what came."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.batches: list[Batch] = []
        self._task = asyncio.create_task(self._read())

    @property
    def records(self) -> list[Record]:
        """All of them, in the order in which they came."""
        return [record for batch in self.batches for record in batch.records]

    @property
    def skipped(self) -> int:
        """How many records were passed over."""
        return sum(batch.skipped for batch in self.batches)

    def values(self, partition: int = 0) -> list[bytes | None]:
        """The values of one partition, in order."""
        return [record.value for record in self.records if record.partition == partition]

    async def until(self, count: int) -> list[Record]:
        """Return the records once there are *count*."""
        await self._until(lambda: len(self.records) >= count)
        return self.records

    async def until_skipped(self, count: int) -> None:
        """Return once *count* records were passed over."""
        await self._until(lambda: self.skipped >= count)

    async def commit_all(self) -> None:
        """Commit every batch that came, one by one."""
        for batch in list(self.batches):
            await self.source.commit(batch)

    async def stop(self) -> None:
        """Read no more."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _until(self, reached: Callable[[], bool]) -> None:
        await wait_for_async(lambda: self._task.done() or reached(), within=PATIENCE)
        if self._task.done():
            self._task.result()

    async def _read(self) -> None:
        async for batch in self.source.batches():
            self.batches.append(batch)


class Medium(ABC):
    """A log with one topic of `PARTITIONS` partitions and a dead-letter topic."""

    def __init__(self) -> None:
        self.topic = f"events-{uuid4()}"
        self.group = f"group-{uuid4()}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    @abstractmethod
    def reading(
        self, group: str | None = None, *, backlog_seconds: float | None = None
    ) -> AbstractAsyncContextManager[Reader]:
        """A source of *group* that is read; entered once its starting place is fixed."""

    @abstractmethod
    async def put(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int = 0,
        timestamp_ms: int | None = None,
    ) -> None:
        """Append a record."""

    @abstractmethod
    async def dead_letters(self, count: int) -> list[DeadLetter]:
        """The first *count* dead letters."""


class MemoryMedium(Medium):
    """Within the process."""

    def __init__(self) -> None:
        super().__init__()
        self.log = MemoryLog(PARTITIONS)

    @asynccontextmanager
    async def reading(self, group: str | None = None, *, backlog_seconds: float | None = None) -> AsyncIterator[Reader]:
        """See `Medium.reading`."""
        source = MemorySource(
            [self.topic],
            log=self.log,
            group=group or self.group,
            consumers={self.topic: CONSUMERS},
            backlog_seconds=backlog_seconds,
        )
        reader = Reader(source)
        try:
            yield reader
        finally:
            await reader.stop()

    async def put(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int = 0,
        timestamp_ms: int | None = None,
    ) -> None:
        """See `Medium.put`."""
        await self.log.put(self.topic, key, value, headers, partition=partition, timestamp_ms=timestamp_ms)

    async def dead_letters(self, count: int) -> list[DeadLetter]:
        """See `Medium.dead_letters`."""
        return self.log.dead_letters[:count]


class KafkaMedium(Medium):
    """A Kafka server."""

    def __init__(self, server: Kafka | MockKafka) -> None:
        super().__init__()
        self.server = server
        self.connection = KafkaConnection([server.bootstrap], client_id="signalman-test")
        self.dead_letter_topic = f"dead-{self.topic}"
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.server.create_topic, self.topic, PARTITIONS)
        await asyncio.to_thread(self.server.create_topic, self.dead_letter_topic, 1)
        self._producer = AIOKafkaProducer(bootstrap_servers=self.server.bootstrap, max_request_size=9_000_000)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._producer is not None:
            await self._producer.stop()

    @asynccontextmanager
    async def reading(self, group: str | None = None, *, backlog_seconds: float | None = None) -> AsyncIterator[Reader]:
        """See `Medium.reading`."""
        source = KafkaSource(
            self.connection,
            group_id=group or self.group,
            topics=[self.topic],
            dead_letter_topic=self.dead_letter_topic,
            consumers={self.topic: CONSUMERS},
            backlog_seconds=backlog_seconds,
        )
        async with source:
            reader = Reader(source)
            try:
                await wait_for_async(lambda: is_placed(source), within=PATIENCE)
                yield reader
            finally:
                await reader.stop()

    async def put(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int = 0,
        timestamp_ms: int | None = None,
    ) -> None:
        """See `Medium.put`."""
        assert self._producer is not None
        await self._producer.send_and_wait(
            self.topic, value, key=key, headers=list(headers), partition=partition, timestamp_ms=timestamp_ms
        )

    async def dead_letters(self, count: int) -> list[DeadLetter]:
        """See `Medium.dead_letters`."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.server.bootstrap, max_partition_fetch_bytes=20_000_000)
        await consumer.start()
        try:
            place = TopicPartition(self.dead_letter_topic, 0)
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            async with asyncio.timeout(PATIENCE):
                records = [await consumer.getone() for _ in range(count)]
        finally:
            await consumer.stop()
        return [DeadLetter(record.key, record.value, tuple(record.headers)) for record in records]


def is_placed(source: KafkaSource) -> bool:
    """Whether it has partitions and knows where to start on each."""
    consumer, takeover = source._consumer, source._takeover
    if consumer is None or takeover is None or not consumer.assignment():
        return False
    return takeover.settled
