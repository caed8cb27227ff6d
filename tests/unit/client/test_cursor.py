import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.client.cursor import Cursor
from signalman.client.messages import Subscription
from signalman.client.recent import Recent


def cursor(seq: int = 0, epoch: str | None = None) -> Cursor:
    """A cursor that began there."""
    found = Cursor(Subscription("streams"), "1")
    found.begin("v1", epoch, seq)
    return found


def live(seq: int = 7) -> Cursor:
    """A cursor that has caught up there."""
    found = cursor(seq, "e1")
    found.catch_up(seq)
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
    """A subscription to a feed on which nothing was ever published hears of its epoch with the first event, or with the
    first bookmark where its filter lets nothing pass.
    """
    here, filtered = cursor(), cursor()
    assert here.advance(0, 2, "e1")
    assert filtered.skip(2, "e1")
    assert here.epoch == filtered.epoch == "e1"


def test_another_epoch_is_a_hole() -> None:
    """`prev` 0 is right at a cursor of 0, but in an epoch that began anew it counts from another beginning."""
    here = cursor(0, "e1")
    assert not here.advance(0, 2, "e2")
    assert not here.skip(2, "e2")
    assert (here.epoch, here.seq) == ("e1", 0)


@pytest.mark.parametrize("seq", [6, 7])
def test_a_frame_that_does_not_go_forward_is_not_taken(seq: int) -> None:
    """`seq` rises."""
    assert not cursor(7, "e1").advance(7, seq, None)


def test_a_bookmark_carries_the_chain_on() -> None:
    """The next frame's `prev` is the bookmark; one that lies behind the cursor says that something is wrong."""
    here = cursor(7, "e1")
    assert here.skip(7, None)
    assert here.skip(12, None)
    assert here.advance(12, 13, None)
    assert not here.skip(12, None)
    assert here.seq == 13


def test_only_what_has_caught_up_can_be_resumed() -> None:
    """The rest of a snapshot would never come. From then on events and bookmarks move the place."""
    here = cursor(7, "e1")
    here.advance(7, 8, None)
    places = [here.resume]
    here.catch_up(9)
    places.append(here.resume)
    here.advance(9, 10, None)
    here.skip(14, None)
    places.append(here.resume)
    here.start_over()
    places.append(here.resume)
    assert places == [None, {"epoch": "e1", "seq": 9}, {"epoch": "e1", "seq": 14}, None]


def test_without_an_epoch_there_is_nothing_to_resume() -> None:
    """As long as nothing was ever published, no place has a name."""
    here = cursor()
    here.catch_up(0)
    assert here.resume is None


@pytest.mark.parametrize(("epoch", "seq"), [("e2", 7), ("e1", 6), ("e1", 8), (None, 7)])
def test_it_goes_on_only_where_it_stands(epoch: str | None, seq: int) -> None:
    """A server that resumes elsewhere would leave something out, or say it twice."""
    here = live(7)
    assert not here.go_on("v2", epoch, seq)
    assert here.go_on("v2", "e1", 7)
    assert here.view == "v2"


def test_what_was_not_to_be_resumed_does_not_go_on() -> None:
    """Even at the very place; and a live one that begins anew is no longer to be resumed."""
    assert not cursor(7, "e1").go_on("v1", "e1", 7)
    anew = live(7)
    anew.begin("v1", "e1", 7)
    assert not anew.go_on("v1", "e1", 7)


def test_what_a_join_replays_is_known_again() -> None:
    """Whatever frames it comes in. Once it is live nothing is looked up: what comes then is new."""
    here = live(7)
    assert here.deliver(["a", "b"]) == frozenset()
    here.begin("v1", "e1", 4)
    assert here.deliver(["0", "a"]) == {"a"}
    assert here.deliver(["b", "c"]) == {"b"}
    here.catch_up(9)
    assert here.deliver(["d"]) == frozenset()


@given(st.lists(st.integers(0, 30).map(str)), st.integers(1, 8))
def test_the_newest_ids_are_remembered(ids: list[str], memory: int) -> None:
    """As many as it is made for, and a copy does not change with it."""
    recent = Recent(memory=memory)
    remembered: list[str] = []
    for id_ in ids:
        recent.add([id_])
        remembered = [*remembered, *([] if id_ in remembered else [id_])][-memory:]
    copy = recent.copy()
    recent.add(["other"])
    assert [id_ for id_ in dict.fromkeys(ids) if id_ in copy] == [x for x in dict.fromkeys(ids) if x in remembered]
    assert "other" not in copy
    assert "other" in recent


def test_a_hole_is_mended_once() -> None:
    """Where the next one comes before anything new has, resuming does not help; afterwards it may again."""
    here = live(7)
    assert here.mend()
    here.ask("2")
    assert here.go_on("v1", "e1", 7)
    here.advance(7, 8, None)
    here.catch_up(8)
    assert not here.mend()
    assert here.resume is None
    again = live(7)
    assert again.mend()
    again.ask("2")
    again.catch_up(7)
    again.advance(7, 8, None)
    assert again.mend()


def test_a_hole_in_a_beginning_cannot_be_mended() -> None:
    """There is no good place to go back to."""
    assert not cursor(7, "e1").mend()
