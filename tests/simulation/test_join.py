"""The exact join, in thousands of histories: what is in the product is right in each of them, and what seems simpler is
not.
"""

import pytest

from tests.simulation.world import EXACT, NAIVE, Order, Score, World

SEEDS = 2_400
NAIVE_SEEDS = 150


def play(order: Order, seeds: range) -> Score:
    """Run the histories of *seeds*; each checks itself."""
    score = Score()
    for seed in seeds:
        try:
            World(seed, order, score).run()
        except AssertionError as error:
            raise AssertionError(f"in the history of seed {seed}: {error}") from error
    return score


@pytest.mark.timeout(600)
def test_every_join_is_exact(scores: dict[str, Score]) -> None:
    """Whenever a client has caught up, and at any moment after, its tables are what one would have who had watched from
    the start; each event came exactly once, or a reset said that it starts over. Through losses on the bus, gateways
    that restart, slow readers, lagging tables, late events.
    """
    score = scores[EXACT.name] = play(EXACT, range(SEEDS))
    assert score.right == score.joins
    # The histories have it all; else the above would prove little.
    assert score.joins > SEEDS
    assert score.partial < score.joins / 3
    assert score.resumes > SEEDS
    assert set(score.resets) == {"slow", "gap", "epoch", "skipped", "trimmed"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("order", NAIVE, ids=lambda order: order.name)
def test_a_simpler_order_is_not(order: Order, scores: dict[str, Score]) -> None:
    """Each of the orders that seem to do gives some clients wrong tables: the histories above tell right from wrong."""
    score = scores[order.name] = play(order, range(NAIVE_SEEDS))
    assert score.joins > NAIVE_SEEDS
    assert score.right < score.joins
