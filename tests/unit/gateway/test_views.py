"""The views of one feed: what of a publication passes which filter, and who is told of it."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from signalman.event import Feed, Position
from signalman.gateway.log import FeedLog
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.gateway.views import FeedViews, union
from tests.unit.gateway.make import FEED, LIMITS, OTHER, event, publication

EVERYTHING = Filter()
ENDS = Filter(types=frozenset({"stream_end"}))
OF_A = Filter(fields=(("stream_id", frozenset({"a"})),))


def views(log: FeedLog | None = None) -> FeedViews:
    """No views yet, with logs of 4 frames and 1000 bytes."""
    return FeedViews(FEED, log or FeedLog(LIMITS), version="1", names=map(str, count()), max_frames=4, max_bytes=1000)


def ids(view: View) -> list[list[str]]:
    """The events of each frame of *view*."""
    return [[each["id"] for each in orjson.loads(frame.data).get("events", [])] for frame in view.since(view.first)]


def test_a_view_is_made_once_for_each_filter() -> None:
    """Equal filters share one, others have their own, and one that is dropped is made anew."""
    feed = views()
    first = feed.get(ENDS)
    assert feed.get(Filter(types=frozenset({"stream_end"}))) is first
    assert feed.get(OF_A) is not first
    assert (len(feed), list(feed)) == (2, [first, feed.get(OF_A)])
    feed.drop(ENDS)
    feed.drop(ENDS)
    assert list(feed) == [feed.get(OF_A)]
    assert feed.get(ENDS) is not first


def test_a_view_is_what_it_was_made_for() -> None:
    """Its feed, its filter, its feed's log and place, its own bounds, and a token that no other filter's view has."""
    log = FeedLog(LIMITS)
    log.append(publication(0, event(1)), 0)
    feed = views(log)
    view = feed.get(ENDS)
    assert (view.name, view.feed, view.filter, view.log, view.position) == ("0", FEED, ENDS, log, log.position)
    assert len({each.token("e1") for each in (view, feed.get(OF_A), feed.get(EVERYTHING))}) == 3
    for number in range(1, 9):
        feed.append(publication(number, event(number, "stream_end")))
    assert view.head - view.first == 4
    feed.append(publication(9, event(9, "stream_end", filler="x" * 900)))
    assert view.head - view.first == 1


def test_a_view_is_bound_to_its_channel_and_feed() -> None:
    """A cursor of another version of the channel, or of another feed, is not one of this view's."""
    made = {
        FeedViews(feed, FeedLog(LIMITS), version=version, names=iter("v"), max_frames=4, max_bytes=1000)
        .get(ENDS)
        .token("e1")
        for feed in (FEED, Feed("system", FEED.scope), Feed("streams", (OTHER,)))
        for version in ("1", "2")
    }
    assert len(made) == 6


def test_each_view_gets_what_passes_its_filter_and_nothing_else() -> None:
    """Of one publication the unfiltered view gets all, each filtered one its own, and one that nothing is for gets no
    frame and is not among those that have something new.
    """
    feed = views()
    all_, ends, of_a, none = (feed.get(each) for each in (EVERYTHING, ENDS, OF_A, Filter(types=frozenset({"other"}))))
    told = publication(
        0, event(1, stream_id="a"), event(2, "stream_end", stream_id="b"), event(3, "stream_end", stream_id="a")
    )
    assert feed.append(told) == [all_, ends, of_a]
    assert ids(all_) == [["e-1", "e-2", "e-3"]]
    assert ids(ends) == [["e-2", "e-3"]]
    assert ids(of_a) == [["e-1", "e-3"]]
    assert (ids(none), none.position) == ([], None)
    assert {view.position for view in (all_, ends, of_a)} == {told.position}


def test_events_are_decoded_once_and_only_for_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many filtered views there are, and not at all where there is none: what nobody filters is not read."""
    loaded: list[bytes] = []

    def loads(raw: bytes) -> Any:
        loaded.append(raw)
        return orjson.loads(raw)

    monkeypatch.setattr("signalman.gateway.views.orjson", SimpleNamespace(loads=loads))
    feed = views()
    feed.get(EVERYTHING)
    feed.append(publication(0, event(1)))
    assert loaded == []
    feed.get(ENDS)
    feed.get(OF_A)
    told = publication(1, event(2), event(3))
    feed.append(told)
    assert loaded == list(told.events)


def test_all_views_start_over_together() -> None:
    """At the place that is given, with the reason."""
    feed = views()
    both = [feed.get(EVERYTHING), feed.get(ENDS)]
    place = Position("e2", 7, 1)
    assert feed.reset("gap", place) == both
    assert [(view.reset_reason, view.position, view.generation) for view in both] == [("gap", place, 1)] * 2


def test_those_behind_are_told_where_the_feed_stands() -> None:
    """A view that has got everything is not."""
    feed = views()
    ahead, behind = feed.get(EVERYTHING), feed.get(ENDS)
    told = publication(0, event(1))
    feed.append(told)
    assert feed.bookmark(told.position) == [behind]
    assert (ahead.position, behind.position) == (told.position, told.position)


def test_room_is_half_of_a_log() -> None:
    """In frames as in bytes."""
    feed = views()
    assert feed.room(2, 500)
    assert not feed.room(3, 500)
    assert not feed.room(2, 501)


def test_what_changed_is_told_once() -> None:
    """In the order in which it changed first."""
    feed = views()
    one, two = feed.get(EVERYTHING), feed.get(ENDS)
    assert union([two], [], [one, two]) == [two, one]
