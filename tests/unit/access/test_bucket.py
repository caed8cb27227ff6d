"""The token bucket: how often something may happen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.bucket import TOLERANCE, Bucket
from signalman.access_ports import Rate

_START = 1_787_220_672.0
_RATES = st.builds(Rate, st.floats(0.01, 1e4), st.floats(0.5, 1e4))
_STEPS = st.lists(st.tuples(st.floats(0, 30), st.floats(0.1, 50)), max_size=60)


@given(rate=_RATES, steps=_STEPS)
def test_never_more_than_rate_and_burst(rate: Rate, steps: list[tuple[float, float]]) -> None:
    """Between any two moments no more is let in than has come in between, and the burst; and the one that was larger
    than the burst, which a full bucket lets in.
    """
    bucket, now = Bucket(rate, _START), _START
    taken: list[tuple[float, float]] = []
    for passed, cost in steps:
        now += passed
        if bucket.take(now, cost) == 0.0:
            taken.append((now, cost))
    largest = max((cost for _, cost in taken), default=0.0)
    for first, (began, _) in enumerate(taken):
        total = 0.0
        for at, cost in taken[first:]:
            total += cost
            allowed = rate.per_second * (at - began) + rate.burst + max(0.0, largest - rate.burst)
            assert total <= allowed * (1 + 1e-9) + 2 * rate.per_second * TOLERANCE * len(taken)


@given(rate=_RATES, steps=_STEPS)
def test_the_wait_is_honest(rate: Rate, steps: list[tuple[float, float]]) -> None:
    """Whoever comes after as many seconds as he was told is let in, and had he come earlier, he would not have been."""
    bucket, now = Bucket(rate, _START), _START
    for passed, cost in steps:
        now += passed
        wait = bucket.take(now, cost)
        if wait:
            assert wait > TOLERANCE
            if wait > 0.001:
                assert bucket.take(now + wait * 0.9, cost) > 0.0
            now += wait
            assert bucket.take(now, cost) == 0.0


@given(rate=_RATES, refused=st.integers(1, 20))
def test_who_is_refused_has_taken_nothing(rate: Rate, refused: int) -> None:
    """However often one tries in vain, the wait does not grow."""
    bucket = Bucket(rate, _START)
    bucket.take(_START, rate.burst)
    waits = {bucket.take(_START, 1.0) for _ in range(refused)}
    assert len(waits) == 1


def test_the_burst_comes_at_once_and_then_one_by_one() -> None:
    """Three at once, and then one every half second."""
    bucket = Bucket(Rate(2.0, 3.0), 0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(0.0) == pytest.approx(0.5)
    assert bucket.take(0.5) == 0.0
    assert bucket.take(0.5) == pytest.approx(0.5)


def test_a_wait_that_nobody_can_keep_is_none() -> None:
    """Shorter than a clock tells, or just as short."""
    bucket = Bucket(Rate(1 / TOLERANCE, 1.0), 0.0)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 0.0]
    assert bucket.take(0.0) > 0.0


def test_a_silence_fills_no_more_than_the_burst() -> None:
    """After a day of silence three come at once, and not a fourth."""
    bucket = Bucket(Rate(2.0, 3.0), 0.0)
    assert [bucket.take(86_400.0) > 0 for _ in range(4)] == [False, False, False, True]


def test_what_is_larger_than_the_burst_leaves_a_debt() -> None:
    """Ten out of a bucket of four at one a second: at once, and the next one after seven seconds."""
    bucket = Bucket(Rate(1.0, 4.0), 0.0)
    assert bucket.take(0.0, 10.0) == 0.0
    assert bucket.take(0.0) == pytest.approx(7.0)
    assert bucket.take(7.0) == 0.0


def test_a_clock_that_is_set_back_does_no_harm() -> None:
    """It gives nothing, and nobody waits for the hour to pass again."""
    bucket = Bucket(Rate(1.0, 1.0), 3600.0)
    assert bucket.take(3600.0) == 0.0
    assert bucket.take(0.0) == pytest.approx(1.0)
    assert bucket.take(1.0) == 0.0
