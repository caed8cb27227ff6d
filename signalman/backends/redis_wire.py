"""How feeds are named in Redis and what a message on the bus looks like.

Names. A feed's key, and its pub/sub channel, is ``<prefix>:{s07}:feed:<channel>:<scope>:<scope>``. The hash tag names a
logical shard, chosen by CRC-32 of the feed, so that one script call can serve all feeds of a shard on one Redis and on
Redis Cluster alike. Channel and scope parts are percent-encoded: ids come from outside, and one that holds ``:`` or
``}`` must not name another feed or another shard. Pub/sub ignores database numbers, so the prefix is all that keeps
two deployments on one server apart.

Messages. ``1|<epoch>|<prev>|<last>|<published_ms>|<length>,<length>…|<event><event>…``: the form's version, the id of
the epoch, the seq before the first event and of the last one, Unix milliseconds, the length of each event in bytes, and
the events one after the other. A receiver cuts it apart without reading any event.
"""

from collections.abc import Sequence
from urllib.parse import quote
from zlib import crc32

from signalman.event import Feed, Position, Publication

_VERSION = b"1"


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
        self._shards = shards

    def shard(self, feed: Feed) -> int:
        """The logical shard of *feed*, from 0."""
        return crc32(_path(feed).encode()) % self._shards

    def key(self, feed: Feed) -> str:
        """The key of *feed*, which is also its channel; no two feeds share one."""
        return f"{self._prefix}:{{s{self.shard(feed):02}}}:feed:{_path(feed)}"


def encode_events(events: Sequence[bytes]) -> bytes:
    """The part of a message that the publisher makes: lengths and events."""
    return b"%b|%b" % (b",".join(b"%d" % len(event) for event in events), b"".join(events))


def decode_publication(feed: Feed, message: bytes) -> Publication:
    """Cut a message apart.

    Raises:
        ValueError: It is not of this form. The text holds nothing of the message.
    """
    parts = message.split(b"|", 6)
    if len(parts) != 7 or parts[0] != _VERSION:
        raise ValueError("not a publication of a known version")
    _, epoch, prev, last, published_ms, lengths, body = parts
    try:
        position = Position(epoch.decode("ascii"), int(last))
        events = _cut(body, [int(length) for length in lengths.split(b",")])
        publication = Publication(feed, position, int(prev), int(published_ms), events)
    except ValueError:
        raise ValueError("a publication with a broken head") from None
    if len(events) != publication.position.seq - publication.prev:
        raise ValueError("a publication whose number of events is not its range of seq")
    return publication


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
