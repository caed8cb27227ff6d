"""Whatever publishers do, each event enters its feed exactly once and in order: random histories of several publishers
against a model.
"""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from signalman.backends.feed_limits import FeedLimits
from signalman.event import Feed, Outgoing, OutgoingEvent, Published
from signalman.ports import Bus
from tests.contract.buses import BusMedium, MemoryBusMedium, RedisBusMedium
from tests.contract.listening import identity, record
from tests.servers import Redis

FEEDS = [Feed("streams", (f"tenant-{number}",)) for number in range(5)]
PARTITIONS = 2
LENGTH = 12
PUBLISHERS = 3


@dataclass(frozen=True)
class Planned:
    """A record: whose it is, how many events it brings, when, and which other record it is a copy of."""

    feed: int
    events: int
    timestamp_ms: int
    copy_of: int | None


@dataclass(frozen=True)
class Step:
    """A publisher publishes the next records of a partition, or starts over some records *back*, or, with None, where
    the others are.
    """

    publisher: int
    partition: int
    back: int | None
    length: int


Plans = list[list[Planned]]
"""Partition by partition."""


def _plans(copy_of: st.SearchStrategy[int | None]) -> st.SearchStrategy[Plans]:
    planned = st.builds(
        Planned,
        feed=st.integers(0, len(FEEDS) - 1),
        events=st.integers(0, 3),
        timestamp_ms=st.integers(0, 50),
        copy_of=copy_of,
    )
    partition = st.lists(planned, min_size=LENGTH, max_size=LENGTH)
    return st.lists(partition, min_size=PARTITIONS, max_size=PARTITIONS)


FENCE_ONLY = FeedLimits(repeat_events=0)
# With a memory of identities the fence could be left out, and nobody would notice; so it has runs of its own.
CASES = st.tuples(st.just(FENCE_ONLY), _plans(st.none())) | st.tuples(
    st.just(FeedLimits()), _plans(st.none() | st.integers(0, LENGTH - 1))
)
STEPS = st.lists(
    st.builds(
        Step,
        publisher=st.integers(0, PUBLISHERS - 1),
        partition=st.integers(0, PARTITIONS - 1),
        back=st.sampled_from([0, 0, 0, 1, 3, LENGTH, None]),
        length=st.integers(1, 5),
    ),
    max_size=40,
)


def _events(plans: Plans, partition: int, offset: int) -> Outgoing:
    """What a publisher makes of a record. One of the second partition may be a copy of one of the first."""
    plan = plans[partition][offset]
    origin = (partition, offset)
    if partition and plan.copy_of is not None:
        origin = (0, plan.copy_of)
        plan = plans[0][plan.copy_of]
    source = record("t", offset, partition=partition, timestamp_ms=plans[partition][offset].timestamp_ms)
    return Outgoing(
        FEEDS[plan.feed],
        tuple(
            OutgoingEvent(source, identity(origin[0] << 40 | origin[1] << 20 | n), b"%d:%d:%d" % (*origin, n))
            for n in range(plan.events)
        ),
    )


async def _run(medium: BusMedium, plans: Plans, steps: list[Step]) -> None:
    async with medium:
        buses = [await medium.bus() for _ in range(PUBLISHERS)]
        frontier = [0] * PARTITIONS
        cursors = [[0] * PARTITIONS for _ in range(PUBLISHERS)]
        total = Published()
        presented = 0
        everything = [Step(0, partition, LENGTH, LENGTH) for partition in range(PARTITIONS)]
        for step in steps + everything:
            cursor = cursors[step.publisher]
            own = cursor[step.partition]
            start = frontier[step.partition] if step.back is None else max(0, own - step.back)
            end = min(LENGTH, start + step.length)
            batch = [_events(plans, step.partition, offset) for offset in range(start, end)]
            done = await buses[step.publisher].publish(batch)
            presented += sum(len(outgoing.events) for outgoing in batch)
            total = Published(total.events + done.events, total.fenced + done.fenced, total.repeated + done.repeated)
            cursor[step.partition] = end
            frontier[step.partition] = max(frontier[step.partition], end)
        assert total.events + total.fenced + total.repeated == presented
        await _compare(buses[0], plans, total.events)


async def _compare(bus: Bus, plans: Plans, entered: int) -> None:
    """Each feed holds the events of its records once, those of a partition in order, numbered without a hole."""
    expected: dict[Feed, set[bytes]] = {feed: set() for feed in FEEDS}
    for partition in range(PARTITIONS):
        for offset in range(LENGTH):
            outgoing = _events(plans, partition, offset)
            expected[outgoing.feed].update(event.data for event in outgoing.events)
    for feed in FEEDS:
        history = await bus.history(feed, 0)
        events = [event for publication in history.publications for event in publication.events]
        assert len(events) == len(set(events))
        assert set(events) == expected[feed]
        assert [publication.prev for publication in history.publications] == [
            0,
            *(publication.position.seq for publication in history.publications[:-1]),
        ][: len(history.publications)]
        # A copy may come before its original, so only those of which there are none are in the order of their offsets.
        copied = {plan.copy_of for plan in plans[1]}
        places = [tuple(map(int, event.split(b":"))) for event in events]
        for partition in range(PARTITIONS):
            own = [place for place in places if place[0] == partition and (partition or place[1] not in copied)]
            assert own == sorted(own)
        entered -= len(events)
    assert entered == 0


@given(CASES, STEPS)
@settings(deadline=None, max_examples=200)
def test_memory_lets_each_event_in_once(case: tuple[FeedLimits, Plans], steps: list[Step]) -> None:
    """The memory bus against the model."""
    limits, plans = case
    asyncio.run(_run(MemoryBusMedium(limits), plans, steps))


@given(CASES, STEPS)
@settings(deadline=None, max_examples=60)
def test_redis_lets_each_event_in_once(redis_server: Redis, case: tuple[FeedLimits, Plans], steps: list[Step]) -> None:
    """The bus over Redis against the model."""
    limits, plans = case

    async def run() -> None:
        await _run(RedisBusMedium(redis_server.url, limits), plans, steps)

    asyncio.run(run())
