"""Reading a feed's past from Redis, in chunks, so that no command holds the server up for long."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex

import structlog

from signalman.backends.feed_limits import FeedLimits
from signalman.backends.redis_commands import Script, ScriptCall
from signalman.backends.redis_servers import Answer
from signalman.backends.redis_wire import FeedNames, decode_message
from signalman.errors import BackendUnavailable
from signalman.event import Feed, History, Position, Publication

log = structlog.get_logger(__name__)

_CHUNK_BYTES = 1024 * 1024

_HISTORY = Script.load("history.lua")
_MISSED = Script.load("missed.lua")

Ask = Callable[[str, ScriptCall], Awaitable[list[Answer]]]
"""Runs a script for the purpose that is named; there is one answer."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A part of a history."""

    since_ms: int
    """After this moment nothing was cut off."""
    floor: int
    """The seq before the first event that is kept."""
    position: Position
    publications: list[Publication]
    """Newest first."""


class RedisHistory:
    """The past of feeds.

    Args:
        ask: Runs a script.
        names: Of keys.
        limits: By which the history is kept.
        diverged: Awaited with a feed and its epoch when the feed did not go through a publication that we know: Redis
            came back with older data and went on from there.
        chunk_bytes: About how much one command reads at most.
    """

    def __init__(
        self,
        ask: Ask,
        names: FeedNames,
        limits: FeedLimits,
        diverged: Callable[[Feed, str], Awaitable[None]],
        chunk_bytes: int = _CHUNK_BYTES,
    ) -> None:
        self._ask = ask
        self._names = names
        self._idle_ms = round(limits.idle_seconds * 1000)
        self._diverged = diverged
        self._chunk_bytes = chunk_bytes

    async def since(self, feed: Feed, since_ms: int) -> History:
        """See `signalman.ports.Bus.history`."""
        chunk = await self._chunk(feed)
        position, found, kept_ms = chunk.position, chunk.publications, chunk.since_ms
        while found and found[-1].position.ms >= since_ms and found[-1].prev > chunk.floor:
            oldest = found[-1]
            chunk = await self._chunk(feed, oldest.position)
            if not _continues(chunk.publications, oldest):
                # Meanwhile it was cut off, or the feed was retired.
                kept_ms = oldest.position.ms
                break
            found += chunk.publications
            kept_ms = chunk.since_ms
        wanted = tuple(publication for publication in reversed(found) if publication.position.ms >= since_ms)
        return History(position, wanted, max(since_ms, kept_ms))

    async def after(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        """See `signalman.ports.Bus.missed`."""
        keys = self._names.keys(feed)
        found: list[Publication] = []
        while True:
            arguments = (after.epoch, after.seq, after.ms, self._chunk_bytes)
            call = ScriptCall(_MISSED, (keys.state, keys.past), arguments)
            ((_, word, seq, messages),) = await self._ask("read what was missed", call)
            if word == b"diverged":
                await self._retire(feed, after.epoch)
            if word != b"ok":
                return None
            for publication in _decoded(feed, messages):
                if publication.prev != after.seq:
                    return None
                found.append(publication)
                after = publication.position
            if after.seq == seq:
                return tuple(found)
            if not messages:
                return None

    async def _retire(self, feed: Feed, epoch: str) -> None:
        try:
            await self._diverged(feed, epoch)
        except BackendUnavailable as error:
            # A gateway need not be allowed to publish. It lets its own subscribers start over all the same.
            log.warning("redis_feed_not_retired", channel=feed.channel, detail=str(error))

    async def _chunk(self, feed: Feed, before: Position | None = None) -> _Chunk:
        keys = self._names.keys(feed)
        call = ScriptCall(
            _HISTORY,
            (self._names.fence(self._names.shard(feed)), keys.state, keys.past),
            (f"{before.ms}-{before.seq}" if before else "", self._chunk_bytes, self._idle_ms, token_hex(8)),
        )
        ((_, since_ms, floor, epoch, seq, ms, messages),) = await self._ask("read the history", call)
        return _Chunk(since_ms, floor, Position(epoch.decode("ascii"), seq, ms), _decoded(feed, messages))


def _continues(before: list[Publication], oldest: Publication) -> bool:
    return bool(before) and (before[0].position.epoch, before[0].position.seq) == (oldest.position.epoch, oldest.prev)


def _decoded(feed: Feed, messages: list[bytes]) -> list[Publication]:
    found = []
    for message in messages:
        try:
            publication = decode_message(feed, message)
        except ValueError as error:
            raise BackendUnavailable("redis", f"has {error} in its history") from None
        if isinstance(publication, Publication):
            found.append(publication)
    return found
