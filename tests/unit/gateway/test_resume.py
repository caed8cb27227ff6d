"""Coming back with a cursor: exactly what was missed, or the reason why not."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.event import Position, Publication
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.join import Joined
from signalman.gateway.log import LogLimits
from signalman.gateway.requests import Cursor, Filter
from signalman.gateway.resume import is_ahead, refusal, resume
from signalman.gateway.view import View
from tests.unit.gateway.make import NOW_MS, event, finished, followed, publication

ENDS = Filter(types=frozenset({"stream_end"}))


def at(view: View, seq: int, epoch: str = "e1") -> Cursor:
    """A cursor that this view would have given."""
    return Cursor(epoch=view.token(epoch), seq=seq)


def heard(joined: Joined) -> list[str]:
    """The events that follow."""
    data = (*joined.frames, *(frame.data for frame in joined.view.since(joined.mark)))
    return [each["id"] for frame in data for each in orjson.loads(frame).get("events", ())]


def six(limits: LogLimits | None = None) -> FollowedFeed:
    """A feed of six events in three publications."""
    past = [publication(n, event(n + 1), event(n + 2, "stream_end")) for n in (0, 2, 4)]
    return followed(None, *past, limits=limits) if limits else followed(None, *past)


@given(sizes=st.lists(st.integers(1, 4), max_size=8), filter_=st.sampled_from([Filter(), ENDS]), data=st.data())
def test_exactly_what_was_missed_comes(sizes: list[int], filter_: Filter, data: st.DataObject) -> None:
    """From any seq, the middle of a publication included, whether the view had it all or only begins now."""
    said: list[Publication] = []
    for size in sizes:
        prev = said[-1].position.seq if said else 0
        said.append(
            publication(
                prev, *(event(prev + n, "stream_end" if n % 2 else "stream_buffer") for n in range(1, size + 1))
            )
        )
    begins = data.draw(st.integers(0, len(said)))
    end = sum(sizes)
    feed = followed(None, *said[:begins])
    view = feed.view(filter_)
    for each in said[begins:]:
        feed.publication(each, NOW_MS)
    everything = [orjson.loads(raw) for each in said for raw in each.events]
    seq = data.draw(st.integers(0, end))
    if not said:
        assert refusal(view, at(view, seq)) == "epoch"
        return
    assert refusal(view, at(view, seq)) is None
    joined = finished(resume(view, at(view, seq)))
    assert (joined.seq, joined.epoch, joined.recovered) == (seq, view.token("e1"), True)
    assert heard(joined) == [e["id"] for e in everything[seq:] if filter_.matches(e)]
    frames = [orjson.loads(data) for data in (*joined.frames, *(f.data for f in view.since(joined.mark)))]
    for frame in frames:
        assert frame.get("prev", seq) == seq
        seq = frame["seq"]
    assert seq == end or (filter_ and not any(filter_.matches(e) for e in everything[seq:]))


def test_a_cursor_in_the_views_own_log_costs_nothing() -> None:
    """The subscription is an index again, and shares every frame; the feed's log is not even needed."""
    feed = followed(Position("e1", 0, 1), limits=LogLimits(120, 1, 1 << 20))
    view = feed.view(Filter())
    for n in range(4):
        feed.publication(publication(n, event(n + 1)), NOW_MS)
    assert refusal(view, at(view, 2)) is None
    joined = finished(resume(view, at(view, 2)))
    assert (joined.mark, joined.frames) == (2, ())


def test_a_place_to_which_the_view_has_not_come() -> None:
    """Another gateway told of it; here nothing passed the filter since. The chain goes on from the client's place."""
    feed = followed(Position("e1", 1, 1))
    view = feed.view(ENDS)
    feed.publication(publication(1, event(2), event(3), event(4)), NOW_MS)
    joined = finished(resume(view, at(view, 3)))
    assert (joined.seq, [orjson.loads(frame) for frame in joined.frames]) == (
        3,
        [{"type": "bookmark", "view": view.name, "seq": 4}],
    )
    assert finished(resume(view, at(view, 4))).frames == ()


@pytest.mark.parametrize(
    ("epoch", "seq", "reason"),
    [
        ("e1", 3, "changed"),
        ("e1.00000000", 3, "changed"),
        ("{e1}.x", 3, "changed"),
        ("{e0}", 3, "epoch"),
        ("{e1}", 7, "epoch"),
        ("{e1}", 1, "trimmed"),
        ("{e1}", 2, None),
        ("{e1}", 6, None),
    ],
)
def test_a_cursor_that_does_not_fit_is_refused(epoch: str, seq: int, reason: str | None) -> None:
    """With the reason: of something else, of another epoch or from beyond, or from before what is kept."""
    view = six(LogLimits(120, 4, 1 << 20)).view(Filter())
    token = epoch.format(e0=view.token("e0"), e1=view.token("e1"))
    assert refusal(view, Cursor(epoch=token, seq=seq)) == reason


def test_a_cursor_of_another_filter_is_refused() -> None:
    """What passed another filter says nothing about what was missed through this one."""
    feed = six()
    assert refusal(feed.view(Filter()), at(feed.view(ENDS), 3)) == "changed"


def test_only_a_cursor_of_this_epoch_can_be_ahead() -> None:
    """It is worth waiting for a feed to come there, not for another epoch."""
    feed = six()
    view = feed.view(Filter())
    assert [is_ahead(view, at(view, seq)) for seq in (6, 7)] == [False, True]
    assert not is_ahead(view, at(view, 7, "e0"))
    assert not is_ahead(followed().view(Filter()), at(view, 7))
