"""The newest publications of a feed: no hole, no more than allowed, and no claim of completeness that is not true."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from signalman.event import History, Position, Publication
from signalman.gateway.log import FeedLog, LogLimits
from tests.unit.gateway.make import LIMITS, publication


def filled(*publications: Publication, limits: LogLimits = LIMITS, since_ms: int = 0) -> FeedLog:
    """A log that began with *publications*."""
    log = FeedLog(limits)
    log.start(History(publications[-1].position if publications else None, publications, since_ms))
    return log


def test_what_comes_after_a_seq_is_found() -> None:
    """Whole publications, the first of which may begin before; nothing where the seq is the end."""
    one, two, three = publication(4, b"5", b"6"), publication(6, b"7"), publication(7, b"8", b"9")
    log = filled(one, two, three)
    assert log.after(4) == [one, two, three]
    assert log.after(5) == [one, two, three]
    assert log.after(6) == [two, three]
    assert log.after(8) == [three]
    assert log.after(9) == []


def test_what_is_not_there_is_not_claimed() -> None:
    """A seq before the oldest or beyond the end has no answer."""
    log = filled(publication(4, b"5"))
    assert log.after(3) is None
    assert log.after(6) is None


def test_a_feed_without_past() -> None:
    """Nothing was ever published: everything after 0 is nothing, and nothing is missing."""
    log = filled()
    assert (log.position, log.after(0), log.after(1)) == (None, [], None)
    assert log.since(0) == (0, True)


def test_a_replay_begins_at_a_moment() -> None:
    """From the first publication after it; at the end where there is none."""
    log = filled(publication(4, b"5", ms=10), publication(5, b"6", ms=20), publication(6, b"7", ms=20), since_ms=9)
    assert log.since(9) == (4, True)
    assert log.since(10) == (5, True)
    assert log.since(19) == (5, True)
    assert log.since(20) == (7, True)


def test_a_replay_that_reaches_back_too_far_is_not_complete() -> None:
    """It begins with the oldest, and says that something may be missing."""
    log = filled(publication(4, b"5", ms=10), since_ms=9)
    assert log.since(8) == (4, False)


def test_what_is_let_go_is_no_longer_complete() -> None:
    """Once a publication is gone, only what came after its moment is."""
    log = filled(limits=LogLimits(seconds=1.0, events=10, bytes=1000))
    for prev, ms in enumerate((1_000, 1_500, 2_100)):
        log.append(publication(prev, b"x", ms=ms), ms)
    assert log.since(1_000) == (1, True)
    assert log.since(999) == (1, False)
    log.trim(10_000)
    assert (log.events, log.bytes, log.position) == (0, 0, Position("e1", 3, 2_100))
    assert log.since(2_099) == (3, False)
    assert log.after(3) == []


def test_starting_over_forgets() -> None:
    """Nothing of what was held is given out under another epoch."""
    log = filled(publication(0, b"1"))
    log.clear(Position("e2", 0), 5_000)
    assert (log.events, log.after(0), log.since(4_999)) == (0, [], (0, False))


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 700)), max_size=40),
    st.integers(1, 12),
    st.integers(1, 40),
    st.integers(0, 20_000),
    st.integers(0, 170),
)
def test_bounds_and_completeness(
    steps: list[tuple[int, int]], events: int, size: int, asked_ms: int, asked_seq: int
) -> None:
    """However they come: never more than allowed, never a hole, and an answer is whole or says that it is not."""
    limits = LogLimits(seconds=2.0, events=events, bytes=size)
    log = FeedLog(limits)
    everything: list[Publication] = []
    seq, ms = 0, 1_000
    for count, later in steps:
        ms += later
        everything.append(publication(seq, *(b"%03d" % n for n in range(seq, seq + count)), ms=ms))
        seq += count
        log.append(everything[-1], ms)
        held = log.after(log.position.seq - log.events) if log.position else []
        assert held is not None
        assert sum(len(each.events) for each in held) == log.events <= events
        assert sum(len(event) for each in held for event in each.events) == log.bytes <= size
        assert all(each.position.ms >= ms - 2_000 for each in held)
        assert all(one.position.seq == two.prev for one, two in pairwise(held))

    begin, complete = log.since(asked_ms)
    replay = log.after(begin)
    assert replay is not None
    wanted = [each for each in everything if each.position.ms > asked_ms]
    assert replay == wanted if complete else replay == wanted[len(wanted) - len(replay) :]

    answer = log.after(asked_seq)
    if answer is not None:
        assert answer == [each for each in everything if each.position.seq > asked_seq]
        assert asked_seq <= seq
