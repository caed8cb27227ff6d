"""Everybody learns when nobody publishes any more."""

import asyncio

import orjson
import pytest

from signalman.gateway.hub import Hub
from signalman.gateway.pulse import EVERY, IN_A_ROW, Pulse
from signalman.metrics import Metrics
from signalman.relay.beat import EVERY as BEAT_EVERY
from tests.unit.gateway.fake_bus import FakeBus
from tests.unit.gateway.make import LIMITS


class Everyone:
    """A client that remembers what concerns all."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def wake(self) -> None:
        raise AssertionError("there are no views here")

    def notice(self, frame: bytes) -> None:
        message = orjson.loads(frame)
        self.heard.append((message["type"], message["backend"]))


def make() -> tuple[FakeBus, Hub, Pulse, Everyone, Metrics]:
    """A pulse over a bus in the test's hand."""
    bus, metrics, everyone = FakeBus(), Metrics(), Everyone()
    hub = Hub(bus, metrics, versions={}, history=LIMITS, max_frames=1, max_bytes=1)
    hub.enter(everyone)
    return bus, hub, Pulse(bus, hub, metrics), everyone, metrics


def up(metrics: Metrics) -> float | None:
    """What the metric says of the source."""
    return metrics.registry.get_sample_value("signalman_backend_up", {"backend": "source"})


async def test_the_source_goes_and_comes() -> None:
    """Told once each, and shown in the metric."""
    bus, hub, pulse, everyone, metrics = make()
    await pulse.look()
    assert (everyone.heard, up(metrics)) == ([], 1)
    bus.fed = False
    for _ in range(IN_A_ROW - 1):
        await pulse.look()
    assert (everyone.heard, up(metrics)) == ([], 1)
    await pulse.look()
    await pulse.look()
    assert (everyone.heard, up(metrics), hub.stale_backends) == ([("stale", "source")], 0, ("source",))
    bus.fed = True
    await pulse.look()
    assert (everyone.heard[1:], up(metrics), hub.stale_backends) == ([("fresh", "source")], 1, ())


async def test_while_the_bus_is_away_the_source_is_not_judged() -> None:
    """What was known holds: neither a bus that does not answer nor one that was lost says anything about the source."""
    bus, hub, pulse, everyone, _ = make()
    bus.failing = True
    await pulse.look()
    bus.failing, bus.fed = False, False
    hub.lost()
    for _ in range(IN_A_ROW):
        await pulse.look()
    assert "fed?" not in bus.calls[1:]
    assert everyone.heard == [("stale", "bus")]


async def test_a_bus_that_is_back_hears_of_relays_a_beat_later() -> None:
    """What was answered with no before it went away does not count any more."""
    bus, hub, pulse, everyone, _ = make()
    bus.fed = False
    for _ in range(IN_A_ROW - 1):
        await pulse.look()
    hub.lost()
    await pulse.look()
    hub.recovered({})
    for _ in range(IN_A_ROW - 1):
        await pulse.look()
    assert [kind for kind, backend in everyone.heard if backend == "source"] == []
    await pulse.look()
    assert everyone.heard[-1] == ("stale", "source")
    assert EVERY * IN_A_ROW > BEAT_EVERY


async def test_an_answer_from_before_a_loss_is_not_told_after_it() -> None:
    """The bus went away while it was asked."""
    bus, hub, pulse, everyone, _ = make()
    bus.fed = False
    bus.gate.clear()
    looking = asyncio.ensure_future(pulse.look())
    await asyncio.sleep(0)
    hub.lost()
    bus.gate.set()
    await looking
    assert everyone.heard == [("stale", "bus")]


async def test_it_looks_every_few_seconds() -> None:
    """Not at once, and for ever."""
    bus, hub, _, _, metrics = make()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Pulse(bus, hub, metrics, sleep).run()
    assert (slept, bus.calls) == ([EVERY] * 4, ["fed?"] * 3)
