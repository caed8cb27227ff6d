"""The source over Kafka: a consumer group that outlives brokers that leave, topics that are not there yet, and batches
that nobody can decode.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic, time
from types import TracebackType
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from signalman.backends.dead_letter import dead_letter_headers, dead_letter_key
from signalman.backends.kafka_backlog import Backlog
from signalman.backends.kafka_batch import read_batch_head
from signalman.backends.kafka_connection import KafkaConnection
from signalman.backends.kafka_producer import DurableWriter
from signalman.backends.kafka_reader import KafkaReader, Read
from signalman.backends.kafka_takeover import Takeover
from signalman.errors import BackendUnavailable
from signalman.event import Batch, Record

log = structlog.get_logger(__name__)

_WAIT = 1.0
_RETRY = 1.0
# A member that rebalances waits for the others; a broker that hangs answers nothing. Both end a read.
_READ_LIMIT = 10.0
_PROBE_INTERVAL = 5.0
# Below the broker's own limit for a connection that says nothing; above any sensible rebalance.
_STALL_LIMIT = 60.0
_STOP_LIMIT = 5.0


class KafkaSource:
    """A member of a consumer group. Use as an async context manager.

    Entering does not wait for Kafka: `batches` waits for it, for ever, and `up` tells. A group that is new to a
    partition starts at its end, and from then on where it has come to. What is passed over when a partition is taken
    over is told by a batch without records, before anything of that partition is read. A topic that does not exist is
    waited for and never created; it is found within half a minute of its creation, and read from its end as it is then.

    Args:
        connection: Where Kafka is.
        group_id: The consumer group.
        topics: Names as Kafka has them, mirrors included.
        dead_letter_topic: Where records go that cannot be used.
        consumers: Topic → the name that dead letters give as their source.
        max_records: Of one batch.
        write_timeout: Seconds that a dead letter or a commit may take.
        session_timeout: Seconds without a heartbeat after which the group takes this member's partitions.
        backlog_seconds: Records that are older when their partition is taken over are passed over. None: all are read.
        clock: Unix seconds.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        group_id: str,
        topics: Sequence[str],
        dead_letter_topic: str,
        consumers: Mapping[str, str] | None = None,
        max_records: int = 500,
        write_timeout: float = 10.0,
        session_timeout: float = 30.0,
        backlog_seconds: float | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        self._connection = connection
        self._group_id = group_id
        self._topics = frozenset(topics)
        self._dead_letter_topic = dead_letter_topic
        self._consumers = consumers or {}
        self._max_records = max_records
        self._write_timeout = write_timeout
        self._session_timeout = session_timeout
        self._backlog_seconds = backlog_seconds
        self._clock = clock
        self._backlog = Backlog()
        self._writer = DurableWriter(connection, timeout=write_timeout)
        self._consumer: AIOKafkaConsumer | None = None
        self._reader: KafkaReader | None = None
        self._takeover: Takeover | None = None
        self._next_offsets: dict[TopicPartition, int] = {}
        self._missing: frozenset[str] = frozenset()
        self._answered_at = 0.0
        self._probed_at = 0.0
        self._down_told = False
        self.up = False
        """Whether Kafka answered when last asked."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._disconnect()
        await self._writer.close()

    def lag(self) -> int:
        """How many records the partitions that are read here hold beyond those that were yielded."""
        if self._consumer is None:
            return 0
        ends = {place: self._consumer.highwater(place) for place in self._consumer.assignment()}
        return sum(
            max(end - self._next_offsets[place], 0)
            for place, end in ends.items()
            if end and place in self._next_offsets
        )

    async def batches(self) -> AsyncIterator[Batch]:
        """See `signalman.ports.Source`. Raises nothing while Kafka is away."""
        while True:
            try:
                batch = await self._read()
            except BackendUnavailable as error:
                self._tell_down(error)
                await asyncio.sleep(_RETRY)
                continue
            except (KafkaError, OSError, TimeoutError) as error:
                # Of authorization, of the group, of a connection: a new consumer is the one remedy for all of them.
                self._tell_down(error)
                await self._disconnect()
                await asyncio.sleep(_RETRY)
                continue
            if batch.records or batch.skipped:
                yield batch

    async def commit(self, batch: Batch) -> None:
        """See `signalman.ports.Source`. A group that has moved on is logged: its new member reads again.

        Raises:
            BackendUnavailable: Kafka did not take it in time.
        """
        if batch.skipped:
            self._backlog.announced()
        if self._consumer is None:
            return
        offsets = self._backlog.due(self._consumer.assignment())
        for record in batch.records:
            offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        if not offsets:
            return
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._consumer.commit(offsets)
            self._backlog.committed(offsets.keys())
        except (CommitFailedError, IllegalStateError) as error:
            log.info("kafka_commit_obsolete", reason=type(error).__name__)
        except (KafkaError, OSError, TimeoutError) as error:
            raise BackendUnavailable("kafka", "did not take a commit") from error

    async def dead_letter(self, record: Record, value: bytes) -> None:
        """See `signalman.ports.Source`. The headers name the consumer, the topic, and tenant and type if known.

        Raises:
            BackendUnavailable: Not written, or nobody said so, within the timeout.
            LetterTooLarge: The topic takes no message of this size.
        """
        headers = dead_letter_headers(record, self._consumers)
        await self._writer.write(self._dead_letter_topic, dead_letter_key(record), value, headers)

    async def _read(self) -> Batch:
        consumer, reader, takeover = await self._connected()
        takeover.check()
        if skipped := takeover.tell():
            return Batch((), skipped)
        try:
            async with asyncio.timeout(_READ_LIMIT):
                read = await reader.read(_WAIT)
        except TimeoutError:
            # A rebalance under way; what was taken before it is read again after it.
            read = Read([])
        if read.undecodable is not None:
            await self._pass_over(consumer, reader, read.undecodable)
        elif read.records:
            self._answered()
            for record in read.records:
                self._next_offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        else:
            await self._probe(consumer)
        return Batch(tuple(_record(record) for record in read.records))

    async def _connected(self) -> tuple[AIOKafkaConsumer, KafkaReader, Takeover]:
        if self._consumer is None or self._reader is None or self._takeover is None:
            self._consumer = consumer = self._make_consumer()
            await consumer.start()
            self._takeover = Takeover(consumer, self._backlog, max_age=self._backlog_seconds, clock=self._clock)
            # As a pattern: a subscription by names asks the broker to create those that are not there.
            pattern = rf"(?:{'|'.join(map(re.escape, sorted(self._topics)))})\Z"
            consumer.subscribe(pattern=pattern, listener=self._takeover)
            self._reader = KafkaReader(consumer, self._max_records)
            self._next_offsets.clear()
            self._answered()
        return self._consumer, self._reader, self._takeover

    def _make_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._connection.options(),
            group_id=self._group_id,
            auto_offset_reset="latest",
            enable_auto_commit=False,
            # Prefetched per broker and per partition; a larger batch still comes, alone.
            fetch_max_bytes=8 * 1024 * 1024,
            max_partition_fetch_bytes=512 * 1024,
            session_timeout_ms=int(self._session_timeout * 1000),
            heartbeat_interval_ms=int(self._session_timeout * 100),
            rebalance_timeout_ms=30_000,
            # How soon a topic that was missing is found.
            metadata_max_age_ms=30_000,
        )

    async def _pass_over(self, consumer: AIOKafkaConsumer, reader: KafkaReader, place: TopicPartition) -> None:
        offset = await consumer.position(place)
        head = await read_batch_head(self._connection, place, offset)
        log.error(
            "kafka_batch_undecodable",
            topic=place.topic,
            partition=place.partition,
            offset=offset,
            next_offset=head.next_offset,
        )
        record = Record(place.topic, place.partition, offset, head.timestamp_ms, None, None)
        await self.dead_letter(record, self._undecodable(record, head.next_offset - 1))
        consumer.seek(place, head.next_offset)
        reader.skipped()

    def _undecodable(self, record: Record, last_offset: int) -> bytes:
        letter = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "last_offset": last_offset,
            "timestamp": datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "value_base64": "",
            "error": "undecodable_batch",
            "consumer": self._consumers.get(record.topic, "signalman"),
        }
        return json.dumps(letter).encode()

    async def _probe(self, consumer: AIOKafkaConsumer) -> None:
        """Nothing came: because there is nothing, or because nobody answers?"""
        if monotonic() - self._probed_at < _PROBE_INTERVAL:
            return
        self._probed_at = monotonic()
        try:
            async with asyncio.timeout(_PROBE_INTERVAL):
                self._tell_missing(self._topics - await consumer.topics())
        except (KafkaError, OSError, TimeoutError) as error:
            self._tell_down(error)
        else:
            if self._is_fetching(consumer):
                self._answered()
        # The client library is known to stop fetching for good after some failures.
        if monotonic() - self._answered_at > _STALL_LIMIT:
            raise KafkaError(f"nothing was fetched for {_STALL_LIMIT:g} s")

    def _is_fetching(self, consumer: AIOKafkaConsumer) -> bool:
        """Whether every partition that is assigned was asked for lately."""
        polled = [consumer.last_poll_timestamp(place) for place in consumer.assignment()]
        return all(at and time() - at / 1000 < 2 * _PROBE_INTERVAL for at in polled)

    def _tell_missing(self, missing: frozenset[str]) -> None:
        if missing - self._missing:
            log.warning("kafka_topics_missing", topics=sorted(missing))
        self._missing = missing

    def _answered(self) -> None:
        self._answered_at = monotonic()
        if not self.up:
            self.up = True
            log.info("kafka_up")

    def _tell_down(self, error: BaseException) -> None:
        if self.up or not self._down_told:
            self._down_told = True
            log.warning("kafka_down", reason=type(error).__name__)
        self.up = False

    async def _disconnect(self) -> None:
        takeover, self._takeover = self._takeover, None
        consumer, self._consumer, self._reader = self._consumer, None, None
        if takeover is not None:
            await takeover.close()
        if consumer is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(_STOP_LIMIT):
                    await consumer.stop()


def _record(record: ConsumerRecord) -> Record:
    # A header may be null on the wire.
    headers = tuple((name, value or b"") for name, value in record.headers)
    return Record(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers)
