"""A cursor on a view: what it gets, in which order, and what it is told when it falls behind."""

from dataclasses import replace

import orjson

from signalman.event import Position
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.join import at_index
from signalman.gateway.requests import Filter, Subscribe
from signalman.gateway.subscription import Subscription
from tests.unit.gateway.make import NOW_MS, event, followed, publication

REQUEST = Subscribe(type="subscribe", id="s", channel="streams")


def setup(seq: int = 0, max_frames: int = 100) -> tuple[FollowedFeed, Subscription]:
    """A feed at *seq* and a subscription that has not begun."""
    feed = followed(Position("e1", seq, 1) if seq else None, max_frames=max_frames)
    return feed, Subscription(REQUEST, feed.view(Filter()))


def begin(subscription: Subscription, *frames: bytes) -> None:
    """Begin where the subscription would go on, with *frames* before the view's own."""
    joined = at_index(subscription.view, subscription.entry)
    subscription.begin(replace(joined, frames=frames), ["streams"])


def pull(subscription: Subscription, max_bytes: int = 1 << 20) -> list[dict[str, object]]:
    """What comes next, decoded."""
    return [orjson.loads(data) for data in subscription.pull(max_bytes)[0]]


def test_the_beginning_is_in_order() -> None:
    """subscribed, snapshot, events since the subscription, caught_up, then live events."""
    feed, subscription = setup(seq=4)
    begin(subscription, b'{"type":"snapshot"}')
    feed.publication(publication(4, event(5)), NOW_MS)
    assert [m["type"] for m in pull(subscription)] == ["subscribed", "snapshot"]
    assert not subscription.ready
    subscription.go_live(complete=True)
    messages = pull(subscription)
    assert [m["type"] for m in messages] == ["events", "caught_up"]
    assert (messages[0]["prev"], messages[1]["seq"]) == (4, 5)
    feed.publication(publication(5, event(6)), NOW_MS)
    assert [m["type"] for m in pull(subscription)] == ["events"]


def test_without_all_tables_nobody_is_told_that_it_caught_up() -> None:
    """When the snapshot failed, events flow and `caught_up` stays out."""
    feed, subscription = setup()
    begin(subscription)
    subscription.go_live(complete=False)
    feed.publication(publication(0, event(1)), NOW_MS)
    assert [m["type"] for m in pull(subscription)] == ["subscribed", "events"]


def test_subscribed_names_the_place_where_the_chain_begins() -> None:
    """The first events frame's ``prev`` equals ``subscribed.seq``, for a late subscriber too."""
    feed, _ = setup()
    for number in range(3):
        feed.publication(publication(number, event(number)), NOW_MS)
    late = Subscription(REQUEST, feed.view(Filter()))
    begin(late)
    late.go_live(complete=True)
    feed.publication(publication(3, event(4)), NOW_MS)
    subscribed, caught_up, events = pull(late)
    assert (subscribed["epoch"], subscribed["seq"]) == (late.view.token("e1"), 3)
    assert (caught_up["type"], caught_up["seq"]) == ("caught_up", 3)
    assert events["prev"] == 3


def test_a_pull_is_bounded() -> None:
    """A long log is read in pieces, so that other subscriptions have their turn."""
    feed, subscription = setup()
    begin(subscription)
    subscription.go_live(complete=True)
    for number in range(10):
        feed.publication(publication(number, event(number)), NOW_MS)
    pieces = []
    while subscription.ready:
        pieces.append(pull(subscription, max_bytes=300))
    assert len(pieces) > 3
    assert [m["seq"] for piece in pieces for m in piece if m["type"] == "events"] == list(range(1, 11))


def test_a_lapped_cursor_is_slow() -> None:
    """Who reads too slowly falls out at the log's tail and is told so."""
    feed, subscription = setup(max_frames=3)
    begin(subscription)
    subscription.go_live(complete=True)
    for number in range(4):
        feed.publication(publication(number, event(number)), NOW_MS)
    assert subscription.lost == "slow"


def test_after_a_reset_the_new_beginning_has_what_followed() -> None:
    """Nothing that was published after a reset is skipped by starting over."""
    feed, subscription = setup(seq=3)
    begin(subscription)
    subscription.go_live(complete=True)
    feed.retired(Position("e2", 0, NOW_MS), "skipped", NOW_MS)
    feed.publication(publication(0, event(1), epoch="e2"), NOW_MS)
    before = subscription.lost
    feed.publication(publication(1, event(2), epoch="e2"), NOW_MS)
    begin(subscription)
    assert (before, subscription.lost) == ("skipped", None)
    subscription.go_live(complete=True)
    subscribed, first, second, caught_up = pull(subscription)
    assert (subscribed["seq"], first["prev"], second["seq"], caught_up["seq"]) == (0, 0, 2, 2)


def test_of_a_beginning_that_has_become_void_nothing_more_is_said() -> None:
    """After a reset, the rest of the rows from before it would be taken for those of the new beginning."""
    _, subscription = setup(seq=3)
    begin(subscription, b'{"type":"snapshot"}', b'{"type":"snapshot"}')
    subscription.go_live(complete=True)
    assert (len(pull(subscription, max_bytes=1)), subscription.announced) == (1, True)
    subscription.halt()
    assert pull(subscription) == []
    begin(subscription)
    assert [m["type"] for m in pull(subscription)] == ["subscribed"]


def test_a_subscription_is_announced_once_its_beginning_was_taken() -> None:
    """Before that the client does not know the view's name, and could make nothing of its reset."""
    _, subscription = setup()
    begin(subscription)
    assert not subscription.announced
    pull(subscription)
    assert subscription.announced
