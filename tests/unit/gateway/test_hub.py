"""Feeds are followed while somebody watches them, and everybody learns what concerns them."""

import asyncio

import orjson
import pytest

from signalman.errors import BackendUnavailable
from signalman.event import Feed, Position, Publication
from signalman.gateway import repair
from signalman.gateway.hub import Hub
from signalman.gateway.requests import Filter
from signalman.metrics import Metrics
from tests.servers import wait_for_async
from tests.unit.gateway.fake_bus import FakeBus
from tests.unit.gateway.make import FEED, LIMITS, OTHER, event, publication

ALL = Filter()
ENDS = Filter(frozenset({"stream_end"}))
ELSEWHERE = Feed("streams", (OTHER,))
BUS_AWAY_AND_BACK = [{"type": "stale", "backend": "bus"}, {"type": "fresh", "backend": "bus"}]


class Ear:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.woken = 0
        self.notices: list[dict[str, object]] = []

    def wake(self) -> None:
        self.woken += 1

    def notice(self, frame: bytes) -> None:
        self.notices.append(orjson.loads(frame))


class Pauses:
    """Sleeping that ends when the test says so."""

    def __init__(self) -> None:
        self.sleepers: list[asyncio.Event] = []

    async def sleep(self, seconds: float) -> None:
        self.sleepers.append(asyncio.Event())
        await self.sleepers[-1].wait()

    def over(self) -> None:
        for each in self.sleepers:
            each.set()


def make() -> tuple[FakeBus, Hub]:
    """A hub over a bus in the test's hand."""
    bus, hub, _ = made()
    return bus, hub


def made(pauses: Pauses | None = None) -> tuple[FakeBus, Hub, Metrics]:
    """The same with its metrics."""
    bus, metrics = FakeBus(), Metrics()
    hub = Hub(
        bus,
        metrics,
        versions={"streams": "1", "system": "1"},
        history=LIMITS,
        max_frames=100,
        max_bytes=1 << 20,
        sleep=(pauses or Pauses()).sleep,
    )
    return bus, hub, metrics


async def test_a_feed_is_subscribed_once_for_all_who_watch_it() -> None:
    """Two watchers, one subscription and one look at the past, one view; the last to leave ends it."""
    bus, hub = make()
    one, two = Ear(), Ear()
    views = await asyncio.gather(hub.watch(FEED, ALL, one), hub.watch(FEED, ALL, two))
    assert views[0] is views[1]
    assert bus.calls == ["+streams", "*streams"]
    await hub.release(views[0], one)
    assert bus.calls == ["+streams", "*streams"]
    await hub.release(views[1], two)
    assert bus.calls == ["+streams", "*streams", "-streams"]


async def test_a_watcher_is_woken_by_its_view_only() -> None:
    """News of one filter wakes nobody behind another."""
    bus, hub = make()
    everything, ends = Ear(), Ear()
    await hub.watch(FEED, ALL, everything)
    await hub.watch(FEED, ENDS, ends)
    bus.put(FEED, event(1))
    assert (everything.woken, ends.woken) == (1, 0)


async def test_a_feed_is_followed_with_its_past() -> None:
    """What was published before the first subscriber is in the log, and the view begins where it ends."""
    bus, hub = make()
    bus.put(FEED, event(1), event(2))
    bus.put(FEED, event(3))
    view = await hub.watch(FEED, ALL, Ear())
    assert (view.seq, view.head, hub.position(view)) == (3, 0, bus.position(FEED))
    assert [each.position.seq for each in view.log.after(0) or ()] == [2, 3]
    assert view.log.since(0) == (0, False)
    assert view.log.since(hub.now_ms() - 120_000)[1] is True


async def test_a_view_begins_where_the_past_ends() -> None:
    """What is published while subscription and history are under way is in the log or in the view, once, in order."""
    bus, hub = make()
    bus.put(FEED, event(1))
    bus.gate.clear()
    watching = asyncio.ensure_future(hub.watch(FEED, ALL, Ear()))
    await wait_for_async(lambda: bus.calls == ["+streams"])
    bus.hand(bus.put(FEED, event(2)))  # acknowledged already, though nobody here knows
    bus.gate.set()
    bus.gate.clear()
    await wait_for_async(lambda: bus.calls == ["+streams", "*streams"])
    bus.put(FEED, event(3))
    bus.gate.set()
    view = await watching
    bus.put(FEED, event(4))
    assert view.generation == 0
    assert [each.position.seq for each in view.log.after(0) or ()] == [1, 2, 3, 4]
    assert [frame.prev for frame in view.since(0)] == [3]


async def test_subscribe_unsubscribe_subscribe_in_a_hurry() -> None:
    """Whoever comes while the feed is being given up gets it again, is heard, and misses nothing of between."""
    bus, hub = make()
    one, two = Ear(), Ear()
    view = await hub.watch(FEED, ALL, one)
    bus.gate.clear()
    leaving = asyncio.ensure_future(hub.release(view, one))
    await asyncio.sleep(0)
    coming = asyncio.ensure_future(hub.watch(FEED, ALL, two))
    await asyncio.sleep(0)
    bus.put(FEED, event(1), heard=False)
    bus.gate.set()
    await asyncio.gather(leaving, coming)
    assert bus.calls == ["+streams", "*streams", "-streams", "+streams", "*streams"]
    bus.put(FEED, event(2))
    assert two.woken == 1
    assert [each.position.seq for each in coming.result().log.after(0) or ()] == [1, 2]


@pytest.mark.parametrize("broken", ["+streams", "*streams"])
async def test_a_failed_subscription_leaves_nothing_behind(broken: str) -> None:
    """Whichever of the two answers is missing, the next attempt begins from scratch."""
    bus, hub = make()
    bus.gate.clear()
    watching = asyncio.ensure_future(hub.watch(FEED, ALL, Ear()))
    await wait_for_async(lambda: bool(bus.calls))
    if broken == "*streams":
        bus.gate.set()
        bus.gate.clear()
        await wait_for_async(lambda: bus.calls[-1] == "*streams")
    bus.failing = True
    bus.gate.set()
    with pytest.raises(BackendUnavailable):
        await watching
    await wait_for_async(lambda: hub.feeds == 0)
    assert bus.calls[-1] == "-streams"
    bus.failing = False
    await hub.watch(FEED, ALL, Ear())
    assert bus.calls[-3:] == ["-streams", "+streams", "*streams"]


async def test_one_who_gives_up_waiting_leaves_no_subscription_behind() -> None:
    """Cancelled in the very moment of the acknowledgement, the feed is given up on the bus as well."""
    bus, hub = make()
    bus.gate.clear()
    watching = asyncio.ensure_future(hub.watch(FEED, ALL, Ear()))
    await asyncio.sleep(0)
    bus.gate.set()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await wait_for_async(lambda: hub.feeds == 0)
    assert bus.calls == ["+streams", "-streams"]


async def test_giving_up_a_feed_while_the_bus_is_away_is_no_error() -> None:
    """The bus has forgotten the subscription with the connection."""
    bus, hub = make()
    ear = Ear()
    view = await hub.watch(FEED, ALL, ear)
    bus.failing = True
    await hub.release(view, ear)
    assert not hub._feeds


async def test_what_arrives_after_leaving_is_ignored() -> None:
    """A publication of a feed nobody follows any more harms nobody."""
    _, hub = make()
    hub.publication(Publication(ELSEWHERE, Position("e9", 1), 0, (event(1),)))
    hub.retired(ELSEWHERE, Position("e9", 0), "skipped")


async def test_a_hole_is_filled_in_the_background() -> None:
    """A publication that was lost is read from the bus's history; nobody is reset, and nothing newer comes first."""
    bus, hub, metrics = made()
    ear = Ear()
    view = await hub.watch(FEED, ALL, ear)
    bus.put(FEED, event(1))
    bus.put(FEED, event(2), heard=False)
    bus.put(FEED, event(3))
    assert view.head == 1
    await wait_for_async(lambda: view.seq == 3)
    assert view.generation == 0
    assert b"".join(frame.data for frame in view.since(0)).count(b'"id":"e-') == 3
    assert ear.woken == 2
    assert metrics.registry.get_sample_value("signalman_gaps_total", {"outcome": "filled"}) == 1


async def test_a_second_hole_is_filled_like_the_first() -> None:
    """Closing one leaves nothing behind that keeps the next one open."""
    bus, hub = make()
    view = await hub.watch(FEED, ALL, Ear())
    bus.put(FEED, event(1))
    for _ in range(2):
        bus.put(FEED, event(2), heard=False)
        bus.put(FEED, event(3))
        await wait_for_async(lambda: hub.position(view) == bus.position(FEED))
    assert (view.seq, view.generation) == (5, 0)


async def test_a_hole_that_the_bus_forgot_is_a_reset() -> None:
    """Everybody is told, and goes on."""
    bus, hub = make()
    view = await hub.watch(FEED, ALL, Ear())
    bus.put(FEED, event(1))
    bus.put(FEED, event(2), heard=False)
    bus.forget(FEED)
    bus.put(FEED, event(3))
    await wait_for_async(lambda: view.generation == 1)
    assert (view.reset_reason, view.seq) == ("gap", 3)


async def test_a_bus_that_does_not_answer_is_asked_again() -> None:
    """After a pause, as long as it was not told to be away."""
    pauses = Pauses()
    bus, hub, _ = made(pauses)
    view = await hub.watch(FEED, ALL, Ear())
    bus.put(FEED, event(1), heard=False)
    bus.failing = True
    bus.put(FEED, event(2))
    await wait_for_async(lambda: len(pauses.sleepers) == 1)
    bus.failing = False
    pauses.over()
    await wait_for_async(lambda: view.seq == 2)


async def test_everyone_learns_that_the_bus_is_away_and_back() -> None:
    """`stale`, then `fresh`; a feed where nothing happened is not even asked about."""
    bus, hub = make()
    ear = Ear()
    hub.enter(ear)
    view = await hub.watch(FEED, ALL, ear)
    bus.lose()
    assert (hub.bus_lost, hub.stale_backends) == (True, ("bus",))
    bus.come_back()
    assert (hub.bus_lost, hub.stale_backends) == (False, ())
    assert ear.notices == BUS_AWAY_AND_BACK
    assert (view.generation, ear.woken, "?streams" in bus.calls) == (0, 0, False)


async def test_what_happened_while_the_bus_was_away_comes_before_fresh() -> None:
    """Who hears `fresh` has got everything; who connects before that is still told that the bus is stale."""
    bus, hub = make()
    ear = Ear()
    hub.enter(ear)
    moved = await hub.watch(FEED, ALL, ear)
    still = await hub.watch(ELSEWHERE, ALL, Ear())
    bus.lose()
    bus.put(FEED, event(1), heard=False)
    bus.gate.clear()
    bus.come_back()
    bus.put(FEED, event(2))
    await wait_for_async(lambda: bus.calls[-1] == "?streams" or bus.calls[-1] == "*streams")
    assert (hub.bus_lost, hub.stale_backends, moved.head) == (False, ("bus",), 0)
    bus.gate.set()
    await wait_for_async(lambda: hub.stale_backends == ())
    assert ear.notices == BUS_AWAY_AND_BACK
    assert (moved.seq, still.generation) == (2, 0)


async def test_an_outage_costs_nobody_a_reset() -> None:
    """A feed that was not new goes on where it was, with what it missed."""
    bus, hub = make()
    view = await hub.watch(FEED, ALL, Ear())
    bus.put(FEED, event(1))
    bus.lose()
    bus.put(FEED, event(2), heard=False)
    bus.come_back()
    bus.put(FEED, event(3))
    await wait_for_async(lambda: view.seq == 3)
    assert (view.generation, hub.stale_backends) == (0, ())


async def test_a_bus_that_goes_away_again_is_asked_again() -> None:
    """An answer that was lost with it is asked for when it is back, and only then all is fresh."""
    bus, hub = make()
    ear = Ear()
    hub.enter(ear)
    view = await hub.watch(FEED, ALL, ear)
    bus.put(FEED, event(1))
    bus.lose()
    bus.put(FEED, event(2), heard=False)
    bus.gate.clear()
    bus.come_back()
    await wait_for_async(lambda: bus.calls[-1] == "?streams")
    bus.lose()
    bus.gate.set()
    await wait_for_async(lambda: bus.under_way == 0)
    assert ear.notices == BUS_AWAY_AND_BACK[:1]
    bus.come_back()
    await wait_for_async(lambda: hub.stale_backends == ())
    assert (view.seq, view.generation, ear.notices) == (2, 0, BUS_AWAY_AND_BACK)


async def test_a_bus_that_goes_away_again_is_not_fresh() -> None:
    """Also not when the last feed that was asked about since it came back is given up."""
    bus, hub = make()
    ear = Ear()
    hub.enter(ear)
    view = await hub.watch(FEED, ALL, ear)
    bus.put(FEED, event(1))
    bus.lose()
    bus.put(FEED, event(2), heard=False)
    bus.gate.clear()
    bus.come_back()
    await wait_for_async(lambda: bus.calls[-1] == "?streams")
    bus.lose()
    bus.gate.set()
    await hub.release(view, ear)
    await wait_for_async(lambda: not hub._tasks)
    assert (ear.notices, hub.stale_backends) == (BUS_AWAY_AND_BACK[:1], ("bus",))


async def test_a_feed_that_moved_within_the_bus() -> None:
    """Told without a loss: only that feed is asked about, and nobody hears of it."""
    bus, hub = make()
    ear = Ear()
    hub.enter(ear)
    view = await hub.watch(FEED, ALL, ear)
    bus.put(FEED, event(1))
    bus.put(FEED, event(2), heard=False)
    hub.recovered({FEED: bus.position(FEED)})
    await wait_for_async(lambda: view.seq == 2)
    assert (view.generation, ear.notices) == (0, [])


async def test_a_feed_that_was_not_interrupted_goes_on_as_before() -> None:
    """Only a part of the bus was away: the other feeds are told how far they are as soon as it is back."""
    bus, hub = make()
    view = await hub.watch(FEED, ENDS, Ear())
    hub.lost()
    bus.put(FEED, event(1))
    hub.recovered({})
    hub.pass_time()
    assert (view.seq, "?streams" in bus.calls) == (1, False)


async def test_many_feeds_are_not_asked_about_all_at_once() -> None:
    """After a loss each feed may have missed something; the bus gets a bounded number of questions at a time."""
    bus, hub = make()
    feeds = [Feed("streams", (str(number),)) for number in range(repair.AT_A_TIME * 3)]
    for feed in feeds:
        bus.put(feed, event(1))
    views = [await hub.watch(feed, ALL, Ear()) for feed in feeds]
    bus.lose()
    for feed in feeds:
        bus.put(feed, event(2), heard=False)
    bus.gate.clear()
    bus.most_under_way = 0
    bus.come_back()
    await wait_for_async(lambda: bus.under_way == repair.AT_A_TIME)
    bus.gate.set()
    await wait_for_async(lambda: hub.stale_backends == ())
    assert all(view.seq == 2 for view in views)
    assert bus.most_under_way == repair.AT_A_TIME


async def test_a_feed_with_a_hole_can_be_left() -> None:
    """Nobody asks on behalf of nobody."""
    bus, hub = make()
    ear = Ear()
    view = await hub.watch(FEED, ALL, ear)
    bus.put(FEED, event(1))
    bus.gate.clear()
    bus.put(FEED, event(2), heard=False)
    bus.put(FEED, event(3))
    await wait_for_async(lambda: bus.calls[-1] == "?streams")
    bus.gate.set()
    await hub.release(view, ear)
    assert (hub.feeds, hub._repairs._tasks) == (0, {})


async def test_a_retired_epoch_is_told_at_once() -> None:
    """With the reason; the new epoch goes on from there."""
    bus, hub = make()
    ear = Ear()
    view = await hub.watch(FEED, ALL, ear)
    bus.put(FEED, event(1))
    hub.retired(FEED, Position("e2", 0, 1_000_002), "skipped")
    assert (view.generation, view.reset_reason, ear.woken) == (1, "skipped", 2)
    hub.publication(publication(0, event(2), epoch="e2", ms=1_000_003))
    assert view.seq == 1


async def test_waiting_for_a_feed_to_get_somewhere() -> None:
    """True once it has, also where the filter lets nothing pass; False in time where it has not, or was reset."""
    bus, hub = make()
    view = await hub.watch(FEED, ENDS, Ear())
    bus.put(FEED, event(1))
    assert await hub.reached(view, 1, 0) is True
    assert await hub.reached(view, 2, 0.001) is False
    waiting = [asyncio.ensure_future(hub.reached(view, 3, 60)) for _ in range(2)]
    gives_up = asyncio.ensure_future(hub.reached(view, 3, 60))
    await asyncio.sleep(0)
    gives_up.cancel()
    bus.put(FEED, event(2))
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    bus.put(FEED, event(3))
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [True, True]
    waits = asyncio.ensure_future(hub.reached(view, 4, 60))
    await asyncio.sleep(0)
    hub.retired(FEED, Position("e2", 9, 1_000_002), "skipped")
    async with asyncio.timeout(5):
        assert await waits is False


async def test_views_without_news_are_told_how_far_the_feed_is() -> None:
    """A bookmark wakes those whom it concerns; what is too old goes."""
    bus, hub, metrics = made()
    everything, ends = Ear(), Ear()
    await hub.watch(FEED, ALL, everything)
    view = await hub.watch(FEED, ENDS, ends)
    bus.put(FEED, event(1))
    hub.pass_time()
    assert (everything.woken, ends.woken, view.seq) == (1, 1, 1)
    assert metrics.registry.get_sample_value("signalman_history_events") == 1
    assert metrics.registry.get_sample_value("signalman_history_bytes") == len(event(1))
    bus.clock_ms += 120_001
    hub.pass_time()
    assert metrics.registry.get_sample_value("signalman_history_events") == 0
    assert ends.woken == 1


async def test_backends_are_stale_in_the_order_in_which_they_went() -> None:
    """Each is told once; a new client is told of all of them."""
    bus, hub = make()
    ear = Ear()
    hub.enter(ear)
    hub.stale("source")
    hub.stale("source")
    bus.lose()
    both = hub.stale_backends
    hub.fresh("source")
    hub.fresh("source")
    assert (both, hub.stale_backends) == (("source", "bus"), ("bus",))
    assert [(each["type"], each["backend"]) for each in ear.notices] == [
        ("stale", "source"), ("stale", "bus"), ("fresh", "source"),
    ]  # fmt: skip
