from hypothesis import given
from hypothesis import strategies as st

from signalman.client.cursor import Cursor
from signalman.client.messages import Subscription


def cursor(seq: int = 0, epoch: str | None = None) -> Cursor:
    """A cursor that began there."""
    found = Cursor(Subscription("streams"), "1")
    found.begin("v1", epoch, seq)
    return found


@given(st.integers(0, 1000), st.lists(st.integers(1, 50), min_size=1))
def test_frames_that_chain_are_taken(start: int, sizes: list[int]) -> None:
    """With a filter `seq` jumps by more than the events that are there; only the chain of `prev` counts."""
    here = cursor(start, "e1")
    for size in sizes:
        assert here.advance(here.seq, here.seq + size, None)
    assert here.seq == start + sum(sizes)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_frame_that_does_not_chain_is_not_taken(at: int, prev: int) -> None:
    """Neither a hole nor a repetition moves the cursor."""
    here = cursor(at, "e1")
    assert here.advance(prev, prev + 1, None) is (prev == at)
    assert here.seq == (at + 1 if prev == at else at)


def test_the_first_epoch_is_learnt() -> None:
    """A subscription to a feed on which nothing was ever published hears of its epoch with the first event."""
    here = cursor()
    assert here.advance(0, 2, "e1")
    assert here.epoch == "e1"


def test_another_epoch_is_a_hole() -> None:
    """`prev` 0 is right at a cursor of 0, but in an epoch that began anew it counts from another beginning."""
    here = cursor(0, "e1")
    assert not here.advance(0, 2, "e2")


def test_a_frame_that_goes_backwards_is_not_taken() -> None:
    """`seq` rises."""
    assert not cursor(7, "e1").advance(7, 6, None)
