"""The exact join: what is noted before the tables are read, and how rows, past and present follow on one another."""

from dataclasses import replace
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.event import Json, Position, Publication
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.join import Join, Joined, at_index, row_frames, tables_of
from signalman.gateway.late import LATE_MS
from signalman.gateway.log import LogLimits
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.table import ClockRule, Table
from tests.unit.gateway.make import (
    STREAM,
    catalog,
    delete,
    event,
    finished,
    followed,
    publication,
    table,
    table_changes,
    upsert,
)

NOW = 100_000
ROWS = (b'{"type":"snapshot"}',)
ENDS = Filter(types=frozenset({"stream_end"}))
PLAIN = replace(table(), version=None)
FINAL = replace(PLAIN, final=True)


def past(*moments: int) -> list[Publication]:
    """One event each at these moments."""
    return [publication(n, event(n + 1), ms=ms) for n, ms in enumerate(moments)]


def begin(view: View, window_ms: int, *tables: Table) -> Join:
    """A join now."""
    return Join(view, tables or (PLAIN,), now_ms=NOW, window_ms=window_ms)


def done(join: Join) -> Joined:
    """It with its rows."""
    return finished(join.finish(ROWS))


def heard(joined: Joined) -> list[dict[str, Json]]:
    """The frames that a client gets: those of the join, then the view's own."""
    return [orjson.loads(data) for data in (*joined.frames, *(f.data for f in joined.view.since(joined.mark)))]


def ids(joined: Joined) -> list[str]:
    """The events that a client gets."""
    return [each["id"] for frame in heard(joined) for each in frame.get("events", ())]


def test_the_past_follows_the_rows() -> None:
    """What was published within the window comes after the rows and before what the view says from then on."""
    feed = followed(None, *past(NOW - 9_000, NOW - 3_000, NOW - 1_000))
    join = begin(feed.view(Filter()), 5_000)
    feed.publication(publication(3, event(4), ms=NOW + 100), NOW + 100)
    joined = done(join)
    assert [frame["type"] for frame in heard(joined)] == ["snapshot", "events", "events"]
    assert (joined.seq, ids(joined), joined.events) == (1, ["e-2", "e-3", "e-4"], 2)
    assert (joined.epoch, joined.partial, joined.recovered) == (joined.view.token("e1"), False, False)


def test_the_mark_is_made_before_the_rows_are_read() -> None:
    """What is published while the tables are read is not taken for read: it comes by the view's own frames."""
    feed = followed(Position("e1", 3, 1))
    join = begin(feed.view(Filter()), 0)
    feed.publication(publication(3, event(4), ms=NOW), NOW)
    assert ids(done(join)) == ["e-4"]


def test_a_feed_without_past_begins_at_0() -> None:
    """Nobody knows an epoch yet; the first events tell it."""
    feed = followed()
    joined = done(begin(feed.view(Filter()), 5_000))
    assert (joined.epoch, joined.seq, joined.partial) == (None, 0, False)
    feed.publication(publication(0, event(1), ms=NOW), NOW)
    assert heard(joined)[-1]["epoch"] == joined.view.token("e1")


def test_the_chain_ends_where_the_view_goes_on() -> None:
    """Where the view's own chain stands further than the last event replayed, a bookmark leads there."""
    feed = followed(None, *past(NOW - 2_000, NOW - 1_000))
    view = feed.view(ENDS)
    joined = done(begin(view, 5_000))
    assert heard(joined)[1:] == [
        {"type": "bookmark", "view": view.name, "epoch": view.token("e1"), "seq": 2},
    ]


def test_a_view_that_had_nothing_for_long_begins_where_its_chain_stands() -> None:
    """The next frame's ``prev`` is what `subscribed` says, however far the feed has come."""
    feed = followed(Position("e1", 5, 1))
    view = feed.view(ENDS)
    for n in range(5, 9):
        feed.publication(publication(n, event(n), ms=NOW), NOW)
    joined = done(begin(view, 0))
    feed.publication(publication(9, event(10, "stream_end"), ms=NOW), NOW)
    assert joined.seq == 5
    assert [frame.get("prev") for frame in heard(joined)] == [None, 5]


@pytest.mark.parametrize(("since", "table", "partial"), [(4_000, PLAIN, False), (5_001, PLAIN, True), (0, FINAL, True)])
def test_a_past_that_is_too_short_is_told(since: int, table: Table, partial: bool) -> None:  # noqa: FBT001  a parameter
    """Rows are not certain to be up to date where the log does not reach back; a table whose deletions count needs a
    little more.
    """
    feed = followed(None, *past(NOW - 1_000), since_ms=NOW - 10_000 + since)
    assert done(begin(feed.view(Filter()), 5_000, table)).partial is partial


def test_a_past_of_which_something_was_let_go_is_told() -> None:
    """Also where it was there once."""
    feed = followed(None, *past(NOW - 3_000, NOW - 2_000, NOW - 1_000), limits=LogLimits(120, 2, 1 << 20))
    assert done(begin(feed.view(Filter()), 2_000)).partial is False
    assert done(begin(feed.view(Filter()), 5_000)).partial is True


def test_a_replay_begins_before_a_deletion_that_makes_something_late_void() -> None:
    """A departure, and in the window the late news of the arrival: both are replayed, or the row would come back."""
    said = [
        publication(0, event(1), ms=NOW - 30_000),
        publication(1, table_changes(2, delete("streams", stream_id=STREAM)), ms=NOW - 14_000),
        publication(2, event(3), ms=NOW - 13_000),
        publication(3, table_changes(4, upsert("streams", stream_id=STREAM)), ms=NOW - 11_000),
        publication(4, event(5), ms=NOW),
    ]
    feed = followed(None, *said)
    assert done(begin(feed.view(Filter()), 12_000, FINAL)).seq == 1
    assert done(begin(feed.view(Filter()), 12_000, PLAIN)).seq == 3


def test_one_deletion_may_lead_to_an_earlier_one() -> None:
    """Where the replay then begins, another late change has its deletion before that again."""
    said = [
        publication(0, table_changes(1, delete("streams", stream_id="a")), ms=NOW - 30_000),
        publication(1, table_changes(2, delete("streams", stream_id="b")), ms=NOW - 20_500),
        publication(2, table_changes(3, upsert("streams", stream_id="a")), ms=NOW - 20_000),
        publication(3, table_changes(4, upsert("streams", stream_id="b")), ms=NOW - 11_000),
        publication(4, event(5), ms=NOW),
    ]
    assert done(begin(followed(None, *said).view(Filter()), 12_000, FINAL)).seq == 0


def test_a_gateway_that_is_behind_does_not_leave_out_the_last_deletions() -> None:
    """Its log ends long ago, and what it will hear next may be a late change of a row that was deleted just before."""
    said = [
        publication(0, table_changes(1, delete("streams", stream_id=STREAM)), ms=NOW - 60_000 - LATE_MS),
        publication(1, table_changes(2, delete("streams", stream_id="b")), ms=NOW - 60_000),
        publication(2, event(3), ms=NOW - 59_000),
    ]
    assert done(begin(followed(None, *said).view(Filter()), 12_000, FINAL)).seq == 1


def test_it_holds_until_the_view_is_reset_or_lapped() -> None:
    """Then what followed the rows is lost, and they must be read again."""
    feed = followed(Position("e1", 1, 1), max_frames=3)
    joined, reset = done(begin(feed.view(Filter()), 0)), done(begin(feed.view(ENDS), 0))
    for seq in range(1, 4):
        feed.publication(publication(seq, event(seq), ms=NOW), NOW)
    assert (joined.holds, reset.holds) == (True, True)
    feed.publication(publication(4, event(4), ms=NOW), NOW)
    assert (joined.holds, reset.holds) == (False, True)
    feed.retired(Position("e2", 0, NOW), "skipped", NOW)
    assert (joined.holds, reset.holds) == (False, False)


def test_a_long_replay_stops_now_and_then() -> None:
    """Others have their turn."""
    feed = followed(None, *past(*range(NOW - 1000, NOW)))
    assert len(list(begin(feed.view(Filter()), 5_000).finish(ROWS))) >= 10


MOMENTS = st.lists(st.integers(0, 20_000), max_size=25).map(sorted)


@given(
    moments=MOMENTS,
    types=st.lists(st.sampled_from(["stream_buffer", "stream_end"]), min_size=25, max_size=25),
    filter_=st.sampled_from([Filter(), ENDS]),
    window_ms=st.integers(0, 25_000),
    data=st.data(),
)
def test_whoever_joins_has_each_event_once(
    moments: list[int], types: list[str], filter_: Filter, window_ms: int, data: st.DataObject
) -> None:
    """Whatever was published when, whenever the view began and somebody joined it: all wanted events of the window and
    after come, each once, in order, in frames that chain from `subscribed` on.
    """
    said = [
        publication(n, event(n + 1, type_), ms=NOW - 20_000 + ms)
        for n, (ms, type_) in enumerate(zip(moments, types, strict=False))
    ]
    first = data.draw(st.integers(0, len(said)))
    joins = data.draw(st.integers(first, len(said)))
    feed = followed(None, *said[:first])
    view = feed.view(filter_)
    _publish(feed, said[first:joins])
    now_ms = said[joins - 1].position.ms if joins else NOW - 20_000
    join = Join(view, (PLAIN,), now_ms=now_ms, window_ms=window_ms)
    _publish(feed, said[joins:])
    joined = done(join)
    wanted = [n + 1 for n, type_ in enumerate(types[: len(said)]) if not filter_ or type_ == "stream_end"]
    assert ids(joined) == [f"e-{n}" for n in wanted if n > joined.seq]
    recent = [n for n in wanted if said[n - 1].position.ms > now_ms - window_ms]
    assert all(n > joined.seq for n in recent)
    frames = heard(joined)[1:]
    places = [joined.seq, *(frame["seq"] for frame in frames)]
    assert all(earlier < later for earlier, later in pairwise(places))
    assert all(frame.get("prev", place) == place for place, frame in zip(places, frames, strict=False))


def _publish(feed: FollowedFeed, publications: list[Publication]) -> None:
    for each in publications:
        feed.publication(each, each.position.ms)


def test_at_an_index_nothing_comes_before_the_views_own_frames() -> None:
    """It begins where the chain stood there."""
    feed = followed(Position("e1", 3, 1))
    view = feed.view(Filter())
    feed.publication(publication(3, event(4), ms=NOW), NOW)
    joined = at_index(view, 0)
    assert (joined.seq, joined.epoch, joined.frames) == (3, view.token("e1"), ())
    assert at_index(view, 1, recovered=True).recovered
    assert at_index(followed().view(Filter()), 0).epoch is None


def test_rows_are_frames_with_the_rules_to_keep_them_by() -> None:
    """Every part says what a client must know; no rows at all are one empty part."""
    rule = ClockRule("updated_at", 120_000, {"status": ("offline",)}, {"status": "offline"})
    gone = ClockRule("updated_at", 600_000)
    kept = replace(table(), compared=True, clock=(rule, gone))
    view = followed().view(Filter())
    first, second = map(orjson.loads, row_frames(view, kept, [[{"stream_id": "a"}], [{"stream_id": "b"}]], 3_500, 40))
    assert first == {
        "type": "snapshot",
        "view": view.name,
        "table": "streams",
        "key": ["stream_id"],
        "rules": {
            "version": "updated_at",
            "compared": True,
            "final": False,
            "clock": [
                {
                    "column": "updated_at",
                    "after_ms": 120_000,
                    "unless": {"status": ["offline"]},
                    "set": {"status": "offline"},
                },
                {"column": "updated_at", "after_ms": 600_000, "remove": True},
            ],
        },
        "part": 1,
        "last": False,
        "as_of": "1970-01-01T00:00:03.500Z",
        "lag_ms": 40,
        "rows": [{"stream_id": "a"}],
    }
    assert (second["part"], second["last"]) == (2, True)
    (empty,) = map(orjson.loads, row_frames(view, kept, [], 0, None))
    assert (empty["rows"], empty["part"], empty["last"], empty["lag_ms"]) == ([], 1, True, None)


def test_a_filter_leaves_out_tables_without_its_column() -> None:
    """A table that cannot be restricted as asked is not sent, rather than sent whole."""
    system = catalog().channels["system"]
    assert [t.name for t in tables_of(system, Filter())] == ["nodes", "orchestrators"]
    assert [t.name for t in tables_of(system, Filter(fields=(("node_id", frozenset("n")),)))] == ["nodes"]


BOTH = frozenset({"stream_buffer", "stream_end"})
FIELD = (("stream_id", frozenset({STREAM})),)


@pytest.mark.parametrize(
    ("filter_", "constant", "kept"),
    [
        (Filter(), frozenset[str](), True),
        (Filter(types=BOTH), frozenset(), True),
        (ENDS, frozenset(), False),
        (Filter(fields=FIELD), frozenset({"stream_id"}), True),
        (Filter(fields=FIELD), frozenset(), False),
        (Filter(types=BOTH, fields=FIELD), frozenset({"stream_id"}), True),
        (Filter(types=ENDS.types, fields=FIELD), frozenset({"stream_id"}), False),
    ],
)
def test_a_filter_leaves_out_tables_that_it_would_not_keep_current(
    filter_: Filter,
    constant: frozenset[str],
    kept: bool,  # noqa: FBT001  a parameter
) -> None:
    """Where events that change a row would not pass, or a row could move out of the filter, rows would grow old."""
    streams = catalog().channels["streams"]
    one = replace(table(), changed_by=BOTH, constant=constant)
    assert tables_of(replace(streams, tables={"streams": one}), filter_) == ([one] if kept else [])
    still = replace(one, changed_by=frozenset())
    assert tables_of(replace(streams, tables={"streams": still}), filter_) == [still]
