"""The bus over Redis: one script call per batch and logical shard, and one acknowledged subscription per feed.

Names and messages are described in `redis_wire`, what a script does in its file. `redis_feeds` sends the commands,
`redis_subscriber` hears; here the two are one bus.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from signalman.backends.feed_limits import FeedLimits
from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_commands import RedisCommands
from signalman.backends.redis_feeds import RedisFeeds
from signalman.backends.redis_subscriber import RedisSubscriber
from signalman.backends.redis_wire import FeedNames, Retirement, decode_message
from signalman.errors import BackendUnavailable
from signalman.event import Feed, History, Outgoing, Position, Publication, Published
from signalman.ports import BusListener

log = structlog.get_logger(__name__)


class RedisBus:
    """One process's connections to Redis. Use as an async context manager.

    Entering does not wait for Redis: commands raise `BackendUnavailable` while it is away, and the subscriptions come
    back by themselves.

    Args:
        url: ``redis://`` or, for TLS, ``rediss://``; may hold user, password and database.
        prefix: Of all keys and channels. Deployments that share a server need one each, whatever their database
            number, which pub/sub ignores.
        shards: Number of logical shards; the same, for ever, in all processes of a deployment.
        limits: Of each feed; the same in all processes.
        cluster: The URL is that of one node of a Redis Cluster; the others are found by themselves.
        sharded: On a cluster, publish within the shard only, which needs Redis 7.
        timeout: Seconds that Redis may take to accept a connection or to answer a command.
        subscribe_timeout: Seconds that `subscribe` may wait, through reconnects, for the acknowledgement.
        connections: How many commands may be under way at a time; further ones wait up to *timeout*.
        ping_interval: Seconds between probes of the subscribing connection.
        silence_limit: Seconds without an answer after which that connection is given up.

    Raises:
        ValueError: The URL, the prefix or the number of shards is unusable. The URL is not repeated.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "signalman",
        shards: int = 16,
        limits: FeedLimits | None = None,
        cluster: bool = False,
        sharded: bool = True,
        timeout: float = 5.0,
        subscribe_timeout: float = 5.0,
        connections: int = 8,
        ping_interval: float = 5.0,
        silence_limit: float = 10.0,
    ) -> None:
        self._names = FeedNames(prefix, shards)
        self._commands = RedisCommands(url, cluster=cluster, timeout=timeout, connections=connections)
        address = RedisAddress.parse(url)
        self._feeds = RedisFeeds(self._commands, self._names, limits or FeedLimits(), sharded=cluster and sharded)
        self._subscribe_timeout = subscribe_timeout
        self._make_subscriber = partial(
            RedisSubscriber,
            address,
            cluster=cluster,
            sharded=cluster and sharded,
            ping_interval=ping_interval,
            silence_limit=silence_limit,
            timeout=timeout,
        )
        self._channels: _Channels | None = None
        self._subscriber: RedisSubscriber | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether everything wanted is subscribed. False without a listener."""
        return self._subscriber is not None and self._subscriber.up

    @property
    def malformed(self) -> int:
        """How many messages on our channels were none of ours: somebody else publishes there."""
        return self._channels.malformed if self._channels else 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._commands.aclose()

    async def publish(self, batch: Sequence[Outgoing]) -> Published:
        """See `signalman.ports.Bus`; each feed's events are one message.

        Raises:
            BackendUnavailable: Redis did not answer or refused. Some of it may have been published: nothing is ever
                repeated from here.
        """
        return await self._feeds.publish(batch)

    async def retire(self, reason: str) -> None:
        """See `signalman.ports.Bus`. When it raises, some feeds may have been retired; they are spared next time."""
        await self._feeds.retire(reason)

    async def beat(self, seconds: float) -> None:
        """See `signalman.ports.Bus`."""
        await self._feeds.beat(seconds)

    async def is_fed(self) -> bool:
        """See `signalman.ports.Bus`."""
        return await self._feeds.is_fed()

    def now_ms(self) -> int:
        """See `signalman.ports.Bus`. As of the last answers of Redis; before the first, the local clock."""
        return self._feeds.now_ms()

    def listen(self, listener: BusListener) -> None:
        """Connect for *listener* from now on, on the running event loop.

        It hears `lost` when the first attempt fails, and `recovered` after that.
        """
        if self._task is not None:
            raise RuntimeError("the bus has its listener already")
        self._channels = _Channels(self._names, self._feeds, listener)
        self._subscriber = self._make_subscriber(self._channels)
        self._task = asyncio.create_task(self._subscriber.run(), name="redis-subscriber")

    async def subscribe(self, feed: Feed) -> Position | None:
        """See `signalman.ports.Bus`. While Redis is away, waits for its return up to the timeout.

        Raises:
            BackendUnavailable: No acknowledgement or no position in time. The feed is as unwanted as it was before.
        """

        async def position() -> Position | None:
            return (await self._feeds.positions([feed]))[feed]

        try:
            async with asyncio.timeout(self._subscribe_timeout):
                return await self._listening().acknowledged(self._names.key(feed).encode(), position)
        except TimeoutError as error:
            raise BackendUnavailable("redis", "no subscription was acknowledged in time") from error

    async def unsubscribe(self, feed: Feed) -> None:
        """See `signalman.ports.Bus`. Does not wait for Redis."""
        self._listening().withdraw(self._names.key(feed).encode())

    async def history(self, feed: Feed, since_ms: int) -> History:
        """See `signalman.ports.Bus`."""
        return await self._feeds.history(feed, since_ms)

    async def missed(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        """See `signalman.ports.Bus`. When the feed did not go through *after*, because Redis came back with older data
        and went on from there, the feed is retired: nobody shall resume on a past that is not its own.
        """
        return await self._feeds.missed(feed, after)

    async def ping(self) -> None:
        """Return when Redis answers, on a cluster each primary; `BackendUnavailable` when it does not."""
        await self._feeds.ping()

    def _listening(self) -> RedisSubscriber:
        if self._subscriber is None:
            raise RuntimeError("name the listener before the first subscription")
        return self._subscriber


class _Channels:
    """Hears channels, and tells a bus's listener about feeds."""

    def __init__(self, names: FeedNames, feeds: RedisFeeds, listener: BusListener) -> None:
        self._names = names
        self._feeds = feeds
        self._listener = listener
        self.malformed = 0

    def message(self, channel: bytes, data: bytes) -> None:
        feed = self._names.feed(channel)
        if feed is None:
            return
        try:
            message = decode_message(feed, data)
        except ValueError as error:
            # Somebody else publishes here, perhaps a thousand times a second.
            if not self.malformed:
                log.warning("redis_message_malformed", channel=feed.channel, reason=str(error))
            self.malformed += 1
            return
        if isinstance(message, Retirement):
            self._tell(self._listener.retired, message.feed, message.position, message.reason)
        else:
            self._tell(self._listener.publication, message)

    def lost(self) -> None:
        self._tell(self._listener.lost)

    async def restored(self, channels: Sequence[bytes]) -> None:
        # Not before the acknowledgements: what is published after these positions is heard.
        positions: Mapping[Feed, Position | None] = await self._feeds.positions(
            [feed for channel in channels if (feed := self._names.feed(channel)) is not None]
        )
        self._tell(self._listener.recovered, positions)

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            call(*arguments)
        except Exception:  # the listener promised not to; the others' events must go on
            log.exception("bus_listener_failed")
