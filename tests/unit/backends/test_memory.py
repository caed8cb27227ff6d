"""What is the memory bus's and source's own, beyond the contract that they share with the real ones."""

import asyncio

import pytest

from signalman.backends.memory import MemoryBus, MemoryHub, MemorySource
from signalman.backends.memory_log import MemoryLog
from signalman.event import Feed, Outgoing, Position, Publication
from tests.contract.listening import Listener

FEED = Feed("streams", ("t",))


async def test_epoch_and_clock_are_those_given() -> None:
    """With epoch and clock fixed, publications are fully predictable."""
    bus = MemoryBus(MemoryHub(epoch="e", clock=lambda: 1.5))
    listener = Listener()
    bus.listen(listener)
    await bus.subscribe(FEED)

    await bus.publish([Outgoing(FEED, (b"1", b"2"))])
    await asyncio.sleep(0)

    assert listener.publications == [Publication(FEED, Position("e", 2), 0, 1500, (b"1", b"2"))]


async def test_epochs_differ() -> None:
    """Each process's feeds have an epoch of their own, so that no cursor outlives it."""
    positions = []
    for bus in (MemoryBus(), MemoryBus()):
        bus.listen(Listener())
        await bus.publish([Outgoing(FEED, (b"1",))])
        positions.append(await bus.subscribe(FEED))
    assert positions[0] != positions[1]


async def test_a_listener_is_not_called_within_publish() -> None:
    """Delivery happens after publish, so a listener that publishes is not called within itself."""
    bus = MemoryBus()
    listener = Listener()
    bus.listen(listener)
    await bus.subscribe(FEED)
    await bus.publish([Outgoing(FEED, (b"1",))])
    assert listener.publications == []

    await asyncio.sleep(0)
    assert len(listener.publications) == 1


async def test_a_full_log_holds_up_those_who_put() -> None:
    """Beyond its capacity `put` waits, until the group has committed."""
    source = MemorySource(["t"], log=MemoryLog(partitions=1, capacity=2))
    records = [await source.put("t", None, b"%d" % number) for number in range(2)]
    waiting = asyncio.create_task(source.put("t", None, b"2"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()

    await source.commit(records[:1])
    assert (await waiting).offset == 2


async def test_without_readers_nothing_is_kept() -> None:
    """Nobody can read what came before the first group, so it does not fill the log."""
    log = MemoryLog(partitions=1, capacity=1)
    for _ in range(5):
        await log.put("t", None, b"x")
    assert [len(partition.records) for partition in log.partitions("t")] == [0]


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
    first, second = [await anext(batches) for _ in range(2)]
    assert [record.value for record in first] == [b"busy", b"busy"]
    assert second[0].value == b"quiet"


async def test_the_sources_of_a_process_are_separate() -> None:
    """Sources without a common log share nothing."""
    source, other = MemorySource(["t"]), MemorySource(["t"])
    await source.put("t", b"k", b"v")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(other.batches())
