"""The estimate of another machine's clock."""

from signalman.backends.bus_clock import BusClock


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_before_it_is_set_it_is_the_local_clock() -> None:
    """Until the bus has answered, the wall clock is the best that is known; and it runs on."""
    time = Time()
    clock = BusClock(time, lambda: 5_000.0)
    assert clock.now_ms() == 5_000_000
    time.now += 2
    assert clock.now_ms() == 5_002_000


def test_an_answer_is_taken_for_the_middle_of_its_way() -> None:
    """The bus read its clock somewhere between question and answer: half way, as far as anyone knows."""
    time = Time()
    clock = BusClock(time, lambda: 0.0)
    asked = clock.local_ms()
    time.now += 0.2
    clock.set(asked, 7_000_000)
    assert clock.now_ms() == 7_000_100
    time.now += 1
    assert clock.now_ms() == 7_001_100


def test_a_slow_answer_does_not_spoil_a_quick_one() -> None:
    """The error of an answer is at most half its way, so a slower one is passed over; but not for ever, since clocks
    drift.
    """
    time = Time()
    clock = BusClock(time, lambda: 0.0)
    clock.set(clock.local_ms(), 7_000_000)
    asked = clock.local_ms()
    time.now += 4
    clock.set(asked, 7_004_000)
    assert clock.now_ms() == 7_004_000

    time.now += 60
    asked = clock.local_ms()
    time.now += 4
    clock.set(asked, 9_000_000)
    assert clock.now_ms() == 9_002_000
