"""What every bus promises about hearing what is published, held against each of them."""

import asyncio
import time

import pytest

from signalman.event import Feed, Published
from signalman.ports import Bus
from tests.contract.buses import BusMedium
from tests.contract.listening import PATIENCE, Listener, out
from tests.servers import wait_for_async

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


async def test_events_arrive_as_they_were_published(bus: Bus, listener: Listener) -> None:
    """Events of a batch arrive together, byte for byte, whatever bytes they are, with the range of their seq."""
    events = (b'{"id":"1"}', b"", b"|", b"1|2|3", bytes(range(256)), b"x" * 300_000)
    await bus.subscribe(FEED)

    assert await bus.publish([out(FEED, *events)]) == Published(6)

    assert await listener.until_events(FEED, 6) == list(events)
    (publication,) = listener.publications
    assert (publication.prev, publication.position.seq) == (0, 6)
    assert abs(publication.position.ms / 1000 - time.time()) < 60


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
    """Two parts of one batch for the same feed keep their order and are one publication."""
    await bus.subscribe(FEED)

    await bus.publish([out(FEED, b"1", b"2"), out(OTHER, b"-"), out(FEED, b"3")])

    assert await listener.until_events(FEED, 3) == [b"1", b"2", b"3"]
    assert len(listener.publications) == 1


async def test_nothing_to_publish_is_fine(bus: Bus, listener: Listener) -> None:
    """An empty batch, and a feed without events, publish nothing and start no feed."""
    assert await bus.publish([]) == Published()
    assert await bus.publish([out(FEED)]) == Published()

    assert await bus.subscribe(FEED) is None
    assert listener.publications == []


async def test_seq_has_no_holes_over_concurrent_publishers(medium: BusMedium, bus: Bus, listener: Listener) -> None:
    """Several relays publish on one feed at once: their events are numbered without hole or double."""
    relays = [await medium.bus() for _ in range(4)]
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


async def test_subscribe_returns_the_position(medium: BusMedium, bus: Bus, listener: Listener) -> None:
    """A feed on which nothing was published has no position; else it is that of the last event, and what comes after
    it is heard.
    """
    assert await bus.subscribe(FEED) is None
    await (await medium.bus()).publish([out(OTHER, b"1", b"2")])

    position = await bus.subscribe(OTHER)
    assert position is not None
    assert position.seq == 2

    await bus.publish([out(OTHER, b"3")])
    await listener.until_events(OTHER, 1)
    (publication,) = listener.publications
    assert (publication.prev, publication.position.epoch, publication.position.seq) == (2, position.epoch, 3)


async def test_nothing_is_missed_after_subscribe(medium: BusMedium, bus: Bus, listener: Listener) -> None:
    """While another process publishes without pause, everything beyond the returned position is heard."""
    relay = await medium.bus()
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


async def test_gateways_hear_the_same(medium: BusMedium, bus: Bus, listener: Listener) -> None:
    """Two gateways on one feed hear equal publications in equal order."""
    second = await medium.bus()
    second_listener = Listener()
    second.listen(second_listener)
    await asyncio.gather(bus.subscribe(FEED), second.subscribe(FEED))

    for number in range(20):
        await (await medium.bus()).publish([out(FEED, b"%d" % number)])

    await listener.until_events(FEED, 20)
    await second_listener.until_events(FEED, 20)
    assert listener.publications == second_listener.publications


async def test_ping_answers(bus: Bus) -> None:
    """A bus that is there answers, and then its clock is known: that by which publications are stamped."""
    await bus.ping()
    before = bus.now_ms()
    await bus.publish([out(FEED, b"1")])
    position = (await bus.history(FEED, 0)).position

    assert position is not None
    assert abs(position.ms - before) < 5_000


async def test_a_beat_is_heard_by_all_and_ends(medium: BusMedium, bus: Bus) -> None:
    """That events are read is known to every process while it holds, and no longer."""
    other = await medium.bus()
    assert not await other.is_fed()

    await bus.beat(PATIENCE)
    assert await other.is_fed()
    await bus.beat(0.05)
    await wait_for_async(lambda: _is_unfed(other), within=PATIENCE)


async def _is_unfed(bus: Bus) -> bool:
    return not await bus.is_fed()


async def test_there_is_one_listener(bus: Bus, listener: Listener) -> None:
    """A second listener would silently take the first one's events; it is refused."""
    with pytest.raises(RuntimeError, match="listener"):
        bus.listen(listener)


async def test_the_listener_comes_first(bus: Bus) -> None:
    """A subscription that nobody listens to is a fault of the program and says so."""
    with pytest.raises(RuntimeError, match="listener"):
        await bus.subscribe(FEED)
