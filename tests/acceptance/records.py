"""Records by hand: events whose arrival can be told one by one, and the topics that they go through."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from tests.acceptance.processes import Installation
from tests.servers.ports import wait_for_async

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0a11"
STREAM = "5eedfeed-11fe-ca57-feed-11feca570a11"
_LARGEST = 12 * 1024 * 1024


def value(id_: str, *, without: str = "", **changes: Any) -> bytes:
    """A good event of channel streams as the platform writes it, with *changes* to its envelope, *without* a member."""
    members = {
        "event_id": id_,
        "event_type": "stream_buffer",
        "timestamp": "2026-08-20T10:11:12.123456789Z",
        "source": "foghorn",
        "tenant_id": TENANT,
        "data": {"stream_id": STREAM, "node_id": "edge-1", "stream_buffer": {"buffer_state": "FULL"}},
        "schema_version": 2,
    } | changes
    members.pop(without, None)
    return orjson.dumps(members)


class Topics:
    """Writes to an installation's topics, and reads back what is in them. Use as an async context manager."""

    def __init__(self, installation: Installation, *more: str) -> None:
        self._installation = installation
        self._topics = (*installation.topics.values(), *more)
        self._bootstrap = installation.kafka.bootstrap
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, max_request_size=_LARGEST)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def begin_group(self) -> None:
        """Let the group, which must have no member yet, begin at the beginning of all topics, as one that has been
        there before: a new one would begin wherever the end is when its first member has its partitions.
        """
        group = self._installation.env["KAFKA_GROUP_ID"]
        async with AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=group) as consumer:
            places = [
                TopicPartition(topic, partition)
                for topic in self._topics
                for partition in await self._producer.partitions_for(topic)
            ]
            consumer.assign(places)
            await consumer.commit(dict.fromkeys(places, 0))

    async def put(
        self,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int = 0,
        topic: str | None = None,
    ) -> int:
        """Append a record, of the analytics topic unless told another, and return its offset."""
        written = await self._producer.send_and_wait(
            topic or self._installation.topics["analytics"], value, key=key, headers=list(headers), partition=partition
        )
        offset: int = written.offset
        return offset

    async def put_events(self, event_ids: Iterable[str], partition: int = 0) -> None:
        """Append a good event for each of *event_ids*."""
        for event_id in event_ids:
            await self.put(value(event_id), key=event_id.encode(), partition=partition)

    async def read(self, topic: str) -> list[ConsumerRecord]:
        """All records of *topic* as of now, partition by partition."""
        records: list[ConsumerRecord] = []
        async with AIOKafkaConsumer(bootstrap_servers=self._bootstrap, max_partition_fetch_bytes=_LARGEST) as consumer:
            places = [TopicPartition(topic, partition) for partition in await self._producer.partitions_for(topic)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends = await consumer.end_offsets(places)
            for place, end in sorted(ends.items()):
                while await consumer.position(place) < end:
                    records.append(await consumer.getone(place))
        return records

    async def dead_letters(self, count: int) -> list[tuple[ConsumerRecord, Mapping[str, Any]]]:
        """The dead letters with what they say, once there are *count* of them."""

        async def enough() -> list[ConsumerRecord]:
            letters = await self.read(self._installation.dead_letters)
            return letters if len(letters) >= count else []

        return [
            (letter, orjson.loads(letter.value))
            for letter in await wait_for_async(enough, within=30, interval=0.2, what=f"{count} dead letters")
        ]

    async def committed(self, partition: int = 0) -> int:
        """The next offset of the analytics topic that the group would begin at."""
        return (await self._committed())[TopicPartition(self._installation.topics["analytics"], partition)]

    async def all_committed(self) -> None:
        """Return once the group has committed everything that is in the topics."""
        await wait_for_async(self._lag_is_nought, within=15, interval=0.2, what="commits up to the end")

    async def members(self) -> int:
        """How many members of the group have partitions; 0 while they are being handed out."""
        return await asyncio.to_thread(self._members)

    def _members(self) -> int:
        group = self._installation.env["KAFKA_GROUP_ID"]
        admin = AdminClient({"bootstrap.servers": self._bootstrap})
        described = admin.describe_consumer_groups([group])[group].result(10)
        is_stable = described.state is ConsumerGroupState.STABLE
        return sum(bool(member.assignment.topic_partitions) for member in described.members) if is_stable else 0

    async def _lag_is_nought(self) -> bool:
        async with AIOKafkaConsumer(bootstrap_servers=self._bootstrap) as consumer:
            committed = await self._committed()
            return bool(committed) and committed == await consumer.end_offsets(list(committed))

    async def _committed(self) -> dict[TopicPartition, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self._installation.env["KAFKA_GROUP_ID"])
        finally:
            await admin.close()
        return {place: at.offset for place, at in offsets.items()}
