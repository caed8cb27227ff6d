"""What every bus promises about a feed's past: how much is kept, from when on it is whole, what was missed since a
publication, and when a feed starts over.
"""

import asyncio

import pytest

from signalman.backends.feed_limits import FeedLimits
from signalman.event import Feed, History, Position, Publication
from signalman.ports import Bus
from tests.contract.buses import BusMedium
from tests.contract.listening import PATIENCE, Listener, out
from tests.servers import wait_for_async

FEED = Feed("streams", ("tenant-1",))
OTHER = Feed("streams", ("tenant-2",))


async def put(bus: Bus, *events: bytes, feed: Feed = FEED) -> Position:
    """Publish, and return where the feed stands then."""
    await bus.publish([out(feed, *events)])
    return await stands(bus, feed)


async def stands(bus: Bus, feed: Feed = FEED) -> Position:
    """Where *feed* stands."""
    position = (await bus.history(feed, 0)).position
    assert position is not None
    return position


async def until_ms(bus: Bus, moment: int) -> None:
    """Return once the bus's clock has passed *moment*."""

    async def reached() -> bool:
        await bus.ping()
        return bus.now_ms() > moment

    await wait_for_async(reached, within=PATIENCE)


def events(publications: tuple[Publication, ...] | None) -> list[bytes]:
    """All events of *publications*."""
    assert publications is not None
    return [event for publication in publications for event in publication.events]


async def test_history_is_what_was_heard(bus: Bus, listener: Listener) -> None:
    """The history holds the very publications that subscribers heard, and ends at the feed's position."""
    await bus.subscribe(FEED)
    for number in range(5):
        await bus.publish([out(FEED, b"%d" % number, b"|", bytes(range(256)))])
    await listener.until_events(FEED, 15)

    history = await bus.history(FEED, 0)
    assert list(history.publications) == listener.publications
    assert history.position == listener.publications[-1].position


async def test_history_begins_where_asked(bus: Bus) -> None:
    """Only what was published from the given moment on is told, and everything after it."""
    first = await put(bus, b"1")
    await until_ms(bus, first.ms + 1)
    second = await put(bus, b"2")

    history = await bus.history(FEED, second.ms)
    assert (events(history.publications), history.since_ms, history.position) == ([b"2"], second.ms, second)
    assert await bus.history(FEED, second.ms + 1) == History(second, (), second.ms + 1)


async def test_a_feed_of_a_known_bus_has_a_whole_history(bus: Bus) -> None:
    """Since the bus was first written to everything is known, also on feeds that were never published on."""
    before = bus.now_ms()
    feeds = [Feed("streams", (str(number),)) for number in range(64)]
    unknown = [await bus.history(feed, 0) for feed in feeds]
    assert all(history.since_ms >= before - 5_000 for history in unknown)

    await bus.publish([out(feed, b"1") for feed in feeds])
    born = (await stands(bus, feeds[0])).ms
    await until_ms(bus, born + 50)
    await bus.publish([out(Feed("analytics", ("new",)), b"1")])
    for feed in (*feeds, Feed("analytics", ("new",)), Feed("analytics", ("never",))):
        assert (await bus.history(feed, 0)).since_ms <= born + 50
    never = await bus.history(Feed("analytics", ("never",)), born + 40)
    assert (never.publications, never.since_ms) == ((), born + 40)


@pytest.mark.parametrize("limits", [FeedLimits(events=10)])
async def test_history_is_bounded_by_events(bus: Bus) -> None:
    """No more events are kept than the limit says, whole publications, the newest; and the moment from which on the
    history is whole is that of the last one that was cut off.
    """
    positions = [await put(bus, *[b"%d" % number] * 3) for number in range(20)]

    history = await bus.history(FEED, 0)
    assert events(history.publications) == [b"17"] * 3 + [b"18"] * 3 + [b"19"] * 3
    assert history.since_ms == positions[16].ms
    assert history.position == positions[-1]


@pytest.mark.parametrize("limits", [FeedLimits(events=10)])
async def test_a_publication_beyond_the_limit_is_kept_alone(bus: Bus) -> None:
    """The newest publication is in the history even where it alone is too much."""
    before = await put(bus, b"1")
    await put(bus, *[b"2"] * 50)

    history = await bus.history(FEED, 0)
    assert events(history.publications) == [b"2"] * 50
    assert history.since_ms == before.ms
    await put(bus, b"3")
    assert events((await bus.history(FEED, 0)).publications) == [b"3"]


@pytest.mark.parametrize("limits", [FeedLimits(bytes=100_000)])
async def test_history_is_bounded_by_bytes(bus: Bus) -> None:
    """The size of what is kept stays below the limit, and the newest are kept."""
    for number in range(30):
        await put(bus, b"%03d" % number + b"x" * 9_000)

    kept = events((await bus.history(FEED, 0)).publications)
    assert [event[:3] for event in kept] == [b"%03d" % number for number in range(30 - len(kept), 30)]
    assert 10 <= len(kept) <= 11


@pytest.mark.parametrize("limits", [FeedLimits(seconds=0.3)])
async def test_history_is_bounded_by_age(bus: Bus) -> None:
    """What is older than the limit goes when something newer comes, or by itself; the history is whole since then."""
    old = [await put(bus, b"old") for _ in range(3)]
    await until_ms(bus, old[-1].ms + 300)
    assert await bus.history(FEED, 0) == History(old[-1], (), old[-1].ms)

    new = await put(bus, b"new")
    history = await bus.history(FEED, 0)
    assert (events(history.publications), history.since_ms, history.position) == ([b"new"], old[-1].ms, new)
    assert await bus.missed(FEED, old[-1]) == history.publications
    assert await bus.missed(FEED, old[0]) is None


async def test_asking_for_the_past_begins_a_feed(bus: Bus, listener: Listener) -> None:
    """Whoever follows a feed on which nothing was published has a place to come back to, and misses nothing after."""
    await bus.subscribe(FEED)
    begun = (await bus.history(FEED, 0)).position
    assert begun is not None
    assert begun.seq == 0
    assert (await bus.history(FEED, 0)).position == begun
    assert await bus.missed(FEED, begun) == ()
    await bus.publish([out(FEED, b"1")])
    assert await listener.until_events(FEED, 1) == [b"1"]
    [first] = await bus.missed(FEED, begun) or ()
    assert (first.prev, first.position.epoch, first.events) == (0, begun.epoch, (b"1",))


@pytest.mark.parametrize("limits", [FeedLimits(idle_seconds=0.2, seconds=0.1)])
async def test_an_idle_feed_is_forgotten(bus: Bus, listener: Listener) -> None:
    """A feed that nobody writes to is gone after a while; when it comes back it has another epoch, begins at 1, and
    does not claim to know the time before.
    """
    await bus.subscribe(FEED)
    old = await put(bus, b"1")
    await until_ms(bus, old.ms + 200)
    assert await bus.missed(FEED, old) is None
    begun = await bus.history(FEED, 0)
    assert begun.position is not None
    assert (begun.position.seq, begun.publications) == (0, ())
    assert begun.position.epoch != old.epoch

    await bus.publish([out(FEED, b"2")])
    await listener.until_events(FEED, 2)
    first, second = (publication.position for publication in listener.publications)
    assert first.epoch != second.epoch
    assert (listener.publications[1].prev, second.seq) == (0, 1)
    assert (await bus.history(FEED, 0)).since_ms >= old.ms


async def test_times_never_go_back(bus: Bus) -> None:
    """Each publication's time is at least that of the one before it."""
    positions = [await put(bus, b"x") for _ in range(50)]
    assert positions == sorted(positions, key=lambda position: (position.ms, position.seq))
    assert [position.seq for position in positions] == list(range(1, 51))


async def test_missed_is_everything_after(bus: Bus) -> None:
    """After each publication that was heard, all later ones are told, in order and without a hole; after the newest,
    none.
    """
    positions = [await put(bus, b"%d" % number, b"-") for number in range(6)]
    for number, position in enumerate(positions):
        missed = await bus.missed(FEED, position)
        assert missed is not None
        assert [publication.position for publication in missed] == positions[number + 1 :]
        assert [publication.prev for publication in missed] == [each.seq for each in positions[number:-1]]
    whole = await bus.missed(FEED, Position(positions[0].epoch, 0))
    assert [publication.position for publication in whole or ()] == positions


async def test_missed_of_another_epoch_is_unknown(bus: Bus, listener: Listener) -> None:
    """What belongs to another epoch, or to a feed that nobody published on, is not known, and retires nothing."""
    await bus.subscribe(FEED)
    position = await put(bus, b"1")

    assert await bus.missed(FEED, Position("another", 1, position.ms)) is None
    assert await bus.missed(OTHER, position) is None
    assert await stands(bus) == position
    assert listener.retirements == []


@pytest.mark.parametrize("limits", [FeedLimits(events=4)])
async def test_missed_beyond_the_history_is_unknown(bus: Bus) -> None:
    """When some of what came after was cut off nothing is told; when only the publication itself was, all that came
    after it is. The feed goes on as it is.
    """
    positions = [await put(bus, b"%d" % number) for number in range(8)]

    assert [await bus.missed(FEED, position) for position in positions[:3]] == [None] * 3
    assert events(await bus.missed(FEED, positions[3])) == [b"4", b"5", b"6", b"7"]
    assert events(await bus.missed(FEED, positions[4])) == [b"5", b"6", b"7"]
    assert await bus.missed(FEED, Position(positions[0].epoch, 0)) is None
    assert await stands(bus) == positions[-1]


async def _diverge(medium: BusMedium, bus: Bus, *, more: int) -> Position:
    """A feed that stood at 4, came back from a backup at 2, and had *more* published. Returns where it stood at 4."""
    await put(bus, b"1", b"2")
    data = await medium.save()
    known = await put(bus, b"3", b"4")
    await until_ms(bus, known.ms + 1)
    await medium.restore(data)
    for _ in range(more):
        await put(bus, b"other")
    return known


@pytest.mark.parametrize("more", [0, 1, 2, 5])
async def test_a_diverged_feed_is_retired(medium: BusMedium, bus: Bus, listener: Listener, more: int) -> None:
    """The bus came back with older data, and perhaps went on from there: whoever knows a publication that the feed did
    not go through is told nothing, and the feed begins a new epoch at once, so that nobody resumes on the other past.
    """
    await bus.subscribe(FEED)
    known = await _diverge(medium, bus, more=more)
    epoch = (await stands(bus)).epoch
    assert epoch == known.epoch

    assert await bus.missed(FEED, known) is None
    await listener.until(lambda: listener.retirements)
    ((feed, position, reason),) = listener.retirements
    assert (feed, position.seq, reason) == (FEED, 0, "epoch")
    assert position.epoch != epoch
    assert await stands(bus) == position

    # Only the first to notice begins a new epoch.
    assert await bus.missed(FEED, known) is None
    assert await stands(bus) == position
    after = await put(bus, b"new")
    assert (after.epoch, after.seq) == (position.epoch, 1)
    assert events(await bus.missed(FEED, position)) == [b"new"]


@pytest.mark.parametrize("limits", [FeedLimits(events=2)])
async def test_a_diverged_feed_is_known_by_what_was_cut_off(medium: BusMedium, bus: Bus) -> None:
    """Another publication with the same seq is told apart by its time, even when it was the last to be cut off."""
    known = await _diverge(medium, bus, more=4)
    assert known.seq == (await stands(bus)).seq - 2
    assert await bus.missed(FEED, known) is None
    assert (await stands(bus)).seq == 0


@pytest.mark.parametrize("limits", [FeedLimits(spare_seconds=0)])
async def test_retired_feeds_start_over(bus: Bus, listener: Listener) -> None:
    """Every feed, followed or not, has a new epoch, and subscribers are told: no position of before is good, nothing of
    before is in the history, which is whole from then on.
    """
    feeds = [Feed("streams", (str(number),)) for number in range(30)]
    await bus.subscribe(feeds[0])
    await bus.publish([out(feed, b"1") for feed in feeds])
    before = {feed: await stands(bus, feed) for feed in feeds}

    await bus.retire("skipped")

    await listener.until(lambda: listener.retirements)
    ((feed, position, reason),) = listener.retirements
    assert (feed, position.seq, reason) == (feeds[0], 0, "skipped")
    for feed, old in before.items():
        history = await bus.history(feed, 0)
        assert history.position is not None
        assert (history.position.epoch != old.epoch, history.position.seq) == (True, 0)
        assert (history.publications, history.since_ms) == ((), history.position.ms)
        assert await bus.missed(feed, old) is None
        assert await bus.missed(feed, history.position) == ()
    assert (await bus.history(Feed("analytics", ("never",)), 0)).since_ms >= min(old.ms for old in before.values())


@pytest.mark.parametrize("limits", [FeedLimits(spare_seconds=0)])
async def test_publications_go_on_after_a_retirement(bus: Bus, listener: Listener) -> None:
    """A subscriber hears the end of the old epoch, then that it ended, then the new one from 1."""
    await bus.subscribe(FEED)
    await put(bus, b"1")
    await bus.retire("skipped")
    after = await put(bus, b"2")

    await listener.until_events(FEED, 2)
    ((_, position, _),) = listener.retirements
    assert listener.publications[-1] == Publication(FEED, after, 0, (b"2",))
    assert after.epoch == position.epoch
    assert after.ms >= position.ms


async def test_a_young_feed_is_spared(bus: Bus, listener: Listener) -> None:
    """A feed that just began its epoch keeps it, since several relays may say the same at once; but it does not claim
    to know the time before it.
    """
    await bus.publish([out(OTHER, b"1")])
    first = await stands(bus, OTHER)
    await until_ms(bus, first.ms + 20)
    await bus.subscribe(FEED)
    position = await put(bus, b"1")

    await bus.retire("skipped")

    assert await stands(bus) == position
    history = await bus.history(FEED, 0)
    assert (events(history.publications), history.since_ms) == ([b"1"], position.ms)
    await put(bus, b"2")
    await listener.until_events(FEED, 2)
    assert listener.retirements == []


async def test_lost_data_is_a_new_epoch(medium: BusMedium, bus: Bus, listener: Listener) -> None:
    """When the bus has lost its data a feed starts again from 1, and another epoch says that these are not the same
    positions.
    """
    await bus.subscribe(FEED)
    old = await put(bus, b"1")
    await medium.restore()
    begun = (await bus.history(FEED, 0)).position
    assert begun is not None
    assert begun.seq == 0
    assert begun.epoch != old.epoch
    await bus.publish([out(FEED, b"2")])

    await listener.until_events(FEED, 2)
    first, second = (publication.position for publication in listener.publications)
    assert (first.seq, second.seq) == (1, 1)
    assert first.epoch != second.epoch
    assert await bus.missed(FEED, old) is None


async def test_history_is_whole_while_others_publish(medium: BusMedium, bus: Bus) -> None:
    """While a relay publishes, a history read in parts has no hole and ends at the position that it names; and what was
    missed is told up to where the feed then stands.
    """
    relay = await medium.bus()
    first = await put(bus, b"x" * 100_000)
    going = True

    async def publish() -> None:
        while going:
            await relay.publish([out(FEED, b"x" * 100_000)])
            await asyncio.sleep(0)

    task = asyncio.create_task(publish())
    try:
        while (await stands(bus)).seq < 60:
            await asyncio.sleep(0)
            history = await bus.history(FEED, 0)
            ends = [publication.position.seq for publication in history.publications]
            assert history.position is not None
            assert ends == list(range(1, history.position.seq + 1))
            missed = await bus.missed(FEED, first)
            assert missed is not None
            assert [publication.prev for publication in missed] == list(range(1, len(missed) + 1))
            assert len(missed) + 1 >= history.position.seq
    finally:
        going = False
        await task
