"""Ten minutes of a world, lived through once for all tests that only look at them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from signalman.simulate.wire import Emitted
from signalman.simulate.world import World
from tests.unit.simulate.make import START


@dataclass(frozen=True)
class Lived:
    """A world after ten minutes, and what it emitted in them."""

    world: World
    emitted: Sequence[Emitted]

    def of(self, event_type: str) -> list[Emitted]:
        """What was emitted of one type."""
        return [each for each in self.emitted if each.body["event_type"] == event_type]


@pytest.fixture(scope="session")
def lived() -> Lived:
    """Ten minutes at default size. To be looked at only."""
    world = World(start=START)
    return Lived(world, world.step(START + 600))
