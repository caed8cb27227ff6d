"""What only the Kafka source can go through: codecs, huge and broken batches, brokers and topics that come and go."""

import asyncio
import os
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.util import calc_crc32c
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient
from structlog.testing import capture_logs

from signalman.backends.kafka import KafkaSource
from signalman.backends.kafka_connection import KafkaConnection
from signalman.backends.kafka_producer import KafkaSink
from signalman.errors import BackendUnavailable
from signalman.event import Batch, Record
from tests.contract.listening import PATIENCE
from tests.contract.media import CONSUMERS, KafkaMedium, Reader, is_placed
from tests.servers import Kafka, MissingServerError, free_port, wait_for_async

# The head of a record batch: offset, length, leader epoch, magic, CRC, attributes.
HEAD = struct.Struct(">qiibIh")
CRC_AT, ATTRIBUTES_AT, PAYLOAD_AT = 17, 21, 61


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A real broker for this module alone, to be stopped and to have its files damaged."""
    try:
        server = Kafka(tmp_path_factory.mktemp("own-kafka"))
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
async def medium(real_kafka: Kafka) -> AsyncIterator[KafkaMedium]:
    """A topic on the broker that all tests share."""
    async with KafkaMedium(real_kafka) as medium:
        yield medium


def produce(server: Kafka, topic: str, codec: str | None, *values: bytes, **options: Any) -> "asyncio.Task[None]":
    """Write *values* to partition 0 as one batch."""

    async def write() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=server.bootstrap, compression_type=codec, max_batch_size=1_000_000, **options
        ) as producer:
            batch = producer.create_batch()
            for value in values:
                assert batch.append(key=None, value=value, timestamp=None) is not None
            await (await producer.send_batch(batch, topic, partition=0))

    return asyncio.create_task(write())


def damage(server: Kafka, topic: str, change: Callable[[bytearray], None]) -> None:
    """Change, on the stopped server's disk, every compressed batch of partition 0."""
    log = next(Path(server.folder, "data").glob(f"{topic}-0/*.log"))
    content = log.read_bytes()
    at = 0
    whole = bytearray()
    while at < len(content):
        _, length, *_ = HEAD.unpack_from(content, at)
        batch = bytearray(content[at : at + 12 + length])
        if batch[ATTRIBUTES_AT + 1] & 7:
            change(batch)
        whole += batch
        at += 12 + length
    log.write_bytes(whole)


def garbage_in_order(batch: bytearray) -> None:
    """A payload that no codec understands, under a checksum that is right."""
    batch[PAYLOAD_AT:] = b"\xfe" * (len(batch) - PAYLOAD_AT)
    _with_checksum(batch)


def _with_checksum(batch: bytearray) -> bytearray:
    struct.pack_into(">I", batch, CRC_AT, calc_crc32c(bytes(batch[ATTRIBUTES_AT:])))
    return batch


def wrong_checksum(batch: bytearray) -> None:
    """A payload that the disk has changed."""
    batch[-1] ^= 0xFF


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_is_read(medium: KafkaMedium, real_kafka: Kafka, codec: str) -> None:
    """Whatever codec a producer chose, its records are read."""
    values = [b"%d" % number * 100 for number in range(100)]
    async with medium.reading() as reader:
        await produce(real_kafka, medium.topic, codec, *values)
        await reader.until(100)
    assert reader.values() == values


async def test_a_huge_record_is_read(real_kafka: Kafka) -> None:
    """A record of 5 MB, far beyond what is fetched of a partition at a time, does not stop the partition; its dead
    letter, which is larger still, can be written.
    """
    huge = b"x" * 5_000_000
    medium = KafkaMedium(real_kafka)
    for topic in (medium.topic, medium.dead_letter_topic):
        await asyncio.to_thread(real_kafka.create_topic, topic, 1, max_message_bytes=9_000_000)
    source = KafkaSource(
        medium.connection, group_id=medium.group, topics=[medium.topic], dead_letter_topic=medium.dead_letter_topic
    )
    async with source, AIOKafkaProducer(bootstrap_servers=real_kafka.bootstrap, max_request_size=9_000_000) as producer:
        reader = Reader(source)
        await wait_for_async(lambda: is_placed(source), within=PATIENCE)
        for value in (b"before", huge, b"after"):
            await producer.send_and_wait(medium.topic, value, partition=0)
        await reader.until(3)
        await source.dead_letter(reader.records[1], b"y" * 8_000_000)
        (letter,) = await medium.dead_letters(1)
        await reader.stop()
    assert reader.values() == [b"before", huge, b"after"]
    assert len(letter.value) == 8_000_000


@pytest.mark.parametrize("change", [garbage_in_order, wrong_checksum])
async def test_a_batch_that_cannot_be_decoded_is_passed_over(
    own_kafka: Kafka, change: Callable[[bytearray], None]
) -> None:
    """The partition moves on behind the batch, which leaves a dead letter with its place; no record before, between,
    behind or of the other partition is lost.
    """
    async with KafkaMedium(own_kafka) as medium:
        async with medium.reading() as reader:
            for partition in range(2):
                await medium.put(None, b"0", partition=partition)
            await reader.until(2)
            await reader.commit_all()
        await produce(own_kafka, medium.topic, None, *(b"before" for _ in range(20)))
        await produce(own_kafka, medium.topic, "snappy", b"x" * 99, b"x" * 99, b"x" * 99)
        await produce(own_kafka, medium.topic, None, b"between")
        await produce(own_kafka, medium.topic, "zstd", b"y" * 99)
        await medium.put(None, b"behind")
        for number in range(700):
            await medium._producer.send(medium.topic, b"%d" % number, partition=1)  # type: ignore[union-attr]  # entered
        await medium._producer.flush()  # type: ignore[union-attr]  # entered
        await asyncio.to_thread(own_kafka.stop)
        damage(own_kafka, medium.topic, change)
        await asyncio.to_thread(own_kafka.start)

        async with medium.reading() as reader:
            records = await reader.until(722)
            first, second = (orjson.loads(letter.value) for letter in await medium.dead_letters(2))
            await medium.put(None, b"new")
            await reader.until(723)

    assert [record.value for record in records if record.partition == 0] == [b"before"] * 20 + [b"between", b"behind"]
    assert reader.values(1) == [b"%d" % number for number in range(700)]
    assert {name: first[name] for name in ("topic", "partition", "offset", "last_offset", "error", "consumer")} == {
        "topic": medium.topic,
        "partition": 0,
        "offset": 21,
        "last_offset": 23,
        "error": "undecodable_batch",
        "consumer": CONSUMERS,
    }
    assert (second["offset"], second["last_offset"]) == (25, 25)


async def test_a_header_that_is_no_text_is_passed_over(medium: KafkaMedium, real_kafka: Kafka) -> None:
    """A broker takes header names that are not UTF-8 and the client library cannot read them: what lies before such a
    record is read, the rest of its batch is named in a dead letter, and the partition moves on.
    """
    async with medium.reading() as reader:
        async with AIOKafkaProducer(bootstrap_servers=real_kafka.bootstrap) as producer:
            batch = producer.create_batch()
            for value, headers in ((b"1", []), (b"2", [("name", b"")]), (b"3", [])):
                batch.append(key=None, value=value, timestamp=None, headers=headers)
            build = batch._build
            batch._build = lambda: _with_checksum(bytearray(build().replace(b"name", b"\xff\xfe\xff\xfe")))
            await (await producer.send_batch(batch, medium.topic, partition=0))
        await medium.put(None, b"4")
        await reader.until(2)
        (letter,) = await medium.dead_letters(1)
    assert reader.values() == [b"1", b"4"]
    assert (orjson.loads(letter.value)["offset"], orjson.loads(letter.value)["last_offset"]) == (1, 2)


async def test_a_broker_that_goes_comes_back(own_kafka: Kafka) -> None:
    """While the broker is away reading goes on in vain, `up` tells, commits and dead letters fail in time; when it is
    back everything is read, by the same source.
    """
    async with KafkaMedium(own_kafka) as medium, medium.reading() as reader:
        source = reader.source
        assert isinstance(source, KafkaSource)
        source._write_timeout = source._writer._timeout = 0.5
        await medium.put(None, b"1")
        (record,) = await reader.until(1)
        await source.commit(Batch((record,)))
        assert source.up

        await asyncio.to_thread(own_kafka.stop)
        await wait_for_async(lambda: not source.up, within=PATIENCE)
        with pytest.raises(BackendUnavailable) as caught:
            await source.dead_letter(record, b"{}")
        assert caught.value.__cause__ is not None
        with pytest.raises(BackendUnavailable, match="commit"):
            await source.commit(Batch((record,)))

        await asyncio.to_thread(own_kafka.start)
        await medium.put(None, b"2")
        await wait_for_async(lambda: source.up, within=PATIENCE)
        await wait_for_async(lambda: b"2" in reader.values(), within=PATIENCE)
        source._write_timeout = source._writer._timeout = PATIENCE
        await source.dead_letter(record, b"{}")
        await reader.commit_all()


async def test_a_broker_that_is_away_at_the_start_is_waited_for(own_kafka: Kafka) -> None:
    """Entering succeeds without a broker; the source begins when there is one."""
    async with KafkaMedium(own_kafka) as medium:
        await asyncio.to_thread(own_kafka.stop)
        source = KafkaSource(
            medium.connection, group_id=medium.group, topics=[medium.topic], dead_letter_topic=medium.dead_letter_topic
        )
        with capture_logs() as logs:
            async with source:
                reader = Reader(source)
                await wait_for_async(lambda: logs, within=PATIENCE)
                up_while_away = source.up
                await asyncio.to_thread(own_kafka.start)
                await wait_for_async(lambda: is_placed(source), within=PATIENCE)
                await medium.put(None, b"1")
                await reader.until(1)
                assert (up_while_away, source.up) == (False, True)
                await reader.stop()
    assert [entry["event"] for entry in logs] == ["kafka_down", "kafka_up"]


async def test_a_missing_topic_is_waited_for(medium: KafkaMedium, real_kafka: Kafka) -> None:
    """A mirror's topic that does not exist yet neither stops the others nor is created; it is read once it is there."""
    missing = f"us-east.{medium.topic}"
    source = KafkaSource(
        medium.connection,
        group_id=medium.group,
        topics=[medium.topic, missing],
        dead_letter_topic=medium.dead_letter_topic,
    )
    with capture_logs() as logs:
        async with source:
            reader = Reader(source)
            await wait_for_async(lambda: is_placed(source), within=PATIENCE)
            await medium.put(None, b"1")
            await reader.until(1)
            await wait_for_async(lambda: logs[1:], within=PATIENCE)
            await asyncio.to_thread(real_kafka.create_topic, missing, 1)
            # Metadata is read again twice a minute; here at once.
            await source._consumer._client.force_metadata_update()  # type: ignore[union-attr]  # connected
            await wait_for_async(lambda: _has_partitions(source, 3), within=PATIENCE)
            await wait_for_async(lambda: is_placed(source), within=PATIENCE)
            await produce(real_kafka, missing, None, b"2")
            await wait_for_async(lambda: b"2" in reader.values(), within=PATIENCE)
            await reader.stop()
    missed = [entry for entry in logs if entry["event"] == "kafka_topics_missing"]
    assert [entry["topics"] for entry in missed] == [[missing]]


async def _has_partitions(source: KafkaSource, count: int) -> bool:
    return source._consumer is not None and len(source._consumer.assignment()) == count


async def test_a_commit_after_a_rebalance_is_harmless(medium: KafkaMedium) -> None:
    """When another member has taken the partitions, a commit of theirs is logged and not an error, and both members go
    on.
    """
    async with medium.reading() as first:
        await medium.put(None, b"1")
        await medium.put(None, b"2", partition=1)
        await first.until(2)
        other = AIOKafkaConsumer(
            medium.topic, bootstrap_servers=medium.server.bootstrap, group_id=medium.group, enable_auto_commit=False
        )
        await other.start()
        try:
            await wait_for_async(lambda: len(other.assignment()) == 1, within=PATIENCE)
            with capture_logs() as logs:
                await first.commit_all()
            assert {entry["event"] for entry in logs} <= {"kafka_commit_obsolete"}
        finally:
            await other.stop()


async def test_what_retention_took_is_told(medium: KafkaMedium, real_kafka: Kafka) -> None:
    """Where the broker has dropped what the group had not read yet, that is counted, and reading goes on with the
    oldest record that is there; a client library by itself would go to the end and say nothing.
    """
    async with medium.reading():
        pass
    for number in range(8):
        await medium.put(None, b"%d" % number)
    await asyncio.to_thread(drop_records, real_kafka, medium.topic, 5)
    async with medium.reading() as reader:
        await reader.until(3)
    assert reader.skipped == 5
    assert reader.values() == [b"5", b"6", b"7"]


def drop_records(server: Kafka, topic: str, before: int) -> None:
    """Do to partition 0 what retention does, now."""
    admin = AdminClient({"bootstrap.servers": server.bootstrap})
    for done in admin.delete_records([Place(topic, 0, before)]).values():
        done.result(PATIENCE)


async def test_a_commit_of_another_log_is_none(medium: KafkaMedium) -> None:
    """A commit beyond the end belongs to a log that is gone: this one is read from its first record on."""
    async with medium.reading():
        pass
    for number in range(3):
        await medium.put(None, b"%d" % number)
    async with AIOKafkaConsumer(bootstrap_servers=medium.server.bootstrap, group_id=medium.group) as consumer:
        place = TopicPartition(medium.topic, 0)
        consumer.assign([place])
        await consumer.commit({place: 1_000})
    async with medium.reading() as reader:
        await reader.until(3)
    assert (reader.values(), reader.skipped) == ([b"0", b"1", b"2"], 0)


async def test_rebalances_count_nothing_twice_and_lose_nothing(medium: KafkaMedium) -> None:
    """Another member comes and goes, several times, before what was passed over is committed: it was told once, what is
    young is all there, and the commit that comes at last covers it.
    """
    async with medium.reading():
        pass
    old = int(time.time() * 1000) - 3_600_000
    for partition in (0, 1):
        for _ in range(4):
            await medium.put(None, b"old", partition=partition, timestamp_ms=old)
        await medium.put(None, b"young", partition=partition)
    async with medium.reading(backlog_seconds=60) as reader:
        source = reader.source
        assert isinstance(source, KafkaSource)
        await reader.until_skipped(8)
        await reader.until(2)
        for _ in range(2):
            async with AIOKafkaConsumer(
                medium.topic, bootstrap_servers=medium.server.bootstrap, group_id=medium.group, enable_auto_commit=False
            ):
                await wait_for_async(lambda: _has_partitions(source, 1), within=PATIENCE)
            await wait_for_async(lambda: _has_partitions(source, 2), within=PATIENCE)
            await wait_for_async(lambda: is_placed(source), within=PATIENCE)
        for partition in (0, 1):
            await medium.put(None, b"new", partition=partition)
        await wait_for_async(lambda: {values[-1] for values in _both(reader)} == {b"new"}, within=PATIENCE)
        assert reader.skipped == 8
        for values in _both(reader):
            assert set(values) == {b"young", b"new"}
        await source.commit(Batch((), 8))
    async with medium.reading(backlog_seconds=60) as reader:
        await reader.until(4)
    assert reader.skipped == 0
    assert list(_both(reader)) == [[b"young", b"new"]] * 2


def _both(reader: Reader) -> list[list[bytes | None]]:
    return [reader.values(partition) for partition in (0, 1)]


async def test_each_member_tells_what_it_passes_over(medium: KafkaMedium) -> None:
    """Two members that start at the same time after an outage: each record that is too old is told by one of them at
    least, and each young one is read.
    """
    async with medium.reading():
        pass
    old = int(time.time() * 1000) - 3_600_000
    for partition in (0, 1):
        await medium.put(None, b"old", partition=partition, timestamp_ms=old)
        await medium.put(None, b"young", partition=partition)
    async with medium.reading(backlog_seconds=60) as first, medium.reading(backlog_seconds=60) as second:
        await wait_for_async(lambda: first.skipped + second.skipped >= 2, within=PATIENCE)
        await wait_for_async(lambda: len({(r.partition, r.offset) for r in first.records + second.records}) == 2)
        assert {record.value for record in first.records + second.records} == {b"young"}


async def test_lag_counts_what_is_unread(medium: KafkaMedium) -> None:
    """After everything is read the lag is nought."""
    async with medium.reading() as reader:
        source = reader.source
        assert isinstance(source, KafkaSource)
        for _ in range(5):
            await medium.put(None, b"x")
        await reader.until(5)
        await wait_for_async(lambda: source.lag() == 0, within=PATIENCE)


async def test_the_sink_writes_what_it_was_sent(medium: KafkaMedium) -> None:
    """Leaving the sink flushes: key, value, headers and time arrive."""
    async with medium.reading() as reader:
        async with KafkaSink(medium.connection) as sink:
            await sink.send(medium.topic, b"k", b"v", [("h", b"1")], timestamp_ms=1_700_000_000_000, partition=0)
            await sink.send(medium.topic, b"k", None, partition=0)
            await sink.flush()
        first, second = await reader.until(2)
    assert first == Record(medium.topic, 0, 0, 1_700_000_000_000, b"k", b"v", (("h", b"1"),))
    assert second.value is None


async def test_the_sink_says_what_it_could_not_write(real_kafka: Kafka) -> None:
    """A record that the broker refuses is told at the next flush, once; no broker at all is told on entering."""
    topic = f"small-{uuid4()}"
    await asyncio.to_thread(real_kafka.create_topic, topic, 1, max_message_bytes=1_000)
    async with KafkaSink(KafkaConnection([real_kafka.bootstrap])) as sink:
        # Random, since a broker measures what is compressed.
        await sink.send(topic, b"k", os.urandom(2_000))
        with pytest.raises(BackendUnavailable, match="not written"):
            await sink.flush()
        await sink.send(topic, b"k", b"small")
        await sink.flush()
    with pytest.raises(BackendUnavailable, match="no broker"):
        async with KafkaSink(KafkaConnection([f"127.0.0.1:{free_port()}"])):
            pass
