"""Notices from the bus and from the accounts' database: each is told, and where one may be missing, everybody is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from signalman.backends.memory_directory import MemoryDirectory
from signalman.errors import BackendUnavailable
from signalman.event import Position, Publication
from signalman.gateway.hearing import Hearing, follow
from signalman.gateway.hub import Hub
from signalman.gateway.log import LogLimits
from signalman.metrics import Metrics
from signalman.notice import EVERYBODY, NOTICES, Notice, notice
from tests.servers import wait_for_async
from tests.unit.gateway.fake_bus import FakeBus
from tests.unit.gateway.make import FEED, event

USER, TOKEN = notice("user", "u-1"), notice("token", "t-1")


class World:
    """A hub with an ear, over a bus in the test's hand."""

    def __init__(self) -> None:
        self.bus = FakeBus()
        self.told: list[Notice] = []
        self.naps: list[float] = []
        limits = LogLimits(seconds=60, events=100, bytes=1000)
        self.hub = Hub(self.bus, Metrics(), versions={}, history=limits, max_frames=10, max_bytes=1000)
        self.hearing = Hearing(self.bus, self.told.append, sleep=self.sleep)
        self.hub.overhear(self.hearing)

    async def sleep(self, seconds: float) -> None:
        """Remember how long; the bus is well after that."""
        self.naps.append(seconds)
        self.bus.failing = False

    async def heard(self) -> "World":
        """Begin to hear, and forget that everybody was told."""
        await self.hearing.run()
        assert self.told == [EVERYBODY]
        self.told.clear()
        return self


async def test_what_relays_publish_is_told() -> None:
    """Each notice of a batch, in order, once; what cannot be read concerns everybody; other feeds are none of it."""
    world = await World().heard()
    world.bus.put(NOTICES, USER.encode(), TOKEN.encode())
    world.bus.put(NOTICES, b"what is this")
    world.bus.subscribed.add(FEED)
    world.bus.put(FEED, event(1))
    assert world.told == [USER, TOKEN, EVERYBODY]


async def test_whoever_begins_to_hear_has_missed_something() -> None:
    """Everybody is concerned once the bus has acknowledged, however long that takes; nobody asks for the past."""
    world = World()
    world.bus.put(NOTICES, USER.encode())
    world.bus.failing = True
    await world.hearing.run()
    assert (world.told, world.naps) == ([EVERYBODY], [2.0])
    assert world.bus.calls == ["+@access", "+@access"]
    world.bus.put(NOTICES, TOKEN.encode())
    assert world.told == [EVERYBODY, TOKEN]


async def test_a_hole_concerns_everybody() -> None:
    """A notice that was lost on its way could have been about anybody; after that, notices are told as before."""
    world = await World().heard()
    world.bus.put(NOTICES, USER.encode(), heard=False)
    world.bus.put(NOTICES, TOKEN.encode())
    assert world.told == [EVERYBODY]
    world.bus.put(NOTICES, USER.encode())
    assert world.told == [EVERYBODY, USER]


async def test_a_new_epoch_concerns_everybody() -> None:
    """A bus that began anew may have lost what it was told; by itself, or because a relay said so."""
    world = await World().heard()
    world.bus.put(NOTICES, USER.encode())
    world.bus.put(NOTICES, TOKEN.encode(), epoch="e2")
    assert world.told == [USER, EVERYBODY]
    world.hub.retired(NOTICES, Position("e3", 0), "skipped")
    assert world.told == [USER, EVERYBODY, EVERYBODY]
    world.bus.hand(Publication(NOTICES, Position("e3", 1), 0, (USER.encode(),)))
    assert world.told[-1] == USER
    world.hub.retired(NOTICES, Position("e4", 0), "skipped")
    world.told.clear()
    world.bus.hand(Publication(NOTICES, Position("e5", 1), 0, (USER.encode(),)))
    assert world.told == [EVERYBODY]


async def test_a_bus_that_was_away_concerns_everybody() -> None:
    """What was published while nobody listened is not known; from there on notices are told as before."""
    world = await World().heard()
    world.bus.lose()
    world.bus.put(NOTICES, USER.encode(), heard=False)
    assert world.told == []
    world.bus.come_back()
    assert world.told == [EVERYBODY]
    world.bus.put(NOTICES, TOKEN.encode())
    assert world.told == [EVERYBODY, TOKEN]


async def test_a_notice_during_the_acknowledgement_is_no_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes between the acknowledgement and our hearing of it is told, and what comes after it as well; where the
    feed stood before counts no more then.
    """
    world = World()
    world.bus.gate.clear()
    hearing = asyncio.ensure_future(world.hearing.run())
    await wait_for_async(lambda: world.bus.calls)
    world.bus.subscribed.add(NOTICES)
    world.bus.put(NOTICES, USER.encode())
    monkeypatch.setattr(world.bus, "position", lambda _: None)
    world.bus.gate.set()
    await hearing
    monkeypatch.undo()
    world.bus.put(NOTICES, TOKEN.encode())
    assert world.told == [USER, EVERYBODY, TOKEN]


async def test_what_the_directory_tells_is_told() -> None:
    """Everybody when it begins to be heard, then each notice."""
    directory, told = MemoryDirectory(), list[Notice]()
    following = asyncio.ensure_future(follow(directory, told.append, asyncio.sleep))
    await wait_for_async(lambda: told)
    directory.tell(USER)
    await wait_for_async(lambda: len(told) == 2)
    assert told == [EVERYBODY, USER]
    following.cancel()


async def test_a_directory_that_cannot_tell_is_left_alone() -> None:
    """Then there are the relays and the regular round."""
    told = list[Notice]()
    await follow(MemoryDirectory(listening=False), told.append, asyncio.sleep)
    assert told == []


class Breaking(MemoryDirectory):
    """Breaks off, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks = 1

    async def changes(self) -> AsyncIterator[Notice]:
        """EVERYBODY, and then no more."""
        yield EVERYBODY
        self.breaks -= 1
        if self.breaks >= 0:
            raise BackendUnavailable("postgres", "gone")


@pytest.mark.parametrize("breaks", [1, 2])
async def test_a_directory_that_breaks_off_is_heard_again(breaks: int) -> None:
    """After a pause, as often as it takes."""
    directory, told, naps = Breaking(), list[Notice](), list[float]()
    directory.breaks = breaks

    async def sleep(seconds: float) -> None:
        naps.append(seconds)

    await follow(directory, told.append, sleep)
    assert (told, naps) == ([EVERYBODY] * (breaks + 1), [2.0] * breaks)
