"""Feeds and views: nothing is missing without being announced, and everybody shares the same frames."""

from itertools import pairwise

import orjson
from hypothesis import given
from hypothesis import strategies as st

from signalman.event import Position
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from tests.unit.gateway.make import FEED, event, publication

ENDS = Filter(frozenset({"stream_end"}))


def followed(position: Position | None = None, *, max_frames: int = 100, max_bytes: int = 1 << 20) -> FollowedFeed:
    """A feed that stands at *position*."""
    feed = FollowedFeed(FEED, max_frames=max_frames, max_bytes=max_bytes)
    feed.start(position)
    return feed


def decoded(view: View, cursor: int = 0) -> list[dict[str, object]]:
    """The frames of *view* from *cursor* on."""
    return [orjson.loads(frame.data) for frame in view.since(cursor)]


def test_publications_become_frames_in_a_chain() -> None:
    """Each frame's ``prev`` is the ``seq`` of the one before it, and the first names the epoch."""
    feed = followed()
    view = feed.view(Filter())
    assert feed.publication(publication(0, event(1), event(2))) == [view]
    feed.publication(publication(2, event(3)))
    first, second = decoded(view)
    assert (first["prev"], first["seq"], first["epoch"]) == (0, 2, "e1")
    assert (second["prev"], second["seq"], "epoch" in second) == (2, 3, False)
    assert [e["id"] for e in first["events"]] == ["e-1", "e-2"]  # type: ignore[attr-defined] # decoded JSON


def test_a_filtered_view_chains_over_what_it_leaves_out() -> None:
    """Where a filter drops events, ``prev`` still equals the ``seq`` of the frame before."""
    feed = followed()
    view = feed.view(ENDS)
    feed.publication(publication(0, event(1), event(2, "stream_end")))
    assert feed.publication(publication(2, event(3))) == []
    feed.publication(publication(3, event(4, "stream_end")))
    assert [(f["prev"], f["seq"]) for f in decoded(view)] == [(0, 2), (2, 4)]


def test_a_second_subscriber_gets_the_same_view() -> None:
    """Equal filters share one log."""
    feed = followed()
    assert feed.view(Filter()) is feed.view(Filter())
    assert feed.view(ENDS) is not feed.view(Filter())


def test_a_hole_is_a_reset_and_what_follows_is_kept() -> None:
    """A missing publication resets every view; the one after the hole is there for the new beginning."""
    feed = followed()
    view = feed.view(Filter())
    feed.publication(publication(0, event(1)))
    assert feed.publication(publication(5, event(6))) == [view]
    assert (view.generation, view.reset_reason) == (1, "gap")
    assert [(f["prev"], f["seq"]) for f in decoded(view, view.first)] == [(5, 6)]
    assert view.before(view.first) == Position("e1", 5)


def test_a_new_epoch_is_a_reset() -> None:
    """A bus that lost its memory starts a new epoch."""
    feed = followed(Position("e1", 9))
    view = feed.view(Filter())
    feed.publication(publication(0, event(1), epoch="e2"))
    assert (view.generation, view.reset_reason) == (1, "epoch")


def test_a_duplicate_is_dropped() -> None:
    """A publication that was delivered before does nothing."""
    feed = followed()
    view = feed.view(Filter())
    feed.publication(publication(0, event(1)))
    assert feed.publication(publication(0, event(1))) == []
    assert (view.head, view.generation) == (1, 0)


def test_publications_between_acknowledgement_and_position_are_not_a_gap() -> None:
    """What arrives before the bus has said where the feed stands is taken over, whichever is further."""
    ahead = FollowedFeed(FEED, max_frames=9, max_bytes=999)
    ahead.publication(publication(7, event(8)))
    ahead.start(Position("e1", 7))
    assert ahead.position == Position("e1", 8)
    behind = FollowedFeed(FEED, max_frames=9, max_bytes=999)
    behind.publication(publication(7, event(8)))
    behind.start(Position("e1", 9))
    assert behind.position == Position("e1", 9)


def test_recovery_at_the_same_place_resets_nothing() -> None:
    """A bus that was away while nothing was published costs nobody anything."""
    feed = followed(Position("e1", 3))
    feed.view(Filter())
    assert feed.recovered(Position("e1", 3)) == []


def test_recovery_elsewhere_is_announced() -> None:
    """Where the feed moved on or began anew while the bus was away, views are reset with the reason."""
    feed = followed(Position("e1", 3))
    view = feed.view(Filter())
    assert feed.recovered(Position("e1", 5)) == [view]
    assert view.reset_reason == "gap"
    assert feed.recovered(None) == [view]
    assert view.reset_reason == "epoch"


def test_the_log_is_bounded_by_frames_and_bytes() -> None:
    """Old frames go when there are too many or they are too big, and indexes go on."""
    feed = followed(max_frames=3)
    view = feed.view(Filter())
    for number in range(10):
        feed.publication(publication(number, event(number)))
    assert (view.first, view.head) == (7, 10)
    small = followed(max_bytes=500)
    view = small.view(Filter())
    for number in range(10):
        small.publication(publication(number, event(number)))
    assert sum(len(frame.data) for frame in view.since(view.first)) <= 500


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=30))
def test_no_hole_is_ever_silent(steps: list[tuple[bool, int]]) -> None:
    """Whatever publications are lost, a chain of frames is either unbroken or the view was reset in between."""
    feed = followed()
    view = feed.view(Filter())
    seq, lost_since_last, resets = 0, False, 0
    for delivered, size in steps:
        events = [event(seq + n) for n in range(size)]
        if delivered:
            feed.publication(publication(seq, *events))
            resets += lost_since_last
            lost_since_last = False
        else:
            lost_since_last = True
        seq += size
    assert view.generation == resets
    frames = decoded(view, view.first)
    assert all(a["seq"] == b["prev"] for a, b in pairwise(frames))
