"""What every bus promises, held against each of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from signalman.backends.memory import MemoryBus, MemoryHub
from signalman.backends.redis_bus import RedisBus
from signalman.event import Feed, Position
from signalman.ports import Bus
from tests.contract.listening import Listener, out

FEED = Feed("streams", ("tenant-1",))
OTHER = Feed("streams", ("tenant-2",))

# Each pair must stay apart, and each must survive the way through names and back.
HOSTILE = [
    Feed("streams", ("a:b",)),
    Feed("streams", ("a", "b")),
    Feed("streams:a", ("b",)),
    Feed("streams", ("a%3Ab",)),
    Feed("streams", ()),
    Feed("streams", ("",)),
    Feed("streams", ("", "")),
    Feed("streams", ("{s00}",)),
    Feed("streams", ("}:feed:{",)),
    Feed("streams", ("*",)),
    Feed("streams", ("\r\nFLUSHALL\r\n",)),
    Feed("streams", ("\x00",)),
    Feed("streams", ("\u00e9",)),
    Feed("streams", ("e\u0301",)),
    Feed("streams", ("\ud800",)),
    Feed("streams", ("x" * 10_000,)),
]

BusFactory = Callable[[], Bus]


@pytest.fixture(params=["memory", "redis"])
async def make_bus(request: pytest.FixtureRequest) -> AsyncIterator[BusFactory]:
    """Makes buses that share one medium, as the processes of one deployment do."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            hub = MemoryHub()
            yield lambda: MemoryBus(hub)
            return
        url = request.getfixturevalue("redis_server").url
        prefix = f"test-{uuid4()}"
        buses: list[RedisBus] = []

        def make() -> Bus:
            buses.append(RedisBus(url, prefix=prefix, shards=4))
            return buses[-1]

        yield make
        for bus in buses:
            await stack.enter_async_context(bus)


@pytest.fixture
def bus(make_bus: BusFactory) -> Bus:
    """A bus that publishes and listens."""
    return make_bus()


@pytest.fixture
async def listener(bus: Bus) -> Listener:
    """Listens to `bus`."""
    listener = Listener()
    bus.listen(listener)
    return listener


async def test_events_arrive_as_they_were_published(bus: Bus, listener: Listener) -> None:
    """Events of a batch arrive together, byte for byte, whatever bytes they are, with the range of their seq."""
    events = (b'{"id":"1"}', b"", b"|", b"1|2|3", bytes(range(256)), b"x" * 300_000)
    await bus.subscribe(FEED)

    await bus.publish([out(FEED, *events)])

    assert await listener.until_events(FEED, 6) == list(events)
    (publication,) = listener.publications
    assert (publication.prev, publication.position.seq) == (0, 6)
    assert abs(publication.published_ms / 1000 - time.time()) < 60


async def test_order_of_a_feed_is_that_of_publication(bus: Bus, listener: Listener) -> None:
    """Batches of a feed arrive in the order in which they were published, each beginning where the last one ended."""
    await bus.subscribe(FEED)

    for number in range(100):
        await bus.publish([out(FEED, b"%d" % number, b"again"), out(OTHER, b"-")])

    events = await listener.until_events(FEED, 200)
    assert events[::2] == [b"%d" % number for number in range(100)]
    assert [publication.prev for publication in listener.publications] == list(range(0, 200, 2))
    assert len({publication.position.epoch for publication in listener.publications}) == 1


async def test_one_batch_may_name_a_feed_twice(bus: Bus, listener: Listener) -> None:
    """Two parts of one batch for the same feed keep their order."""
    await bus.subscribe(FEED)

    await bus.publish([out(FEED, b"1", b"2"), out(OTHER, b"-"), out(FEED, b"3")])

    assert await listener.until_events(FEED, 3) == [b"1", b"2", b"3"]


async def test_nothing_to_publish_is_fine(bus: Bus, listener: Listener) -> None:
    """An empty batch, and a feed without events, publish nothing and start no feed."""
    await bus.publish([])
    await bus.publish([out(FEED)])

    assert await bus.subscribe(FEED) is None
    assert listener.publications == []


async def test_seq_has_no_holes_over_concurrent_publishers(make_bus: BusFactory, bus: Bus, listener: Listener) -> None:
    """Several relays publish on one feed at once: their events are numbered without hole or double."""
    relays = [make_bus() for _ in range(4)]
    await bus.subscribe(FEED)

    async def relay(number: int) -> None:
        for count in range(50):
            events = [b"%d:%d:%d" % (number, count, n) for n in range(1 + count % 3)]
            await relays[number].publish([out(FEED, *events), out(OTHER, b"-")])

    await asyncio.gather(*(relay(number) for number in range(4)))
    total = 4 * sum(1 + count % 3 for count in range(50))

    assert len(set(await listener.until_events(FEED, total))) == total
    ends = [0, *(publication.position.seq for publication in listener.publications)]
    assert [publication.prev for publication in listener.publications] == ends[:-1]
    assert ends[-1] == total


async def test_subscribe_returns_the_position(make_bus: BusFactory, bus: Bus, listener: Listener) -> None:
    """A feed on which nothing was published has no position; else it is that of the last event, and what comes after
    it is heard.
    """
    assert await bus.subscribe(FEED) is None
    await make_bus().publish([out(OTHER, b"1", b"2")])

    position = await bus.subscribe(OTHER)
    assert position is not None
    assert position.seq == 2

    await bus.publish([out(OTHER, b"3")])
    await listener.until_events(OTHER, 1)
    (publication,) = listener.publications
    assert (publication.prev, publication.position) == (2, Position(position.epoch, 3))


async def test_nothing_is_missed_after_subscribe(make_bus: BusFactory, bus: Bus, listener: Listener) -> None:
    """While another process publishes without pause, everything beyond the returned position is heard."""
    relay = make_bus()
    going = True

    async def publish() -> None:
        while going:
            await relay.publish([out(FEED, b"x")])
            await asyncio.sleep(0)

    task = asyncio.create_task(publish())
    for _ in range(20):
        await bus.unsubscribe(FEED)
        heard_before = len(listener.publications)
        position = await bus.subscribe(FEED)
        start = position.seq if position else 0
        await listener.until(lambda start=start: listener.publications[-1:] and _last(listener) >= start + 5)  # type: ignore[misc]  # mypy cannot type a lambda's default
        after = [p.prev for p in listener.publications[heard_before:] if p.prev >= start]
        assert after == list(range(start, start + len(after)))
    going = False
    await task


def _last(listener: Listener) -> int:
    return listener.publications[-1].position.seq


async def test_feeds_do_not_mix(bus: Bus, listener: Listener) -> None:
    """What is published on one feed is not heard on another, and each counts for itself."""
    await bus.subscribe(FEED)
    await bus.publish([out(OTHER, b"secret")])
    await bus.publish([out(FEED, b"mine")])

    assert await listener.until_events(FEED, 1) == [b"mine"]
    assert listener.events(OTHER) == []
    assert listener.publications[0].position.seq == 1


async def test_hostile_ids_name_feeds_of_their_own(bus: Bus, listener: Listener) -> None:
    """Ids come from outside: no character in one makes two feeds meet or a publication fail."""
    for feed in HOSTILE:
        assert await bus.subscribe(feed) is None

    await bus.publish([out(feed, b"%d" % number) for number, feed in enumerate(HOSTILE)])

    await listener.until(lambda: len(listener.publications) >= len(HOSTILE))
    assert {p.feed: p.events for p in listener.publications} == {
        feed: (b"%d" % number,) for number, feed in enumerate(HOSTILE)
    }
    assert {p.position.seq for p in listener.publications} == {1}


async def test_unsubscribe_ends_it(bus: Bus, listener: Listener) -> None:
    """After unsubscribe a feed falls silent, while another one goes on."""
    await bus.subscribe(FEED)
    await bus.subscribe(OTHER)
    await bus.publish([out(FEED, b"1")])
    await listener.until_events(FEED, 1)

    await bus.unsubscribe(FEED)
    await bus.publish([out(FEED, b"2")])
    await bus.publish([out(OTHER, b"3")])

    await listener.until_events(OTHER, 1)
    assert listener.events(FEED) == [b"1"]


async def test_unsubscribe_of_the_unknown_is_fine(bus: Bus, listener: Listener) -> None:
    """Unsubscribing what was never subscribed, or twice, does nothing."""
    await bus.unsubscribe(FEED)
    await bus.subscribe(FEED)
    await bus.unsubscribe(FEED)
    await bus.unsubscribe(FEED)

    assert listener.publications == []


async def test_subscribe_is_idempotent(bus: Bus, listener: Listener) -> None:
    """Subscribing twice, even at once, hears everything once."""
    await asyncio.gather(bus.subscribe(FEED), bus.subscribe(FEED))
    await bus.subscribe(FEED)

    await bus.publish([out(FEED, b"1")])
    await bus.publish([out(FEED, b"2")])

    assert await listener.until_events(FEED, 2) == [b"1", b"2"]


@pytest.mark.parametrize("rounds", [1, 2, 7])
async def test_rapid_changes_of_mind_end_subscribed(bus: Bus, listener: Listener, rounds: int) -> None:
    """Subscribe, unsubscribe, subscribe at once: the last word counts, and nothing is lost or doubled."""
    subscribing = []
    for _ in range(rounds):
        subscribing.append(asyncio.create_task(bus.subscribe(FEED)))
        await asyncio.sleep(0)
        await bus.unsubscribe(FEED)
    await bus.subscribe(FEED)
    await asyncio.gather(*subscribing)

    await bus.publish([out(FEED, b"1")])
    await bus.publish([out(FEED, b"2")])
    assert await listener.until_events(FEED, 2) == [b"1", b"2"]


async def test_rapid_changes_of_mind_end_unsubscribed(bus: Bus, listener: Listener) -> None:
    """When unsubscribe is the last word, the feed is silent, though its subscribe was still under way."""
    await bus.subscribe(OTHER)
    subscribing = asyncio.create_task(bus.subscribe(FEED))
    await asyncio.sleep(0)
    await bus.unsubscribe(FEED)
    await subscribing

    await bus.publish([out(FEED, b"1")])
    await bus.publish([out(OTHER, b"2")])
    await listener.until_events(OTHER, 1)
    assert listener.events(FEED) == []


async def test_gateways_hear_the_same(make_bus: BusFactory, bus: Bus, listener: Listener) -> None:
    """Two gateways on one feed hear equal publications in equal order."""
    second = make_bus()
    second_listener = Listener()
    second.listen(second_listener)
    await asyncio.gather(bus.subscribe(FEED), second.subscribe(FEED))

    for number in range(20):
        await make_bus().publish([out(FEED, b"%d" % number)])

    await listener.until_events(FEED, 20)
    await second_listener.until_events(FEED, 20)
    assert listener.publications == second_listener.publications


async def test_ping_answers(bus: Bus) -> None:
    """A bus that is there answers."""
    await bus.ping()


async def test_there_is_one_listener(bus: Bus, listener: Listener) -> None:
    """A second listener would silently take the first one's events; it is refused."""
    with pytest.raises(RuntimeError, match="listener"):
        bus.listen(listener)


async def test_the_listener_comes_first(bus: Bus) -> None:
    """A subscription that nobody listens to is a fault of the program and says so."""
    with pytest.raises(RuntimeError, match="listener"):
        await bus.subscribe(FEED)
