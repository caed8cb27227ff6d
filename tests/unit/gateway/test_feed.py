"""A feed as a gateway follows it: nothing is missing without being announced, and everybody shares the same frames."""

import orjson

from signalman.event import History, Position
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.log import LogLimits
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.metrics import Metrics
from tests.unit.gateway.make import FEED, LIMITS, NOW_MS, event, followed, publication

ENDS = Filter(frozenset({"stream_end"}))


def decoded(view: View, cursor: int | None = None) -> list[dict[str, object]]:
    """The frames of *view* from *cursor* on, else all."""
    return [orjson.loads(frame.data) for frame in view.since(view.first if cursor is None else cursor)]


def chain(view: View) -> list[tuple[object, object]]:
    """``prev`` and ``seq`` of each frame."""
    return [(frame.prev, frame.position.seq) for frame in view.since(view.first)]


def gaps(metrics: Metrics, outcome: str) -> float | None:
    """How many holes ended so."""
    return metrics.registry.get_sample_value("signalman_gaps_total", {"outcome": outcome})


def test_publications_become_frames_in_a_chain() -> None:
    """Each frame's ``prev`` is the ``seq`` of the one before it, and the first names the epoch, bound to the view."""
    feed = followed()
    view = feed.view(Filter())
    assert feed.publication(publication(0, event(1), event(2)), NOW_MS) == [view]
    feed.publication(publication(2, event(3)), NOW_MS)
    first, second = decoded(view)
    assert (first["prev"], first["seq"], first["epoch"]) == (0, 2, view.token("e1"))
    assert (second["prev"], second["seq"], "epoch" in second) == (2, 3, False)
    assert [e["id"] for e in first["events"]] == ["e-1", "e-2"]  # type: ignore[attr-defined] # decoded JSON


def test_a_filtered_view_chains_over_what_it_leaves_out() -> None:
    """Where a filter drops events, ``prev`` still equals the ``seq`` of the frame before."""
    feed = followed()
    view = feed.view(ENDS)
    feed.publication(publication(0, event(1), event(2, "stream_end")), NOW_MS)
    assert feed.publication(publication(2, event(3)), NOW_MS) == []
    feed.publication(publication(3, event(4, "stream_end")), NOW_MS)
    assert chain(view) == [(0, 2), (2, 4)]


def test_a_second_subscriber_gets_the_same_view() -> None:
    """Equal filters share one log, and all of a feed share its past."""
    feed = followed()
    assert feed.view(Filter()) is feed.view(Filter())
    assert feed.view(ENDS) is not feed.view(Filter())
    assert feed.view(ENDS).log is feed.view(Filter()).log is feed.log


def test_a_feed_begins_with_its_past() -> None:
    """What the bus still has is in the log; views begin where it ends."""
    feed = followed(None, publication(4, event(5)), publication(5, event(6)))
    view = feed.view(Filter())
    assert (view.seq, view.head, feed.log.events) == (6, 0, 2)
    feed.publication(publication(6, event(7)), NOW_MS)
    assert chain(view) == [(6, 7)]
    assert feed.log.events == 3


def test_what_arrives_before_the_past_is_known_waits_for_it() -> None:
    """Publications between acknowledgement and history are delivered once: those that the history has not, in order."""
    feed = FollowedFeed(FEED, LIMITS, Metrics(), version="1", max_frames=9, max_bytes=999)
    before = publication(7, event(8))
    feed.publication(before, NOW_MS)
    ask = feed.ask()
    feed.publication(publication(8, event(9)), NOW_MS)
    feed.publication(publication(9, event(10)), NOW_MS)
    feed.restarted(ask, History(Position("e1", 9, NOW_MS), (before, publication(8, event(9))), 0), NOW_MS)
    assert not feed.filling
    assert [each.position.seq for each in feed.log.after(7) or ()] == [8, 9, 10]


def test_a_hole_is_filled_before_anything_newer() -> None:
    """What came after the hole waits; what was missed and what waited then come in order, each once."""
    metrics = Metrics()
    feed = followed(Position("e1", 1, NOW_MS), metrics=metrics)
    view = feed.view(Filter())
    assert feed.publication(publication(3, event(4)), NOW_MS) == []
    assert (feed.filling, view.head, feed.log.position) == (True, 0, Position("e1", 1, NOW_MS))
    ask = feed.ask()
    assert ask.after == Position("e1", 1, NOW_MS)
    assert feed.publication(publication(4, event(5)), NOW_MS) == []
    missed = (publication(1, event(2)), publication(2, event(3)), publication(3, event(4)))
    assert feed.repaired(ask, missed, NOW_MS) == [view]
    assert (feed.filling, view.generation) == (False, 0)
    assert [e["id"] for f in decoded(view) for e in f["events"]] == [  # type: ignore[attr-defined] # decoded JSON
        "e-2", "e-3", "e-4", "e-5",
    ]  # fmt: skip
    assert chain(view) == [(1, 4), (4, 5)]
    assert [each.position.seq for each in feed.log.after(1) or ()] == [2, 3, 4, 5]
    assert (gaps(metrics, "filled"), gaps(metrics, "reset")) == (1, None)


def test_what_was_missed_is_cut_where_it_was_delivered() -> None:
    """An answer that begins before what was asked for delivers nothing twice."""
    feed = followed(Position("e1", 2, NOW_MS))
    view = feed.view(Filter())
    feed.publication(publication(4, event(5)), NOW_MS)
    feed.repaired(feed.ask(), (publication(0, *map(event, (1, 2, 3, 4))), publication(4, event(5))), NOW_MS)
    assert [e["id"] for e in decoded(view)[0]["events"]] == ["e-3", "e-4", "e-5"]  # type: ignore[attr-defined] # as above


def test_a_filtered_view_is_filled_as_well() -> None:
    """Of what was missed it gets what passes."""
    feed = followed(Position("e1", 1, NOW_MS))
    view, everything = feed.view(ENDS), feed.view(Filter())
    hole = publication(1, event(2), event(3, "stream_end"))
    after = publication(3, event(4))
    feed.publication(after, NOW_MS)
    assert feed.repaired(feed.ask(), (hole, after), NOW_MS) == [view, everything]
    assert [frame.count for frame in view.since(0)] == [1]


def test_a_hole_that_cannot_be_filled_is_a_reset_with_all_that_is_left() -> None:
    """The bus kept too little: views start over, and go on with all that it has, for none of it was delivered."""
    metrics = Metrics()
    feed = followed(Position("e1", 1, NOW_MS), metrics=metrics)
    view = feed.view(Filter())
    late = publication(5, event(6))
    feed.publication(late, NOW_MS)
    assert feed.repaired(feed.ask(), None, NOW_MS) == []
    ask = feed.ask()
    assert (feed.filling, ask.after) == (True, None)
    feed.publication(publication(6, event(7)), NOW_MS)
    past = History(late.position, (publication(4, event(5)), late), 900)
    assert feed.restarted(ask, past, NOW_MS) == [view]
    assert (view.generation, view.reset_reason, view.before(view.first)) == (1, "gap", Position("e1", 4))
    assert chain(view) == [(4, 6), (6, 7)]
    assert feed.log.since(900) == (4, True)
    assert (gaps(metrics, "filled"), gaps(metrics, "reset")) == (None, 1)


def test_an_answer_with_a_hole_is_no_answer() -> None:
    """Were it taken, the hole would be silent."""
    feed = followed(Position("e1", 1, NOW_MS))
    view = feed.view(Filter())
    feed.publication(publication(5, event(6)), NOW_MS)
    feed.repaired(feed.ask(), (publication(1, event(2)), publication(5, event(6))), NOW_MS)
    assert (view.head, feed.filling, feed.ask().after) == (0, True, None)


def test_so_much_was_missed_that_all_would_be_lapped() -> None:
    """Then nobody is told that it is slow: all start over, and the log has everything."""
    feed = followed(Position("e1", 0, NOW_MS), max_bytes=400)
    view = feed.view(Filter())
    missed = tuple(publication(n, event(n + 1)) for n in range(9))
    feed.publication(missed[-1], NOW_MS)
    assert feed.repaired(feed.ask(), missed, NOW_MS) == [view]
    assert (view.reset_reason, view.seq, feed.log.events) == ("gap", 9, 9)


def test_what_was_missed_comes_in_few_frames() -> None:
    """A thousand small publications would push everybody out of a view's log."""
    feed = followed(Position("e1", 0, NOW_MS), max_frames=10)
    view = feed.view(Filter())
    missed = tuple(publication(n, event(n + 1)) for n in range(1000))
    feed.publication(missed[-1], NOW_MS)
    feed.repaired(feed.ask(), missed, NOW_MS)
    assert view.generation == 0
    assert sum(frame.count for frame in view.since(0)) == 1000
    assert view.head < 5
    assert feed.log.events == 1000


def test_too_much_behind_a_hole_is_not_held_for_ever() -> None:
    """By events, by size or by age: the hole is announced, and what waited is delivered after that."""
    for limits, now_ms in (
        (LogLimits(100.0, 2, 1 << 20), NOW_MS),
        (LogLimits(100.0, 99, 250), NOW_MS),
        (LogLimits(1.0, 99, 1 << 20), NOW_MS + 1_001),
    ):
        metrics = Metrics()
        feed = followed(Position("e1", 1, NOW_MS), limits=limits, metrics=metrics)
        view = feed.view(Filter())
        feed.publication(publication(3, event(4)), NOW_MS)
        ask = feed.ask()
        waiting = [publication(4, event(5)), publication(5, event(6))]
        while feed.filling:
            feed.publication(waiting.pop(0), now_ms)
        assert (view.generation, view.reset_reason, chain(view)[0]) == (1, "gap", (3, 4))
        late = (publication(1, event(2), event(3)), publication(3, event(4)))
        assert feed.repaired(ask, late, now_ms) == []
        assert (gaps(metrics, "filled"), gaps(metrics, "reset")) == (None, 1)
        assert feed.log.since(NOW_MS - 1)[1] is False


def test_a_new_epoch_is_a_reset() -> None:
    """A bus that lost its memory starts a new epoch; it is asked what there is of it."""
    feed = followed(Position("e1", 9, NOW_MS))
    view = feed.view(Filter())
    first = publication(0, event(1), epoch="e2")
    assert feed.publication(first, NOW_MS) == []
    assert feed.repaired(feed.ask(), None, NOW_MS) == []
    feed.restarted(feed.ask(), History(first.position, (first,), 0), NOW_MS)
    assert (view.generation, view.reset_reason, view.seq) == (1, "epoch", 1)
    assert chain(view) == [(0, 1)]  # whoever follows without tables gets what began the new epoch


def test_a_duplicate_is_dropped() -> None:
    """A publication that was delivered before does nothing."""
    feed = followed()
    view = feed.view(Filter())
    feed.publication(publication(0, event(1)), NOW_MS)
    feed.publication(publication(1, event(2)), NOW_MS)
    assert feed.publication(publication(0, event(1)), NOW_MS) == []
    assert (view.head, view.generation, feed.filling, feed.log.events) == (2, 0, False, 2)


def test_a_seq_that_falls_is_not_a_duplicate() -> None:
    """A bus that came back with old data numbers other events alike, at a later time: they must not be dropped."""
    feed = followed(Position("e1", 9, NOW_MS))
    view = feed.view(Filter())
    other = publication(7, event(8), ms=NOW_MS + 5)
    feed.publication(other, NOW_MS)
    assert feed.filling
    ask = feed.ask()
    assert ask.after == Position("e1", 9, NOW_MS)
    feed.repaired(ask, None, NOW_MS)
    past = History(other.position, (publication(6, event(7)), other), 0)
    feed.restarted(feed.ask(), past, NOW_MS)
    assert (view.generation, view.reset_reason, view.seq) == (1, "epoch", 8)


def test_an_answer_without_what_was_heard_is_from_another_past() -> None:
    """The bus knows where we stood, but not what it delivered after that: it has fallen back, which is announced."""
    feed = followed(Position("e1", 7, NOW_MS))
    view = feed.view(Filter())
    feed.publication(publication(8, event(9)), NOW_MS)
    feed.repaired(feed.ask(), (), NOW_MS)
    assert feed.filling
    feed.restarted(feed.ask(), History(Position("e1", 7, NOW_MS), (publication(6, event(7)),), 0), NOW_MS)
    assert (view.generation, view.reset_reason, view.seq) == (1, "epoch", 7)


def test_a_retired_epoch_is_a_reset_with_its_reason() -> None:
    """Nothing is asked: the new epoch begins here, and what came before in the log is void."""
    feed = followed(None, publication(0, event(1)))
    view = feed.view(Filter())
    feed.publication(publication(5, event(6)), NOW_MS)
    ask = feed.ask()
    assert feed.retired(Position("e2", 0, NOW_MS), "skipped", NOW_MS + 5) == [view]
    assert (view.reset_reason, view.seq, feed.filling, feed.log.events) == ("skipped", 0, False, 0)
    assert feed.log.since(NOW_MS) == (0, False)
    assert feed.repaired(ask, (), NOW_MS) == []
    feed.publication(publication(0, event(1), epoch="e2"), NOW_MS)
    assert decoded(view)[0]["epoch"] == view.token("e2")
    feed.publication(publication(2, event(3), epoch="e2"), NOW_MS)
    assert feed.ask().held == 1  # what waited in the old epoch does not any more


def test_a_retired_epoch_that_is_known_already_is_no_news() -> None:
    """An answer told of the new epoch before the announcement came."""
    feed = followed(Position("e2", 3, NOW_MS))
    view = feed.view(Filter())
    assert feed.retired(Position("e2", 0, NOW_MS), "skipped", NOW_MS) == []
    assert (view.generation, view.seq) == (0, 3)


def test_recovery_at_the_same_place_resets_and_asks_nothing() -> None:
    """A bus that was away while nothing was published costs nobody anything, also where news came right after."""
    feed = followed(Position("e1", 3, NOW_MS))
    view = feed.view(Filter())
    feed.lost()
    feed.publication(publication(3, event(4), ms=NOW_MS + 5), NOW_MS)
    feed.recovered(Position("e1", 3, NOW_MS))
    assert (feed.filling, view.generation, chain(view)) == (False, 0, [(3, 4)])


def test_recovery_elsewhere_is_asked_about() -> None:
    """What was published while the bus was away follows, before what comes now; nothing is reset."""
    feed = followed(Position("e1", 3, NOW_MS))
    view = feed.view(Filter())
    feed.lost()
    feed.recovered(Position("e1", 5, NOW_MS))
    feed.publication(publication(5, event(6)), NOW_MS)
    assert (feed.filling, view.head) == (True, 0)
    feed.repaired(feed.ask(), (publication(3, event(4), event(5)), publication(5, event(6))), NOW_MS)
    assert (chain(view), view.generation) == ([(3, 6)], 0)


def test_recovery_at_the_same_seq_of_another_past() -> None:
    """Seq and epoch are the same, the moment is not: the bus fell back, and others took the numbers."""
    feed = followed(Position("e1", 3, NOW_MS))
    feed.lost()
    # It even goes on as if nothing had happened.
    feed.publication(publication(3, event(4), ms=NOW_MS + 9), NOW_MS)
    feed.recovered(Position("e1", 3, NOW_MS + 5))
    assert (feed.filling, feed.ask().after) == (True, Position("e1", 3, NOW_MS))


def test_recovery_of_an_empty_bus() -> None:
    """Where the feed is gone, views start over with nothing."""
    feed = followed(Position("e1", 3, NOW_MS))
    view = feed.view(Filter())
    feed.lost()
    feed.recovered(None)
    feed.repaired(feed.ask(), None, NOW_MS)
    feed.restarted(feed.ask(), History(None, (), NOW_MS), NOW_MS)
    assert (view.reset_reason, view.seq, view.position) == ("epoch", 0, None)


def test_a_question_from_before_a_loss_is_not_answered_after_it() -> None:
    """The bus may have fallen back in between."""
    feed = followed(Position("e1", 1, NOW_MS))
    view = feed.view(Filter())
    after = publication(2, event(3))
    feed.publication(after, NOW_MS)
    ask = feed.ask()
    feed.lost()
    feed.recovered(Position("e1", 3, NOW_MS))
    assert feed.repaired(ask, (publication(1, event(2)), after), NOW_MS) == []
    assert (feed.filling, view.head) == (True, 0)


def test_what_waited_when_the_bus_went_away_must_be_in_its_answer() -> None:
    """A bus that has fallen back behind what it delivered answers without it, and that is announced."""
    feed = followed(Position("e1", 1, NOW_MS))
    view = feed.view(Filter())
    feed.publication(publication(2, event(3)), NOW_MS)
    feed.lost()
    feed.recovered(Position("e1", 1, NOW_MS))
    feed.repaired(feed.ask(), (), NOW_MS)
    assert (feed.filling, feed.ask().after) == (True, None)
    feed.restarted(feed.ask(), History(Position("e1", 1, NOW_MS), (), 0), NOW_MS)
    assert (feed.filling, view.generation) == (False, 1)


def test_what_waited_when_the_bus_went_away_is_never_delivered() -> None:
    """It may be of a past that the bus has forgotten; when the hole is given up, only what came since is told."""
    feed = followed(Position("e1", 1, NOW_MS), limits=LogLimits(100.0, 1, 1 << 20))
    view = feed.view(Filter())
    feed.publication(publication(2, event(3)), NOW_MS)
    feed.lost()
    feed.recovered(Position("e1", 9, NOW_MS + 5))
    feed.publication(publication(9, event(10)), NOW_MS)
    feed.publication(publication(10, event(11)), NOW_MS)
    assert (view.generation, view.reset_reason, chain(view)) == (1, "gap", [(9, 10), (10, 11)])


def test_a_feed_that_was_spared_goes_on() -> None:
    """A part of the bus was away, and this feed was elsewhere."""
    feed = followed(Position("e1", 1, NOW_MS))
    view = feed.view(Filter())
    feed.lost()
    feed.publication(publication(1, event(2)), NOW_MS)
    feed.spared()
    assert (feed.filling, chain(view)) == (False, [(1, 2)])
    assert feed.publication(publication(3, event(4)), NOW_MS) == []
    assert feed.ask().after == Position("e1", 2, NOW_MS)


def test_bookmarks_tell_those_behind() -> None:
    """A view whose filter let nothing pass learns how far the feed has come, once; the chain goes on from there."""
    feed = followed()
    quiet, busy = feed.view(ENDS), feed.view(Filter())
    feed.publication(publication(0, event(1)), NOW_MS)
    assert feed.pass_time(NOW_MS) == [quiet]
    assert feed.pass_time(NOW_MS) == []
    feed.publication(publication(1, event(2, "stream_end")), NOW_MS)
    feed.publication(publication(2, event(3)), NOW_MS)
    assert feed.pass_time(NOW_MS) == [quiet]
    assert chain(quiet) == [(0, 1), (1, 2), (2, 3)]
    assert [frame.count for frame in quiet.since(0)] == [0, 1, 0]
    assert decoded(quiet)[0] == {"type": "bookmark", "view": quiet.name, "epoch": quiet.token("e1"), "seq": 1}
    assert decoded(quiet)[2] == {"type": "bookmark", "view": quiet.name, "seq": 3}
    assert [frame.count for frame in busy.since(0)] == [1, 1, 1]


def test_no_bookmark_while_something_may_be_missing() -> None:
    """Nobody is told that there is nothing, before that is known."""
    feed = followed(Position("e1", 1, NOW_MS))
    feed.view(ENDS)
    feed.publication(publication(1, event(2)), NOW_MS)
    feed.lost()
    assert feed.pass_time(NOW_MS) == []
    feed.recovered(Position("e1", 9, NOW_MS))
    assert feed.pass_time(NOW_MS) == []


def test_time_lets_go_of_the_past() -> None:
    """Also where nothing is published any more."""
    feed = followed(None, publication(0, event(1)))
    feed.pass_time(NOW_MS + 120_001)
    assert (feed.log.events, feed.log.position) == (0, Position("e1", 1, NOW_MS))
