"""A piece of the past as frames: what is in it, how it chains, where it ends."""

from itertools import pairwise

import orjson
from hypothesis import given
from hypothesis import strategies as st

from signalman.event import Position, Publication
from signalman.gateway.replay import EVENTS_AT_ONCE, Replay, portions
from signalman.gateway.requests import Filter
from tests.unit.gateway.make import event, finished, followed, publication

ENDS = Filter(types=frozenset({"stream_end"}))


def published(types: list[list[str]]) -> list[Publication]:
    """Publications whose events are of these types, from seq 0 on."""
    out: list[Publication] = []
    for batch in types:
        prev = out[-1].position.seq if out else 0
        out.append(publication(prev, *(event(prev + n, type_) for n, type_ in enumerate(batch, 1))))
    return out


BATCHES = st.lists(
    st.lists(st.sampled_from(["stream_buffer", "stream_end"]), min_size=1, max_size=5), min_size=1, max_size=12
)


@given(batches=BATCHES, filter_=st.sampled_from([Filter(), ENDS]), max_bytes=st.integers(1, 2000), data=st.data())
def test_a_replay_is_exactly_what_was_published(
    batches: list[list[str]], filter_: Filter, max_bytes: int, data: st.DataObject
) -> None:
    """From any place to the end, through any filter, cut into frames of any size: each wanted event once and in order,
    in frames that chain from the start to the end.
    """
    past = published(batches)
    end = past[-1].position.seq
    start = data.draw(st.integers(0, end))
    view = followed(None, *past).view(filter_)
    replay = Replay(view, "e1.x", start, end, max_bytes=max_bytes)
    finished(replay.run(past))
    frames = [orjson.loads(frame) for frame in replay.frames]
    types = [type_ for batch in batches for type_ in batch]
    wanted = [f"e-{n}" for n, type_ in enumerate(types, 1) if n > start and (not filter_ or type_ == "stream_end")]
    assert [e["id"] for frame in frames for e in frame.get("events", ())] == wanted
    assert replay.events == len(wanted)
    places = [start, *(frame["seq"] for frame in frames)]
    assert [frame["prev"] for frame in frames if frame["type"] == "events"] == [
        place for place, frame in zip(places, frames, strict=False) if frame["type"] == "events"
    ]
    assert all(earlier < later for earlier, later in pairwise(places))
    assert places[-1] == end
    assert all(("epoch" in frame) == (place == 0) for place, frame in zip(places, frames, strict=False))


def test_publications_are_put_together() -> None:
    """A long replay is few frames."""
    past = published([["stream_end"]] * 50)
    replay = Replay(followed(None, *past).view(Filter()), "e1.x", 0, 50)
    finished(replay.run(past))
    assert len(replay.frames) == 1


def test_a_frame_is_bounded() -> None:
    """What would make a frame too large goes into the next one; one publication is never cut."""
    past = published([["stream_end"] * 4, ["stream_end"], ["stream_end"]])
    size = len(past[1].events[0])
    replay = Replay(followed(None, *past).view(Filter()), "e1.x", 0, 6, max_bytes=2 * size)
    finished(replay.run(past))
    assert [len(orjson.loads(frame)["events"]) for frame in replay.frames] == [4, 2]


def test_a_frame_is_filled() -> None:
    """Up to just its size, with as many publications as that takes."""
    past = published([["stream_end"]] * 5)
    size = len(past[0].events[0])
    for most, counts in ((2 * size, [2, 2, 1]), (2 * size - 1, [1] * 5), (3 * size, [3, 2])):
        replay = Replay(followed(None, *past).view(Filter()), "e1.x", 0, 5, max_bytes=most)
        finished(replay.run(past))
        assert [len(orjson.loads(frame)["events"]) for frame in replay.frames] == counts


def test_a_frame_ends_with_its_last_event() -> None:
    """What nobody wanted lies behind it, up to the end; both frames are the view's."""
    past = published([["stream_buffer"], ["stream_end"], ["stream_buffer"]])
    view = followed(None, *past).view(ENDS)
    replay = Replay(view, "e1.x", 0, 3)
    finished(replay.run(past))
    told, rest = map(orjson.loads, replay.frames)
    assert (told["type"], told["view"], told["prev"], told["seq"]) == ("events", view.name, 0, 2)
    assert (rest["type"], rest["view"], rest["seq"]) == ("bookmark", view.name, 3)


def test_what_lies_before_the_start_is_left_out() -> None:
    """Whole publications, and the first part of one."""
    past = published([["stream_end"], ["stream_end"] * 3])
    replay = Replay(followed(None, *past).view(Filter()), "e1.x", 2, 4)
    finished(replay.run(past))
    [told] = map(orjson.loads, replay.frames)
    assert (told["prev"], told["seq"], [each["id"] for each in told["events"]]) == (2, 4, ["e-3", "e-4"])


def test_without_a_filter_nothing_is_decoded() -> None:
    """Everything is wanted, whatever it says."""
    past = [publication(0, b"not even JSON")]
    replay = Replay(followed(Position("e1", 1)).view(Filter()), "e1.x", 0, 1)
    finished(replay.run(past))
    assert b"not even JSON" in replay.frames[0]


def test_it_stops_now_and_then() -> None:
    """However long a replay is, others have their turn every hundred events or so."""
    past = [publication(n, event(n)) for n in range(1000)]
    assert [len(portion) for portion in portions(past)] == [EVENTS_AT_ONCE] * 10
    replay = Replay(followed(None, *past[:3]).view(Filter()), "e1.x", 0, 1000)
    assert len(list(replay.run(past))) == 10


def test_nothing_to_replay_is_nothing() -> None:
    """Where start and end are one place there is no frame, not even a bookmark."""
    replay = Replay(followed(Position("e1", 4)).view(Filter()), "e1.x", 4, 4)
    finished(replay.run([]))
    assert replay.frames == []
