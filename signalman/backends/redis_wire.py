"""How feeds are named in Redis and what a message on the bus looks like.

Names. A feed's key, and its pub/sub channel, is ``<prefix>:{s07}:feed:<channel>:<scope>:<scope>``; what else belongs
to it has the same name with another word for ``feed``. The hash tag names a logical shard, chosen by CRC-32 of the
feed, so that one script call can serve all feeds of a shard on one Redis and on Redis Cluster alike. Channel and scope
parts are percent-encoded: ids come from outside, and one that holds ``:`` or ``}`` must not name another feed or
another shard. Pub/sub ignores database numbers, so the prefix is all that keeps two deployments on one server apart.

Messages. ``1|<epoch>|<prev>|<last>|<ms>|<length>,<length>…|<event><event>…``: the form's version, the id of the epoch,
the seq before the first event and of the last one, Unix milliseconds by the clock of Redis, the length of each event in
bytes, and the events one after the other. A receiver cuts it apart without reading any event. The history holds the
same messages. ``R|<epoch>|<ms>|<reason>`` says that the feed stands at the beginning of a new epoch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote
from zlib import crc32

from signalman.event import Feed, Position, Publication

_VERSION = b"1"
_RETIRED = b"R"
_NAMES_KEPT = 16_384


class FeedKeys(NamedTuple):
    """The keys of one feed, all of one shard, in the order in which the scripts take them."""

    state: str
    """A hash. Its name is also the feed's pub/sub channel."""
    past: str
    """The history: a stream with an entry ``<ms>-<last>`` for each publication."""
    sizes: str
    """What the history holds, without the messages, so that it can be cut without reading them: a list of
    ``<ms>-<last>:<bytes>``."""
    seen_1: str
    """The identities of events that entered: the one set is filled, the other is from the time before."""
    seen_2: str


@dataclass(frozen=True, slots=True)
class Retirement:
    """A feed began a new epoch."""

    feed: Feed
    position: Position
    reason: str


class FeedNames:
    """Names of feeds under one prefix.

    Args:
        prefix: Of all keys and channels; different for each deployment that shares a server.
        shards: Number of logical shards. Every process of a deployment must be given the same number, for ever: another
            one moves feeds to other keys, where they begin a new epoch.
    """

    def __init__(self, prefix: str, shards: int) -> None:
        if not prefix or not prefix.isprintable() or set(prefix) & set("{} "):
            raise ValueError("the prefix of Redis names must be printable text without braces or spaces")
        if shards < 1:
            raise ValueError("there must be at least one logical shard")
        self._prefix = prefix
        self.shards = shards
        self.keys = lru_cache(_NAMES_KEPT)(self._keys)
        """The keys of a feed; no two feeds share one."""
        self.feed = lru_cache(_NAMES_KEPT)(self._feed)
        """The feed that a channel, or a state's key, belongs to; None when it is not one of these names."""

    def shard(self, feed: Feed) -> int:
        """The logical shard of *feed*, from 0."""
        return crc32(_path(feed).encode()) % self.shards

    def key(self, feed: Feed) -> str:
        """The key of *feed*'s state, which is also its channel."""
        return self.keys(feed).state

    def fence(self, shard: int) -> str:
        """The key of a shard's fence: a hash of topic and partition → the highest offset and the newest timestamp that
        entered. Its field ``:born`` says since when, in Unix milliseconds, everything published in the shard is known.
        """
        return f"{self._prefix}:{{s{shard:02}}}:fence"

    @property
    def beat(self) -> str:
        """The key that is there while somebody reads and publishes."""
        return f"{self._prefix}:fed"

    @property
    def states(self) -> str:
        """A pattern for the keys of all feeds' states."""
        return re.sub(r"([*?\[\]\\^-])", r"\\\1", self._prefix) + ":{s*}:feed:*"

    def _keys(self, feed: Feed) -> FeedKeys:
        path = _path(feed)
        stem = f"{self._prefix}:{{s{self.shard(feed):02}}}"
        return FeedKeys(*(f"{stem}:{word}:{path}" for word in ("feed", "past", "sizes", "seen1", "seen2")))

    def _feed(self, channel: bytes) -> Feed | None:
        try:
            _, _, path = channel.decode().partition("}:feed:")
            name, *scope = (unquote(part, errors="surrogatepass") for part in path.split(":"))
        except ValueError:
            return None
        feed = Feed(name, tuple(scope))
        return feed if self.key(feed).encode() == channel else None


def encode_lengths(events: Sequence[bytes]) -> bytes:
    """The part of a message that says where each event ends."""
    return b",".join(b"%d" % len(event) for event in events)


def decode_message(feed: Feed, message: bytes) -> Publication | Retirement:
    """Cut a message apart.

    Raises:
        ValueError: It is not of a known form. The text holds nothing of the message.
    """
    if message.startswith(_RETIRED):
        return _retirement(feed, message)
    parts = message.split(b"|", 6)
    if len(parts) != 7 or parts[0] != _VERSION:
        raise ValueError("not a publication of a known version")
    _, epoch, prev, last, ms, lengths, body = parts
    try:
        position = Position(epoch.decode("ascii"), int(last), int(ms))
        events = _cut(body, [int(length) for length in lengths.split(b",")])
        publication = Publication(feed, position, int(prev), events)
    except ValueError:
        raise ValueError("a publication with a broken head") from None
    if len(events) != publication.position.seq - publication.prev:
        raise ValueError("a publication whose number of events is not its range of seq")
    return publication


def _retirement(feed: Feed, message: bytes) -> Retirement:
    try:
        kind, epoch, ms, reason = message.decode("ascii").split("|")
        if kind != "R":
            raise ValueError
        return Retirement(feed, Position(epoch, 0, int(ms)), reason)
    except ValueError:
        raise ValueError("not a message of a known form") from None


def _path(feed: Feed) -> str:
    # Surrogates can come out of JSON; refusing them here would let one bad id stop a whole batch.
    return ":".join(quote(part, safe="", errors="surrogatepass") for part in (feed.channel, *feed.scope))


def _cut(body: bytes, lengths: Sequence[int]) -> tuple[bytes, ...]:
    events = []
    start = 0
    for length in lengths:
        events.append(body[start : start + length])
        start += length
    if start != len(body) or min(lengths) < 0:
        raise ValueError("a publication whose lengths do not add up")
    return tuple(events)
