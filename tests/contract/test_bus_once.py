"""That no event enters its feed twice, whatever is published how often by whom, held against every bus."""

import asyncio

import pytest

from signalman.backends.feed_limits import FeedLimits
from signalman.event import Feed, Outgoing, Published
from signalman.ports import Bus
from tests.contract.buses import BusMedium
from tests.contract.listening import Listener, identity, out, part, record

FEED = Feed("streams", ("tenant-1",))
OTHER = Feed("streams", ("tenant-2",))
FEEDS = [Feed("streams", (f"tenant-{number}",)) for number in range(12)]


def batch(start: int, end: int) -> list[Outgoing]:
    """The records of these offsets, each for the feed that it is always for."""
    records = [record("t", offset) for offset in range(start, end)]
    return [
        part(feed, [each for each in records if each.offset % len(FEEDS) == number])
        for number, feed in enumerate(FEEDS)
    ]


async def entered(bus: Bus, *feeds: Feed) -> list[bytes]:
    """All events of *feeds*."""
    found: list[bytes] = []
    for feed in feeds:
        end = 0
        for publication in (await bus.history(feed, 0)).publications:
            assert publication.prev == end
            end = publication.position.seq
            found += publication.events
    return found


async def test_a_batch_published_again_does_not_enter_again(bus: Bus, listener: Listener) -> None:
    """The same batch a second time is dropped whole and is heard by nobody."""
    await bus.subscribe(FEED)
    records = [record("t", offset) for offset in range(5)]

    assert await bus.publish([part(FEED, records)]) == Published(5)
    assert await bus.publish([part(FEED, records)]) == Published(0, fenced=5)

    await bus.publish([out(FEED, b"last")])
    assert await listener.until_events(FEED, 6) == [b"t:0:%d" % offset for offset in range(5)] + [b"last"]
    assert [publication.prev for publication in listener.publications] == [0, 5]


async def test_overlapping_ranges_enter_once(medium: BusMedium, bus: Bus) -> None:
    """A process that was thought dead publishes ranges that overlap those of its successor, with other cuts between
    batches: each record's events enter once, in the order of the offsets.
    """
    zombie = await medium.bus()
    await bus.publish(batch(0, 40))
    await zombie.publish(batch(10, 30))
    await zombie.publish(batch(30, 60))
    await bus.publish(batch(35, 90))
    assert await zombie.publish(batch(60, 90)) == Published(0, fenced=30)

    for number, feed in enumerate(FEEDS):
        assert await entered(bus, feed) == [b"t:0:%d" % offset for offset in range(number, 90, len(FEEDS))]


async def test_partitions_have_fences_of_their_own(bus: Bus) -> None:
    """Equal offsets of other partitions and topics are other records; a topic's name cannot be taken for another's
    partition.
    """
    places = [("t", 0), ("t", 1), ("t", 11), ("t.1", 1), ("u", 0)]
    for topic, partition in places:
        assert await bus.publish([part(FEED, [record(topic, 7, partition=partition)])]) == Published(1)
    for topic, partition in places:
        assert await bus.publish([part(FEED, [record(topic, 7, partition=partition)])]) == Published(0, fenced=1)


async def test_events_of_one_record_enter_together(bus: Bus) -> None:
    """A record may bring many events: none of them is behind the fence that the first one raises."""
    same = record("t", 3)

    assert await bus.publish([part(FEED, [same] * 4)]) == Published(4)
    assert await bus.publish([part(FEED, [same] * 4)]) == Published(0, fenced=4)


async def test_publishers_at_once_over_the_same_records(medium: BusMedium) -> None:
    """Several processes publish the same partitions at the same time: each record enters once and in order."""
    publishers = [await medium.bus() for _ in range(3)]

    async def publish(bus: Bus, step: int) -> None:
        for start in range(0, 120, step):
            records = [[record("t", n, partition=p) for n in range(start, start + step)] for p in range(2)]
            await bus.publish([part(FEEDS[p], records[p]) for p in range(2)])

    await asyncio.gather(*(publish(bus, step) for bus, step in zip(publishers, (8, 12, 20), strict=True)))

    for partition in range(2):
        assert await entered(publishers[0], FEEDS[partition]) == [b"t:%d:%d" % (partition, n) for n in range(120)]


async def test_a_topic_made_anew_enters(bus: Bus) -> None:
    """When a topic was deleted and made again its offsets begin at nought: newer records enter although higher offsets
    did before, and the fence goes on from there.
    """
    await bus.publish([part(FEED, [record("t", offset, timestamp_ms=1_000) for offset in range(100)])])

    again = [record("t", offset, timestamp_ms=2_000) for offset in range(3)]
    assert await bus.publish([part(FEED, again)]) == Published(3)
    assert await bus.publish([part(FEED, again)]) == Published(0, fenced=3)
    # One whose producer's clock is behind is known by its offset.
    assert await bus.publish([part(FEED, [record("t", 3, timestamp_ms=1_500)])]) == Published(1)


async def test_a_topic_made_anew_within_a_batch(bus: Bus) -> None:
    """Only the records from the new beginning on enter; those before it did already."""
    await bus.publish([part(FEED, [record("t", offset, timestamp_ms=1_000) for offset in range(10)])])

    old = [record("t", offset, timestamp_ms=1_000) for offset in (1, 2)]
    new = [record("t", 3, timestamp_ms=2_000), record("t", 4, timestamp_ms=900)]
    assert await bus.publish([part(FEED, [*old, *new])]) == Published(2, fenced=2)


async def test_times_that_jump_do_not_open_the_fence(bus: Bus) -> None:
    """Producers' clocks differ, so times within a partition go back and forth: what entered is fenced all the same."""
    times = [5_000, 1_000, 9_000, 2_000, 9_000, 3_000]
    records = [record("t", offset, timestamp_ms=time) for offset, time in enumerate(times)]
    for each in records:
        assert await bus.publish([part(FEED, [each])]) == Published(1)
    for each in records:
        assert await bus.publish([part(FEED, [each])]) == Published(0, fenced=1)


async def test_copies_on_another_topic_are_dropped(bus: Bus) -> None:
    """A mirrored topic brings each event once more with other offsets: it is known by its identity, across batches and
    within one, and on its own feed only.
    """
    identities = [identity(10**9 + number) for number in range(4)]
    original = [record("t", offset) for offset in range(4)]
    mirrored = [record("eu.t", offset) for offset in range(4)]

    assert await bus.publish(
        [part(FEED, original[:3], identities=identities), part(FEED, mirrored[:2], identities=identities)]
    ) == Published(3, repeated=2)
    assert await bus.publish(
        [part(FEED, mirrored[2:], identities=identities[2:]), part(OTHER, original[3:], identities=identities[3:])]
    ) == Published(2, repeated=1)
    assert await entered(bus, FEED) == [b"t:0:0", b"t:0:1", b"t:0:2", b"eu.t:0:3"]


async def test_a_copy_that_was_dropped_counts_for_the_fence(bus: Bus) -> None:
    """A record whose events were copies is fenced the next time."""
    own = [identity(2 * 10**9)]
    await bus.publish([part(FEED, [record("t", 0)], identities=own)])
    assert await bus.publish([part(FEED, [record("eu.t", 5)], identities=own)]) == Published(0, repeated=1)
    assert await bus.publish([part(FEED, [record("eu.t", 5)], identities=own)]) == Published(0, fenced=1)


@pytest.mark.parametrize("limits", [FeedLimits(repeat_events=10)])
async def test_the_memory_of_copies_is_bounded(bus: Bus) -> None:
    """The newest identities are remembered, as many as the limit says at least, and at most twice as many: an older one
    enters again.
    """
    identities = [identity(3 * 10**9 + number) for number in range(31)]
    for number, own in enumerate(identities):
        await bus.publish([part(FEED, [record("t", number)], identities=[own])])

    answers = [
        await bus.publish([part(FEED, [record(f"copy-{number}", 0)], identities=[own])])
        for number, own in enumerate(identities)
        if number in (0, 21, 30)
    ]
    assert answers == [Published(1), Published(0, repeated=1), Published(0, repeated=1)]


@pytest.mark.parametrize("limits", [FeedLimits(repeat_seconds=0.05)])
async def test_the_memory_of_copies_ends(bus: Bus) -> None:
    """After the time that an identity is remembered, twice at most, it enters again."""
    own = [identity(4 * 10**9)]
    await bus.publish([part(FEED, [record("t", 0)], identities=own)])
    await passed(bus, FEED, 200)
    await bus.publish([out(FEED, b"-")])
    await passed(bus, FEED, 200)

    assert await bus.publish([part(FEED, [record("eu.t", 0)], identities=own)]) == Published(1)


@pytest.mark.parametrize("limits", [FeedLimits(repeat_events=0), FeedLimits(repeat_seconds=0)])
async def test_copies_may_be_let_in(bus: Bus) -> None:
    """Without a memory of identities only the fence keeps anything out."""
    own = [identity(5 * 10**9)]
    for topic in ("t", "eu.t"):
        assert await bus.publish([part(FEED, [record(topic, 0)], identities=own)]) == Published(1)
    assert await bus.publish([part(FEED, [record("t", 0)], identities=own)]) == Published(0, fenced=1)


async def test_a_large_batch_enters_whole(bus: Bus) -> None:
    """Thousands of events for one feed, and for as many feeds, enter in one batch; published again, overlapping, none
    of them enters twice.
    """
    records = [record("t", offset) for offset in range(9_000)]
    feeds = [Feed("streams", (f"many-{number}",)) for number in range(2_000)]
    many = [part(feed, [record("u", number, partition=number)]) for number, feed in enumerate(feeds)]

    assert await bus.publish([part(FEED, records[:6_000]), *many]) == Published(8_000)
    assert await bus.publish([part(FEED, records[3_000:]), *many]) == Published(3_000, fenced=5_000)
    assert await entered(bus, FEED) == [b"t:0:%d" % offset for offset in range(9_000)]


async def passed(bus: Bus, feed: Feed, milliseconds: int) -> None:
    """Return once so much time has passed on the bus since the last publication of *feed*."""
    position = (await bus.history(feed, 0)).position
    assert position is not None
    while bus.now_ms() < position.ms + milliseconds:
        await asyncio.sleep(0.01)
        await bus.ping()
