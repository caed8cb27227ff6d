"""Worlds as busy as one wants them."""

import pytest

from signalman.simulate.pace import at_rate
from signalman.simulate.world import World
from tests.unit.simulate.make import START


@pytest.mark.parametrize(("rate", "seed"), [(50.0, 1), (1000.0, 2)])
def test_the_rate_is_kept(rate: float, seed: int) -> None:
    """Within a fifth over 30 seconds, after the first second, in which everything tells how it is."""
    world = at_rate(rate, start=START, seed=seed)
    world.step(START + 1)
    assert len(world.step(START + 31)) / 30 == pytest.approx(rate, rel=0.2)


def test_time_is_the_clocks() -> None:
    """A world at speed does more, but its timestamps are those that were passed in."""
    slow, fast = World(start=START), World(start=START, speed=10.0)
    assert len(fast.step(START + 20)) > 5 * len(slow.step(START + 20))
    assert all(START + 20 <= each.time <= START + 21 for each in fast.step(START + 21))


def test_the_same_seed_gives_the_same_bytes_at_any_rate() -> None:
    """The trial run takes nothing from the world's chance."""
    one, other = at_rate(20.0, start=START), at_rate(20.0, start=START)
    assert [each.value for each in one.step(START + 3)] == [each.value for each in other.step(START + 3)]
