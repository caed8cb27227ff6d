"""Names of feeds in Redis, and messages on the bus."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from signalman.backends.redis_wire import FeedNames, Retirement, decode_message, encode_lengths
from signalman.event import Feed, Position, Publication

NAMES = FeedNames("signalman", 16)
PARTS = st.text(st.characters(codec=None), max_size=8)
FEEDS = st.builds(Feed, PARTS, st.lists(PARTS, max_size=3).map(tuple))
FEED = Feed("streams", ("t",))


@given(FEEDS, FEEDS)
@example(Feed("a", ("b:c",)), Feed("a", ("b", "c")))
@example(Feed("a", ()), Feed("a", ("",)))
def test_no_two_feeds_share_a_name(one: Feed, other: Feed) -> None:
    """Names are equal exactly when feeds are, whatever the ids are."""
    assert (NAMES.key(one) == NAMES.key(other)) == (one == other)


@given(FEEDS)
def test_a_name_has_one_hash_tag_that_names_its_shard(feed: Feed) -> None:
    """Redis Cluster hashes what stands between the first pair of braces: always the shard, never part of an id."""
    key = NAMES.key(feed)
    assert key.startswith(f"signalman:{{s{NAMES.shard(feed):02}}}:feed:")
    assert key.count("{") == key.count("}") == 1
    assert key.isascii()
    assert key.isprintable()


def test_names_stay_what_they_are() -> None:
    """Names are shared by processes of different versions: a change would split a running deployment."""
    assert (
        NAMES.key(Feed("streams", ("5eed517e-ba5e", "a b:c"))) == "signalman:{s00}:feed:streams:5eed517e-ba5e:a%20b%3Ac"
    )


@given(FEEDS)
def test_a_feed_is_known_by_its_channel(feed: Feed) -> None:
    """From the name of a channel the feed is read back, whatever its ids are."""
    assert NAMES.feed(NAMES.key(feed).encode()) == feed


@pytest.mark.parametrize(
    "channel",
    [
        b"",
        b"\xff",
        b"signalman:{s00}:feed:%ff",
        b"signalman:{s01}:feed:streams:5eed517e-ba5e:a%20b%3Ac",
        b"signalman:{s00}:feed:streams:5eed517e-ba5e:a b%3Ac",
        b"other:{s00}:feed:streams:5eed517e-ba5e:a%20b%3Ac",
        b"signalman:{s00}:past:streams:5eed517e-ba5e:a%20b%3Ac",
    ],
)
def test_other_names_are_nobodys(channel: bytes) -> None:
    """What is not exactly the name of a feed in this deployment names none."""
    assert NAMES.feed(channel) is None


@given(FEEDS)
def test_the_keys_of_a_feed_are_of_one_shard(feed: Feed) -> None:
    """All keys that a script needs together are in one slot of a cluster, and none is another's."""
    keys = [*NAMES.keys(feed), NAMES.fence(NAMES.shard(feed))]
    assert len({key_slot(key.encode()) for key in keys}) == 1
    assert len(set(keys)) == 6


def test_feeds_spread_over_shards() -> None:
    """Tenants do not all land on one shard."""
    shards = {NAMES.shard(Feed("streams", (f"tenant-{number}",))) for number in range(500)}
    assert shards == set(range(16))


@pytest.mark.parametrize("prefix", ["", "a{b", "a}b", "a b", "a\n"])
def test_a_prefix_that_would_break_names_is_refused(prefix: str) -> None:
    """A brace in the prefix would become the hash tag."""
    with pytest.raises(ValueError, match="prefix"):
        FeedNames(prefix, 16)


def test_there_must_be_a_shard() -> None:
    """No shards, no names."""
    with pytest.raises(ValueError, match="shard"):
        FeedNames("signalman", 0)


@given(st.lists(st.binary(max_size=20), min_size=1), st.integers(0, 2**53))
def test_events_survive_the_way(events: list[bytes], prev: int) -> None:
    """Whatever bytes the events are, separators included, they come out as they went in."""
    last = prev + len(events)
    message = b"1|epoch|%d|%d|123|%b|" % (prev, last, encode_lengths(events)) + b"".join(events)

    assert decode_message(FEED, message) == Publication(FEED, Position("epoch", last, 123), prev, tuple(events))


def test_a_retirement_is_told_apart() -> None:
    """The other kind of message names the epoch's beginning and why."""
    assert decode_message(FEED, b"R|epoch|123|skipped") == Retirement(FEED, Position("epoch", 0, 123), "skipped")


@given(
    st.one_of(
        st.binary(), st.lists(st.sampled_from([b"R", b"1", b"0", b"-1", b"|", b",", b"e", b"\xff"])).map(b"".join)
    )
)
@example(b"1|e|0|1|2|-1,2|x")
@example(b"1|e|0|1|2||")
@example(b"1|\xff|0|1|2|1|x")
@example(b"R|e|1")
@example(b"R|e|x|y")
@example(b"Rx|e|1|y")
def test_any_other_message_is_a_value_error(message: bytes) -> None:
    """Whatever somebody publishes on our channel is a publication whose numbers agree, or a `ValueError`."""
    try:
        found = decode_message(FEED, message)
    except ValueError as error:
        assert error.__cause__ is None  # noqa: PT017  raising is one of two right answers
    else:
        assert isinstance(found, Retirement) or len(found.events) == found.position.seq - found.prev
