"""The head of a record batch as the broker stores it: where a batch ends that cannot be decoded.

Only the head is read. It is not compressed, and the broker itself has written its offsets.
"""

import struct
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, for_code
from aiokafka.protocol.fetch import FetchRequest

from signalman.backends.kafka_connection import KafkaConnection

# Kafka's record batch, version 2: base offset, length, leader epoch, magic, CRC, attributes, last offset delta, first
# and last timestamp.
_HEAD = struct.Struct(">qiibIhiqq")
_MAGIC = 2


@dataclass(frozen=True, slots=True)
class BatchHead:
    """Which records a batch holds."""

    next_offset: int
    """The first offset behind the batch."""
    timestamp_ms: int
    """Of its last record, Unix milliseconds."""


async def read_batch_head(connection: KafkaConnection, place: TopicPartition, offset: int) -> BatchHead:
    """Fetch the batch that holds *offset*, over a connection of its own.

    Raises:
        KafkaError: The broker did not give it, or gave something else.
    """
    client = AIOKafkaClient(**connection.options())
    try:
        await client.bootstrap()
        await client.add_topic(place.topic)
        leader = client.cluster.leader_for_partition(place)
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(place)
        # A broker returns the first batch whole, however few bytes are asked for.
        request = FetchRequest(1000, 1, 1, 0, [(place.topic, [(place.partition, offset, 1)])])
        response = await client.send(leader, request)
    finally:
        await client.close()
    ((_, ((_, error, *_, batch),)),) = response.topics
    if error:
        raise for_code(error)(place)
    return _parse(batch, offset)


def _parse(batch: bytes, offset: int) -> BatchHead:
    if len(batch) < _HEAD.size:
        raise KafkaError("the broker returned no record batch")
    base, _, _, magic, _, _, last_delta, _, timestamp_ms = _HEAD.unpack_from(batch)
    if magic < _MAGIC:
        # Before Kafka 0.11 there was no batch, or one whose head does not tell its end.
        return BatchHead(offset + 1, 0)
    return BatchHead(max(base + last_delta, offset) + 1, timestamp_ms)
