"""What is the memory source's own, beyond the contract that it shares with the real one."""

import asyncio

import pytest

from signalman.backends.memory_log import MemoryLog
from signalman.backends.memory_source import MemorySource
from signalman.event import Batch


async def test_a_full_log_holds_up_those_who_put() -> None:
    """Beyond its capacity `put` waits, until the group has committed."""
    source = MemorySource(["t"], log=MemoryLog(partitions=1, capacity=2))
    records = [await source.put("t", None, b"%d" % number) for number in range(2)]
    waiting = asyncio.create_task(source.put("t", None, b"2"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()

    await source.commit(Batch((records[0],)))
    assert (await waiting).offset == 2


async def test_without_readers_nothing_is_kept() -> None:
    """Nobody can read what came before the first group, so it does not fill the log."""
    log = MemoryLog(partitions=1, capacity=1)
    for _ in range(5):
        await log.put("t", None, b"x")
    assert [len(partition.records) for partition in log.partitions("t")] == [0]


async def test_what_was_passed_over_does_not_fill_the_log() -> None:
    """Once that is committed, it is kept no longer."""
    log = MemoryLog(partitions=1, capacity=2)
    MemorySource(["t"], log=log)
    for stamp in (1_000, 2_000):
        await log.put("t", None, b"old", timestamp_ms=stamp)
    source = MemorySource(["t"], log=log, backlog_seconds=10, clock=lambda: 20.0)
    batch = await anext(source.batches())
    assert batch == Batch((), skipped=2)
    await source.commit(batch)
    assert [len(partition.records) for partition in log.partitions("t")] == [0]


async def test_the_age_is_measured_by_its_clock() -> None:
    """A record of exactly the limit is read."""
    log = MemoryLog(partitions=1)
    MemorySource(["t"], log=log)
    for stamp in (9_999, 10_000, 10_001):
        await log.put("t", None, b"%d" % stamp, timestamp_ms=stamp)
    source = MemorySource(["t"], log=log, backlog_seconds=10, clock=lambda: 20.0)
    batch = await anext(source.batches())
    assert ([record.value for record in batch.records], batch.skipped) == ([b"10000", b"10001"], 1)


async def test_keys_choose_partitions() -> None:
    """Equal keys meet in one partition, different keys spread, and records without one take turns."""
    log = MemoryLog(partitions=3)
    same = {(await log.put("t", b"k", b"")).partition for _ in range(10)}
    spread = {(await log.put("t", b"%d" % number, b"")).partition for number in range(50)}
    turns = [(await log.put("t", None, b"")).partition for _ in range(3)]
    assert len(same) == 1
    assert spread == {0, 1, 2}
    assert sorted(turns) == [0, 1, 2]


async def test_a_busy_partition_does_not_starve_the_others() -> None:
    """With batches smaller than what one partition holds, the others get their turn."""
    source = MemorySource(["t"], log=MemoryLog(partitions=2), max_records=2)
    for _ in range(8):
        await source.put("t", None, b"busy", partition=0)
    await source.put("t", None, b"quiet", partition=1)

    batches = source.batches()
    first, second = [(await anext(batches)).records for _ in range(2)]
    assert [record.value for record in first] == [b"busy", b"busy"]
    assert second[0].value == b"quiet"


async def test_the_sources_of_a_process_are_separate() -> None:
    """Sources without a common log share nothing."""
    source, other = MemorySource(["t"]), MemorySource(["t"])
    await source.put("t", b"k", b"v")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(other.batches())
