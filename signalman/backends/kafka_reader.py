"""Reading assigned partitions through aiokafka without losing records to a batch that cannot be decoded.

`AIOKafkaConsumer.getmany` decodes as it hands out. When a batch of one partition cannot be decoded it raises without
naming the partition, and forgets the records of other partitions that it had already taken in the same call, though it
has moved their positions. So no call here takes records of more than one partition. A failure is then located by
reading record by record, one partition after the other, until one of them fails at its very position.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, UnsupportedCodecError

# Long enough for the broken batch to be fetched again, after which it fails again, if it is broken.
_CAREFUL_SECONDS = 10.0
_CAREFUL_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Read:
    """What one look at the partitions gave: records, or the place of a batch that cannot be decoded."""

    records: Sequence[ConsumerRecord]
    undecodable: TopicPartition | None = None
    """This partition's position lies within such a batch."""


class KafkaReader:
    """Reads what is assigned to *consumer*, up to *max_records* at a time."""

    def __init__(self, consumer: AIOKafkaConsumer, max_records: int) -> None:
        self._consumer = consumer
        self._max_records = max_records
        self._careful_until = 0.0
        self._undecodable: TopicPartition | None = None

    async def read(self, wait: float) -> Read:
        """Wait up to *wait* seconds for records. Raises aiokafka's errors, other than those of decoding.

        Once an undecodable batch is found nothing else is read until `skipped`.
        """
        if self._undecodable is not None:
            return Read([], self._undecodable)
        if self._careful:
            return await self._read_carefully()
        records = await self._read_partition(timeout_ms=int(wait * 1000), max_records=1)
        if records:
            first = TopicPartition(records[0].topic, records[0].partition)
            for partition in (first, *(self._consumer.assignment() - {first})):
                if len(records) < self._max_records and not self._careful:
                    room = self._max_records - len(records)
                    records += await self._read_partition(partition, timeout_ms=0, max_records=room)
        return Read(records)

    def skipped(self) -> None:
        """The undecodable batch is behind us."""
        self._careful_until = 0.0
        self._undecodable = None

    @property
    def _careful(self) -> bool:
        return monotonic() < self._careful_until

    async def _read_partition(
        self, *partition: TopicPartition, timeout_ms: int, max_records: int
    ) -> list[ConsumerRecord]:
        try:
            taken = await self._consumer.getmany(*partition, timeout_ms=timeout_ms, max_records=max_records)
        except Exception as error:
            if not _is_decoding(error):
                raise
            self._careful_until = monotonic() + _CAREFUL_SECONDS
            return []
        return [record for records in taken.values() for record in records]

    async def _read_carefully(self) -> Read:
        records: list[ConsumerRecord] = []
        for partition in self._consumer.assignment():
            try:
                taken = await self._consumer.getmany(partition, timeout_ms=0, max_records=1)
            except Exception as error:
                if not _is_decoding(error):
                    raise
                # After the records of the partitions before it, which are out of the consumer already.
                self._undecodable = partition
                break
            records += taken.get(partition, [])
        if not records:
            await asyncio.sleep(_CAREFUL_PAUSE)
        return Read(records)


def _is_decoding(error: Exception) -> bool:
    # Codecs and parsers raise whatever they like: OSError, zlib.error, struct.error, UnicodeDecodeError, cramjam's own.
    return not isinstance(error, KafkaError) or isinstance(error, CorruptRecordException | UnsupportedCodecError)
