"""What the gateway does for all connections together: time, the source, and what it counts."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import orjson

from signalman.channel import Catalog
from signalman.gateway.gateway import Gateway
from signalman.gateway.pulse import IN_A_ROW
from signalman.gateway.requests import Filter
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.ports import SnapshotQuery, SnapshotRows
from signalman.table import Table
from tests.access import Guest, open_access, open_admission
from tests.servers import wait_for_async
from tests.unit.gateway.fake_bus import FakeBus
from tests.unit.gateway.make import FEED, catalog, event, principal

ENDS = Filter(frozenset({"stream_end"}))


class NoStore:
    """There are no tables here."""

    async def read(self, query: SnapshotQuery) -> SnapshotRows:
        raise AssertionError

    async def count(self, query: SnapshotQuery) -> int:
        raise AssertionError

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        raise AssertionError

    async def ping(self) -> None:
        raise AssertionError


class Nobody:
    """A watcher whom nothing concerns."""

    def wake(self) -> None:
        return

    def notice(self, frame: bytes) -> None:
        return


class Naps:
    """Sleeping that takes no time, as often as was allowed."""

    def __init__(self, naps: int) -> None:
        self.left = naps
        self.over = asyncio.Event()
        self.more = asyncio.Event()

    def take(self, naps: int) -> None:
        self.left = naps
        self.over.clear()
        self.more.set()

    async def sleep(self, seconds: float) -> None:
        if not self.left:
            self.over.set()
            self.more.clear()
            await self.more.wait()
        self.left -= 1


def make(naps: Naps, pack: Catalog | None = None) -> tuple[FakeBus, Gateway, Metrics]:
    """A gateway over a bus in the test's hand."""
    bus, metrics = FakeBus(), Metrics()
    gateway = Gateway(
        catalog=pack or catalog(),
        access=open_access(),
        admission=open_admission(metrics),
        bus=bus,
        snapshots=SharedSnapshots(NoStore(), metrics),
        metrics=metrics,
        limits=SessionLimits(),
        bookmark_seconds=5.0,
        sleep=naps.sleep,
    )
    return bus, gateway, metrics


async def behind(bus: FakeBus, gateway: Gateway) -> View:
    """A view to which nothing was told of what was published."""
    view = await gateway.hub.watch(FEED, ENDS, Nobody())
    bus.put(FEED, event(1))
    return view


async def test_bookmarks_come_as_often_as_configured() -> None:
    """Not each second, and again and again."""
    naps = Naps(4)
    bus, gateway, _ = make(naps)
    view = await behind(bus, gateway)
    timer = asyncio.ensure_future(gateway.keep_time())
    await naps.over.wait()
    assert view.head == 0
    naps.take(1)
    await naps.over.wait()
    assert view.head == 1
    bus.put(FEED, event(2))
    naps.take(4)
    await naps.over.wait()
    assert view.head == 1
    naps.take(1)
    await naps.over.wait()
    assert view.head == 2
    timer.cancel()


async def test_a_client_is_told_that_nobody_publishes() -> None:
    """Whoever is connected hears it from the gateway's own question."""
    bus, gateway, _ = make(Naps(IN_A_ROW))
    client = gateway.connect(lambda: None, Guest(), principal())
    list(client.pull())
    bus.fed = False
    watching = asyncio.ensure_future(gateway.watch_source())
    await wait_for_async(lambda: gateway.hub.stale_backends)
    assert [orjson.loads(each) for each in client.pull()] == [{"type": "stale", "backend": "source"}]
    watching.cancel()


async def test_delivery_is_measured_by_the_clock_of_the_bus() -> None:
    """From the moment that the bus stamped; a bookmark, which holds no event, is not measured."""
    bus, gateway, metrics = make(Naps(0))
    view = await behind(bus, gateway)
    gateway.hub.pass_time()
    bus.put(FEED, event(2, "stream_end"))
    bus.clock_ms += 250
    gateway.delivered("streams", list(view.since(0)))
    value = metrics.registry.get_sample_value
    assert value("signalman_delivery_seconds_sum") == 0.25
    assert value("signalman_delivery_seconds_count") == 1
    assert value("signalman_deliveries_total", {"channel": "streams"}) == 1


async def test_cursors_are_bound_to_the_pack() -> None:
    """The same feed and filter under another pack has another token."""
    gateways = [make(Naps(0))[1], make(Naps(0), replace(catalog(), pack="other"))[1]]
    one, two = [await gateway.hub.watch(FEED, ENDS, Nobody()) for gateway in gateways]
    assert one.token("e1") != two.token("e1")
