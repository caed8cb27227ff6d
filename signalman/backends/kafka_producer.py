"""Writing to Kafka: dead letters one by one and durably, the simulator's records in bulk."""

import asyncio
import contextlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from signalman.backends.kafka_connection import KafkaConnection
from signalman.errors import BackendUnavailable, LetterTooLarge

# A record of 8 MiB in base 64, and what is written around it.
_LARGEST = 12 * 1024 * 1024

Headers = Sequence[tuple[str, bytes]]


class DurableWriter:
    """Writes single messages and waits for all in-sync replicas. Connects when first used, and again after a failure.

    Args:
        connection: Where to.
        timeout: Seconds for connecting and writing together.
    """

    def __init__(self, connection: KafkaConnection, *, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self._producer: AIOKafkaProducer | None = None
        # Two callers must not both connect.
        self._lock = asyncio.Lock()

    async def write(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Return once *topic* has the message.

        Raises:
            BackendUnavailable: It was not written, or nobody said so, within the timeout.
            LetterTooLarge: The topic takes no message of this size.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout):
                    producer = self._producer or await self._connect()
                    await producer.send_and_wait(topic, value, key=key, headers=list(headers))
            except MessageSizeTooLargeError as error:
                raise LetterTooLarge(topic, len(value)) from error
            except (KafkaError, OSError, TimeoutError) as error:
                # What it still holds would be written later, after the caller has tried again.
                await self._drop()
                raise BackendUnavailable("kafka", f"could not write to {topic}") from error

    async def close(self) -> None:
        """Disconnect."""
        async with self._lock:
            await self._drop()

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._connection.options(), acks="all", max_request_size=_LARGEST, compression_type="zstd"
        )
        self._producer = producer
        await producer.start()
        return producer

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


class KafkaSink:
    """Writes many records: compressed with snappy and batched for up to 10 ms, as the platform's own producer does.

    Use as an async context manager; leaving it flushes.

    Raises:
        BackendUnavailable: On entering, when no broker answers.
    """

    def __init__(self, connection: KafkaConnection, *, linger_ms: int = 10) -> None:
        self._connection = connection
        self._linger_ms = linger_ms
        self._producer: AIOKafkaProducer | None = None
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        producer = AIOKafkaProducer(
            **self._connection.options(),
            acks="all",
            compression_type="snappy",
            linger_ms=self._linger_ms,
            max_batch_size=1_000_000,
            max_request_size=_LARGEST,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await _stop(producer)
            raise BackendUnavailable("kafka", "no broker answers") from error
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        *,
        timestamp_ms: int | None = None,
        partition: int | None = None,
    ) -> None:
        """Hand over a record; waits while the buffer is full, not until the record is written.

        Raises:
            BackendUnavailable: It could not be handed over.
        """
        assert self._producer is not None, "enter the sink before sending"  # noqa: S101  a fault of the program
        try:
            written = await self._producer.send(
                topic, value, key=key, headers=list(headers), timestamp_ms=timestamp_ms, partition=partition
            )
        except (KafkaError, OSError) as error:
            raise BackendUnavailable("kafka", f"could not send to {topic}") from error
        written.add_done_callback(self._remember)

    async def flush(self) -> None:
        """Return once everything handed over is written.

        Raises:
            BackendUnavailable: Since the last flush some record was not.
        """
        assert self._producer is not None, "enter the sink before flushing"  # noqa: S101  a fault of the program
        await self._producer.flush()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise BackendUnavailable("kafka", "some records were not written") from failure

    def _remember(self, written: "asyncio.Future[object]") -> None:
        if not written.cancelled() and written.exception() is not None:
            self._failure = written.exception()


async def _stop(producer: AIOKafkaProducer) -> None:
    # Stopping waits for what is unwritten, for longer than anybody here wants to wait.
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await producer.stop()
