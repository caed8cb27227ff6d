"""A cursor on a view: what it gets, in which order, and what it is told when it falls behind."""

import orjson

from signalman.event import Position
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.requests import Filter, Subscribe
from signalman.gateway.subscription import Subscription
from tests.unit.gateway.make import FEED, event, publication

REQUEST = Subscribe(type="subscribe", id="s", channel="streams")


def setup(seq: int = 0, max_frames: int = 100) -> tuple[FollowedFeed, Subscription]:
    """A feed at *seq* and a subscription that has not begun."""
    feed = FollowedFeed(FEED, max_frames=max_frames, max_bytes=1 << 20)
    feed.start(Position("e1", seq) if seq else None)
    return feed, Subscription(REQUEST, feed.view(Filter()))


def pull(subscription: Subscription, max_bytes: int = 1 << 20) -> list[dict[str, object]]:
    """What comes next, decoded."""
    return [orjson.loads(data) for data in subscription.pull(max_bytes)[0]]


def test_the_beginning_is_in_order() -> None:
    """subscribed, snapshot, events since the subscription, caught_up, then live events."""
    feed, subscription = setup(seq=4)
    subscription.begin(["streams"])
    feed.publication(publication(4, event(5)))
    assert [m["type"] for m in pull(subscription)] == ["subscribed"]
    assert not subscription.ready
    subscription.add([b'{"type":"snapshot"}'])
    subscription.go_live(complete=True)
    messages = pull(subscription)
    assert [m["type"] for m in messages] == ["snapshot", "events", "caught_up"]
    assert (messages[1]["prev"], messages[2]["seq"]) == (4, 5)
    feed.publication(publication(5, event(6)))
    assert [m["type"] for m in pull(subscription)] == ["events"]


def test_without_all_tables_nobody_is_told_that_it_caught_up() -> None:
    """When the snapshot failed, events flow and `caught_up` stays out."""
    feed, subscription = setup()
    subscription.begin(["streams"])
    subscription.go_live(complete=False)
    feed.publication(publication(0, event(1)))
    assert [m["type"] for m in pull(subscription)] == ["subscribed", "events"]


def test_subscribed_names_the_place_where_the_chain_begins() -> None:
    """The first events frame's ``prev`` equals ``subscribed.seq``, for a late subscriber too."""
    feed, _ = setup()
    for number in range(3):
        feed.publication(publication(number, event(number)))
    late = Subscription(REQUEST, feed.view(Filter()))
    late.begin([])
    late.go_live(complete=True)
    feed.publication(publication(3, event(4)))
    subscribed, caught_up, events = pull(late)
    assert (subscribed["epoch"], subscribed["seq"]) == ("e1", 3)
    assert (caught_up["type"], caught_up["seq"]) == ("caught_up", 3)
    assert events["prev"] == 3


def test_a_pull_is_bounded() -> None:
    """A long log is read in pieces, so that other subscriptions have their turn."""
    feed, subscription = setup()
    subscription.begin([])
    subscription.go_live(complete=True)
    for number in range(10):
        feed.publication(publication(number, event(number)))
    pieces = []
    while subscription.ready:
        pieces.append(pull(subscription, max_bytes=300))
    assert len(pieces) > 3
    assert [m["seq"] for piece in pieces for m in piece if m["type"] == "events"] == list(range(1, 11))


def test_a_lapped_cursor_is_slow() -> None:
    """Who reads too slowly falls out at the log's tail and is told so."""
    feed, subscription = setup(max_frames=3)
    subscription.begin([])
    subscription.go_live(complete=True)
    for number in range(4):
        feed.publication(publication(number, event(number)))
    assert subscription.lost == "slow"


def test_after_a_reset_the_new_beginning_has_what_followed() -> None:
    """Nothing that was published after a gap is skipped by starting over."""
    feed, subscription = setup()
    subscription.begin([])
    subscription.go_live(complete=True)
    feed.publication(publication(3, event(4)))
    before = subscription.lost
    feed.publication(publication(4, event(5)))
    subscription.begin([])
    assert (before, subscription.lost) == ("gap", None)
    subscription.go_live(complete=True)
    subscribed, first, second, caught_up = pull(subscription)
    assert (subscribed["seq"], first["prev"], second["seq"], caught_up["seq"]) == (3, 3, 5, 5)
