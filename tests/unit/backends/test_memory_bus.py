"""What is the memory bus's own, beyond the contract that it shares with the real one."""

import asyncio

from signalman.backends.feed_limits import FeedLimits
from signalman.backends.memory_bus import MemoryBus, MemoryHub
from signalman.event import Feed, History, Position, Publication
from tests.contract.listening import Listener, out

FEED = Feed("streams", ("t",))


async def test_epoch_and_clock_are_those_given() -> None:
    """With epoch and clock fixed, publications are fully predictable."""
    bus = MemoryBus(MemoryHub(epoch="e", clock=lambda: 1.5))
    listener = Listener()
    bus.listen(listener)
    await bus.subscribe(FEED)

    await bus.publish([out(FEED, b"1", b"2")])
    await asyncio.sleep(0)

    assert listener.publications == [Publication(FEED, Position("e", 2, 1500), 0, (b"1", b"2"))]


async def test_epochs_differ() -> None:
    """Each process's feeds have an epoch of their own, so that no cursor outlives it."""
    positions = []
    for bus in (MemoryBus(), MemoryBus()):
        bus.listen(Listener())
        await bus.publish([out(FEED, b"1")])
        positions.append(await bus.subscribe(FEED))
    assert positions[0] != positions[1]


async def test_a_listener_is_not_called_within_publish() -> None:
    """Delivery happens after publish, so a listener that publishes is not called within itself."""
    bus = MemoryBus()
    listener = Listener()
    bus.listen(listener)
    await bus.subscribe(FEED)
    await bus.publish([out(FEED, b"1")])
    assert listener.publications == []

    await asyncio.sleep(0)
    assert len(listener.publications) == 1


async def test_a_clock_that_goes_back_is_not_followed() -> None:
    """Times of a feed never fall, whatever the clock does."""
    now = 10.0
    bus = MemoryBus(MemoryHub(clock=lambda: now))
    await bus.publish([out(FEED, b"1")])
    now = 5.0
    await bus.publish([out(FEED, b"2")])

    assert [publication.position.ms for publication in (await bus.history(FEED, 0)).publications] == [10_000, 10_000]


async def test_ages_are_measured_exactly() -> None:
    """A publication is kept until the very moment when it is too old, and a feed until it was idle for so long."""
    times = [1_000.0]
    limits = FeedLimits(seconds=10, idle_seconds=100)
    bus = MemoryBus(MemoryHub(epoch="e", clock=lambda: times[-1], limits=limits))
    await bus.publish([out(FEED, b"1")])
    for now, publications in ((1_009.9, 1), (1_010, 0), (1_099.9, 0)):
        times.append(now)
        history = await bus.history(FEED, 0)
        assert (len(history.publications), history.since_ms) == (publications, 1_000_000)
        assert history.position == Position("e", 1, 1_000_000)
    times.append(1_100)
    assert await bus.history(FEED, 0) == History(Position("e", 0, 1_100_000), (), 1_000_000)
    times.append(1_200)
    assert await bus.history(FEED, 0) == History(Position("e", 0, 1_200_000), (), 1_100_000)
