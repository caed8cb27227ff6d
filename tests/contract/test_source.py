"""What every source promises, held against each of them."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from signalman.event import Batch, Record
from tests.contract.media import CONSUMERS, KafkaMedium, Medium, MemoryMedium


@pytest.fixture(params=["memory", "kafka"])
async def medium(request: pytest.FixtureRequest) -> AsyncIterator[Medium]:
    """A log with a topic and a dead-letter topic of its own."""
    medium = MemoryMedium() if request.param == "memory" else KafkaMedium(request.getfixturevalue("kafka"))
    async with medium:
        yield medium


async def test_a_record_is_read_as_it_was_written(medium: Medium) -> None:
    """Topic, place, time, key, value and headers arrive unchanged; an absent key or value stays absent."""
    async with medium.reading() as reader:
        headers = (("source", b"foghorn"), ("event_type", b"x"), ("source", b"again"), ("empty", b""))
        await medium.put(b"key", b'{"a":1}', headers, partition=1, timestamp_ms=1_700_000_000_123)
        await medium.put(b"gone", None, partition=1, timestamp_ms=1_700_000_000_124)
        await medium.put(None, b"", partition=1, timestamp_ms=1_700_000_000_125)

        first, second, third = await reader.until(3)
    assert first == Record(medium.topic, 1, 0, 1_700_000_000_123, b"key", b'{"a":1}', headers)
    assert second == Record(medium.topic, 1, 1, 1_700_000_000_124, b"gone", None, ())
    assert third == Record(medium.topic, 1, 2, 1_700_000_000_125, None, b"", ())


async def test_order_within_a_partition(medium: Medium) -> None:
    """Each partition's records come in offset order without hole or double, in batches that are never empty."""
    async with medium.reading() as reader:
        await asyncio.gather(
            *(medium.put(None, b"%d" % number, partition=number % 2) for number in range(1_200)),
        )
        records = await reader.until(1_200)

    for partition in range(2):
        assert [record.offset for record in records if record.partition == partition] == list(range(600))
    assert all(1 <= len(batch.records) <= 500 for batch in reader.batches)


async def test_a_new_group_starts_at_the_end(medium: Medium) -> None:
    """What was written before a group was there is not read by it."""
    await medium.put(None, b"old")
    async with medium.reading() as reader:
        await medium.put(None, b"new")
        await reader.until(1)
    assert reader.values() == [b"new"]


async def test_a_group_goes_on_where_it_committed(medium: Medium) -> None:
    """A new member of a group reads on behind the last commit: what was committed not again, what was not, again, and
    what was written in between.
    """
    async with medium.reading() as reader:
        await medium.put(None, b"1")
        await medium.put(None, b"other", partition=1)
        await reader.until(2)
        await reader.commit_all()
        await medium.put(None, b"2")
        await reader.until(3)
    await medium.put(None, b"3")

    async with medium.reading() as reader:
        await reader.until(2)
        await medium.put(None, b"4")
        await reader.until(3)
    assert reader.values(0) == [b"2", b"3", b"4"]
    assert reader.values(1) == []


async def test_reading_on_does_not_commit(medium: Medium) -> None:
    """Asking for further batches leaves earlier ones uncommitted."""
    async with medium.reading() as reader:
        await medium.put(None, b"0")
        await reader.until(1)
        await reader.commit_all()
        for number in (1, 2, 3):
            await medium.put(None, b"%d" % number)
            await reader.until(number + 1)
        await reader.source.commit(Batch(()))

    async with medium.reading() as reader:
        await reader.until(3)
    assert reader.values() == [b"1", b"2", b"3"]


async def test_groups_do_not_disturb_each_other(medium: Medium) -> None:
    """Two groups each read everything, whatever the other one commits."""
    async with medium.reading("a-" + medium.group) as first, medium.reading("b-" + medium.group) as second:
        await medium.put(None, b"1")
        await first.until(1)
        await first.commit_all()
        await second.until(1)
    assert first.records == second.records


async def test_a_group_goes_on_where_it_began(medium: Medium) -> None:
    """A group that was there, and found nothing to read, reads what was written after it had left."""
    async with medium.reading():
        pass
    await medium.put(None, b"meanwhile")

    async with medium.reading() as reader:
        await reader.until(1)
    assert reader.values() == [b"meanwhile"]


HOUR_MS = 3_600_000


@pytest.fixture(params=["memory", "kafka"])
async def left(request: pytest.FixtureRequest) -> AsyncIterator[Medium]:
    """A log whose group has left, after which came old records and young ones: in one partition old and then young, in
    the other an old one alone. A mock Kafka cannot look records up by their time.
    """
    medium = MemoryMedium() if request.param == "memory" else KafkaMedium(request.getfixturevalue("real_kafka"))
    async with medium:
        async with medium.reading():
            pass
        old = int(time.time() * 1000) - HOUR_MS
        for number in range(3):
            await medium.put(None, b"old", timestamp_ms=old + number)
        await medium.put(None, b"old", partition=1, timestamp_ms=old)
        for number in range(2):
            await medium.put(None, b"young %d" % number)
        yield medium


async def test_an_old_backlog_is_passed_over_and_told(left: Medium) -> None:
    """What is too old when a partition is taken over is counted before anything behind it is read, also where nothing
    is behind it; what is young enough is read.
    """
    async with left.reading(backlog_seconds=60) as reader:
        await reader.until(2)
        await reader.until_skipped(4)
        await left.put(None, b"new", partition=1)
        await reader.until(3)
    assert reader.skipped == 4
    assert reader.values(0) == [b"young 0", b"young 1"]
    assert reader.values(1) == [b"new"]
    counted = 0
    for batch in reader.batches:
        counted += batch.skipped
        assert counted >= (3 if batch.records else 0)


async def test_a_commit_covers_what_was_passed_over(left: Medium) -> None:
    """Not committed, it is told again to the next one; committed, it is not, and what is behind it is read."""
    for commits in (False, True):
        async with left.reading(backlog_seconds=60) as reader:
            await reader.until(2)
            await reader.until_skipped(4)
            if commits:
                await reader.source.commit(Batch((), reader.skipped))
    async with left.reading(backlog_seconds=60) as reader:
        await reader.until(2)
        await left.put(None, b"new", partition=1)
        await reader.until(3)
    assert reader.skipped == 0
    assert [*reader.values(0), *reader.values(1)] == [b"young 0", b"young 1", b"new"]


async def test_only_the_backlog_of_the_group_is_passed_over(left: Medium) -> None:
    """A group that is new has none; what arrives late while it is read is none; without a limit there is none."""
    old = int(time.time() * 1000) - HOUR_MS
    async with left.reading(f"new-{left.group}", backlog_seconds=60) as reader:
        await left.put(None, b"late", timestamp_ms=old)
        await left.put(None, b"late", partition=1, timestamp_ms=old)
        await reader.until(2)
    assert reader.skipped == 0
    assert [*reader.values(0), *reader.values(1)] == [b"late", b"late"]

    async with left.reading() as reader:
        await reader.until(8)
    assert reader.skipped == 0


async def test_a_dead_letter_keeps_key_and_origin(medium: Medium) -> None:
    """A dead letter has the value it was given, the record's key, and headers that name consumer, topic, tenant and
    type: but none of the record's other headers.
    """
    headers = (("tenant_id", b"t-1"), ("event_type", b"viewer_connect"), ("event_id", b"e"), ("secret", b"s"))
    async with medium.reading() as reader:
        await reader.source.dead_letter(Record(medium.topic, 1, 7, 0, b"key", b"{", headers), b'{"error":"x"}')

        (letter,) = await medium.dead_letters(1)
    assert (letter.key, letter.value) == (b"key", b'{"error":"x"}')
    assert letter.headers == (
        ("source", CONSUMERS.encode()),
        ("original_topic", medium.topic.encode()),
        ("tenant_id", b"t-1"),
        ("event_type", b"viewer_connect"),
    )


async def test_a_dead_letter_without_key_is_named_by_its_place(medium: Medium) -> None:
    """A record without a key gives its place as the dead letter's key."""
    async with medium.reading() as reader:
        await reader.source.dead_letter(Record(medium.topic, 1, 7, 0, None, b"{"), b"{}")

        (letter,) = await medium.dead_letters(1)
    assert letter.key == f"{medium.topic}:1:7".encode()
    assert [name for name, _ in letter.headers] == ["source", "original_topic"]
