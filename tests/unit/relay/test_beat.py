import asyncio
from collections.abc import Iterator

import pytest

from signalman.relay.beat import EVERY, HOLDS, keep_beating
from tests.unit.relay.make import FakeBus


async def beat(bus: FakeBus, *flowing: bool) -> list[float]:
    """Beat on *bus* while events flow or do not, once for each; returns the waits in between."""
    states: Iterator[bool] = iter(flowing)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == len(flowing):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_beating(lambda: next(states), bus, sleep)
    return slept


async def test_it_beats_while_events_flow_and_only_then() -> None:
    """At once and every few seconds, each beat holding for longer than two pauses; nothing is said while nothing
    flows.
    """
    bus = FakeBus()
    assert await beat(bus, True, False, True, False) == [EVERY] * 4
    assert bus.beats == [HOLDS] * 2
    assert HOLDS > 2 * EVERY


async def test_a_beat_that_fails_is_let_go() -> None:
    """The bus is away: the relay waits for it elsewhere, and the next beat is tried in its turn."""
    bus = FakeBus()
    bus.refuse = 1
    assert await beat(bus, True, True) == [EVERY] * 2
    assert bus.beats == [HOLDS]
