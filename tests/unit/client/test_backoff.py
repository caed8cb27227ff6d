from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from signalman.client.backoff import FIRST, LONGEST, delays


def test_the_bound_doubles_until_it_is_longest() -> None:
    """Trouble that lasts is asked about less and less often, and never more rarely than every half minute."""
    bounds = list(islice(delays(lambda _, high: high), 8))
    assert bounds == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_the_first_wait_may_be_short() -> None:
    """The lower end never moves: even after many failures some clients come back early, so that all are spread."""
    assert list(islice(delays(lambda low, _: low), 4)) == [FIRST] * 4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_every_wait_is_within_its_limits(dice: list[float]) -> None:
    """Whatever chance says, nobody waits less than half a second or more than thirty."""
    rolls = iter(dice)
    waits = list(islice(delays(lambda low, high: low + next(rolls) * (high - low)), len(dice)))
    assert all(FIRST <= wait <= LONGEST for wait in waits)


def test_clients_do_not_come_back_together() -> None:
    """With the real dice, a hundred clients choose a hundred moments."""
    moments = sorted(next(delays()) for _ in range(100))
    assert all(later > earlier for earlier, later in pairwise(moments))
