"""Feeds are followed while somebody watches them, and everybody learns what concerns them."""

import asyncio

import orjson
import pytest

from signalman.errors import BackendUnavailable
from signalman.event import Feed, Outgoing, Position, Publication
from signalman.gateway.hub import Hub
from signalman.gateway.requests import Filter
from signalman.metrics import Metrics
from signalman.ports import BusListener
from tests.unit.gateway.make import FEED, OTHER, event, publication

ALL = Filter()


class Bus:
    """A bus whose answers a test holds in its hand."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.listener: BusListener | None = None
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, batch: list[Outgoing]) -> None:
        raise AssertionError("a gateway does not publish")

    def listen(self, listener: BusListener) -> None:
        self.listener = listener

    async def subscribe(self, feed: Feed) -> Position | None:
        self.calls.append(f"+{feed.channel}")
        await self.gate.wait()
        if self.failing:
            raise BackendUnavailable("redis", "away")
        return Position("e1", 1)

    async def unsubscribe(self, feed: Feed) -> None:
        self.calls.append(f"-{feed.channel}")
        await self.gate.wait()
        if self.failing:
            raise BackendUnavailable("redis", "away")

    async def ping(self) -> None:
        return None


class Ear:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.woken = 0
        self.notices: list[dict[str, object]] = []

    def wake(self) -> None:
        self.woken += 1

    def notice(self, frame: bytes) -> None:
        self.notices.append(orjson.loads(frame))


def make() -> tuple[Bus, Hub]:
    """A hub over a scripted bus."""
    bus = Bus()
    return bus, Hub(bus, Metrics(), max_frames=100, max_bytes=1 << 20)  # type: ignore[arg-type] # a list is narrower


async def test_a_feed_is_subscribed_once_for_all_who_watch_it() -> None:
    """Two watchers, one subscription on the bus, one view; the last to leave ends it."""
    bus, hub = make()
    one, two = Ear(), Ear()
    views = await asyncio.gather(hub.watch(FEED, ALL, one), hub.watch(FEED, ALL, two))
    assert views[0] is views[1]
    assert bus.calls == ["+streams"]
    await hub.release(views[0], one)
    assert bus.calls == ["+streams"]
    await hub.release(views[1], two)
    assert bus.calls == ["+streams", "-streams"]


async def test_a_watcher_is_woken_by_its_view_only() -> None:
    """News of one filter wakes nobody behind another."""
    _, hub = make()
    everything, ends = Ear(), Ear()
    await hub.watch(FEED, ALL, everything)
    await hub.watch(FEED, Filter(frozenset({"stream_end"})), ends)
    hub.publication(publication(1, event(2)))
    assert (everything.woken, ends.woken) == (1, 0)


async def test_a_view_begins_where_the_bus_acknowledged() -> None:
    """What is published while the acknowledgement is under way is not a gap."""
    bus, hub = make()
    bus.gate.clear()
    ear = Ear()
    watching = asyncio.ensure_future(hub.watch(FEED, ALL, ear))
    await asyncio.sleep(0)
    hub.publication(publication(1, event(2), event(3)))
    bus.gate.set()
    view = await watching
    hub.publication(publication(3, event(4)))
    assert (view.generation, ear.woken) == (0, 1)
    assert next(view.since(0)).prev == 3


async def test_subscribe_unsubscribe_subscribe_in_a_hurry() -> None:
    """Whoever comes while the feed is being given up gets it again, and is heard."""
    bus, hub = make()
    one, two = Ear(), Ear()
    view = await hub.watch(FEED, ALL, one)
    bus.gate.clear()
    leaving = asyncio.ensure_future(hub.release(view, one))
    await asyncio.sleep(0)
    coming = asyncio.ensure_future(hub.watch(FEED, ALL, two))
    await asyncio.sleep(0)
    bus.gate.set()
    await asyncio.gather(leaving, coming)
    assert bus.calls == ["+streams", "-streams", "+streams"]
    hub.publication(publication(1, event(2)))
    assert two.woken == 1


async def test_a_failed_subscription_leaves_nothing_behind() -> None:
    """After the bus refused, the next attempt begins from scratch."""
    bus, hub = make()
    bus.failing = True
    with pytest.raises(BackendUnavailable):
        await hub.watch(FEED, ALL, Ear())
    await asyncio.sleep(0)
    assert hub.feeds == 0
    bus.failing = False
    await hub.watch(FEED, ALL, Ear())
    assert bus.calls == ["+streams", "-streams", "+streams"]


async def test_one_who_gives_up_waiting_leaves_no_subscription_behind() -> None:
    """Cancelled in the very moment of the acknowledgement, the feed is given up on the bus as well."""
    bus, hub = make()
    bus.gate.clear()
    watching = asyncio.ensure_future(hub.watch(FEED, ALL, Ear()))
    await asyncio.sleep(0)
    bus.gate.set()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await asyncio.sleep(0)
    assert bus.calls == ["+streams", "-streams"]
    assert hub.feeds == 0


async def test_giving_up_a_feed_while_the_bus_is_away_is_no_error() -> None:
    """The bus has forgotten the subscription with the connection."""
    bus, hub = make()
    ear = Ear()
    view = await hub.watch(FEED, ALL, ear)
    bus.failing = True
    await hub.release(view, ear)
    assert not hub._feeds


async def test_everyone_learns_that_the_bus_is_away_and_back() -> None:
    """`stale`, then `fresh`; and only feeds that moved meanwhile are reset."""
    _, hub = make()
    ear = Ear()
    hub.enter(ear)
    moved = await hub.watch(FEED, ALL, ear)
    still = await hub.watch(Feed("streams", (OTHER,)), ALL, ear)
    hub.lost()
    lost = hub.bus_lost
    hub.recovered({moved.feed: Position("e1", 9), still.feed: Position("e1", 1)})
    assert (lost, hub.bus_lost) == (True, False)
    assert (moved.reset_reason, still.generation) == ("gap", 0)
    assert ear.notices == [{"type": "stale", "backend": "bus"}, {"type": "fresh", "backend": "bus"}]
    assert ear.woken == 1


async def test_what_arrives_after_leaving_is_ignored() -> None:
    """A publication of a feed nobody follows any more harms nobody."""
    _, hub = make()
    hub.publication(Publication(Feed("streams", (OTHER,)), Position("e9", 1), 0, 0, (event(1),)))
