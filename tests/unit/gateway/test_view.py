"""A view's own log: bounded, with indexes that go on, and cursors that are void after a reset."""

from signalman.event import Position
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.requests import Filter
from tests.unit.gateway.make import NOW_MS, event, followed, publication


def publish(feed: FollowedFeed, count: int) -> None:
    """Publications of one event each."""
    for number in range(count):
        feed.publication(publication(number, event(number)), NOW_MS)


def test_the_log_is_bounded_by_frames_and_bytes() -> None:
    """Old frames go when there are too many or they are too big, and indexes go on."""
    feed = followed(max_frames=3)
    view = feed.view(Filter())
    publish(feed, 10)
    assert (view.first, view.head) == (7, 10)
    small = followed(max_bytes=500)
    view = small.view(Filter())
    publish(small, 10)
    assert sum(len(frame.data) for frame in view.since(view.first)) <= 500


def test_one_frame_is_kept_however_large() -> None:
    """Else nobody could ever read it."""
    feed = followed(max_bytes=1)
    view = feed.view(Filter())
    publish(feed, 2)
    assert (view.first, view.head) == (1, 2)


def test_a_reset_voids_cursors_and_keeps_indexes_rising() -> None:
    """The next frame has an index that no cursor from before can take for its own past."""
    feed = followed()
    view = feed.view(Filter())
    publish(feed, 3)
    view.reset("gap", Position("e1", 9, NOW_MS))
    assert (view.generation, view.first, view.head, view.seq) == (1, 3, 3, 9)
    assert view.before(view.head) == Position("e1", 9, NOW_MS)


def test_a_token_holds_epoch_and_binding() -> None:
    """Another filter of the same feed has another token for the same epoch."""
    feed = followed()
    one, two = feed.view(Filter()).token("e1"), feed.view(Filter(frozenset({"stream_end"}))).token("e1")
    assert one.startswith("e1.")
    assert one != two
