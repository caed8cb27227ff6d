"""The bus over Redis: one script call per batch and logical shard, one acknowledged pub/sub subscription per feed.

Names and messages are described in `redis_wire`, what the script does in ``publish.lua``.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from secrets import token_hex
from types import TracebackType
from typing import Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from signalman.backends.redis_subscriber import RedisSubscriber
from signalman.backends.redis_wire import FeedNames, encode_events
from signalman.errors import BackendUnavailable
from signalman.event import Feed, Outgoing, Position
from signalman.ports import BusListener

_READ_CHUNK = 500

ScriptCall = tuple[list[str], list[bytes]]
"""Keys and arguments, of one shard."""


class RedisBus:
    """One process's connections to Redis. Use as an async context manager.

    Entering does not wait for Redis: commands raise `BackendUnavailable` while it is away, and the subscriptions come
    back by themselves.

    Args:
        url: ``redis://`` or, for TLS, ``rediss://``; may hold user, password and database.
        prefix: Of all keys and channels. Deployments that share a server need one each, whatever their database
            number, which pub/sub ignores.
        shards: Number of logical shards; the same, for ever, in all processes of a deployment.
        timeout: Seconds that Redis may take to accept a connection or to answer a command.
        subscribe_timeout: Seconds that `subscribe` may wait, through reconnects, for the acknowledgement.
        connections: How many commands may be under way at a time; further ones wait up to *timeout*.
        ping_interval: Seconds between probes of the subscribing connection.
        silence_limit: Seconds without an answer after which that connection is given up.
        clock: Unix seconds, for ``published_ms``.

    Raises:
        ValueError: The URL, the prefix or the number of shards is unusable. The URL is not repeated.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "signalman",
        shards: int = 16,
        timeout: float = 5.0,
        subscribe_timeout: float = 5.0,
        connections: int = 8,
        ping_interval: float = 5.0,
        silence_limit: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._names = FeedNames(prefix, shards)
        self._redis = Redis.from_pool(_pool(url, timeout, connections))
        self._script = self._redis.register_script(_script_text())
        self._subscribe_timeout = subscribe_timeout
        self._ping_interval = ping_interval
        self._silence_limit = silence_limit
        self._clock = clock
        self._subscriber: RedisSubscriber | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether the subscribing connection stands, with everything wanted subscribed. False without a listener."""
        return self._subscriber is not None and self._subscriber.up

    @property
    def malformed(self) -> int:
        """How many messages on our channels were no publications: somebody else publishes there."""
        return self._subscriber.malformed if self._subscriber else 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            await _end(self._task)
        await self._redis.aclose()

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        """Publish *batch*, each feed's events as one message.

        Raises:
            BackendUnavailable: Redis did not answer or refused. Some of it may have been published: a call whose answer
                is lost is never repeated from here.
        """
        calls = self._script_calls(batch)
        with _translated("publish"):
            missing = await self._run_script(calls)
            if missing:
                # A restart or SCRIPT FLUSH emptied the script cache; a call that finds no script has done nothing.
                await self._redis.script_load(self._script.script)
                if await self._run_script(missing):
                    raise BackendUnavailable("redis", "does not keep scripts")

    def listen(self, listener: BusListener) -> None:
        """Connect for *listener* from now on, on the running event loop.

        It hears `lost` when the first attempt fails, and `recovered` after that.
        """
        if self._task is not None:
            raise RuntimeError("the bus has its listener already")
        self._subscriber = RedisSubscriber(
            self._redis.connection_pool.make_connection,
            self._positions,
            listener,
            ping_interval=self._ping_interval,
            silence_limit=self._silence_limit,
        )
        self._task = asyncio.create_task(self._subscriber.run(), name="redis-subscriber")

    async def subscribe(self, feed: Feed) -> Position | None:
        """See `signalman.ports.Bus`. While Redis is away, waits for its return up to the timeout.

        Raises:
            BackendUnavailable: No acknowledgement or no position in time. The feed is as unwanted as it was before.
        """

        async def position() -> Position | None:
            return (await self._positions([feed]))[feed]

        try:
            async with asyncio.timeout(self._subscribe_timeout):
                return await self._listening().acknowledged(feed, self._names.key(feed).encode(), position)
        except TimeoutError as error:
            raise BackendUnavailable("redis", "no subscription was acknowledged in time") from error

    async def unsubscribe(self, feed: Feed) -> None:
        """See `signalman.ports.Bus`. Does not wait for Redis."""
        self._listening().withdraw(self._names.key(feed).encode())

    async def ping(self) -> None:
        """Return when Redis answers; `BackendUnavailable` when it does not."""
        with _translated("answer"):
            await self._redis.ping()

    def _listening(self) -> RedisSubscriber:
        if self._subscriber is None:
            raise RuntimeError("name the listener before the first subscription")
        return self._subscriber

    def _script_calls(self, batch: Sequence[Outgoing]) -> list[ScriptCall]:
        epoch = token_hex(8).encode()
        now = b"%d" % (self._clock() * 1000)
        calls: dict[int, ScriptCall] = {}
        for outgoing in batch:
            if outgoing.events:
                keys, arguments = calls.setdefault(self._names.shard(outgoing.feed), ([], [epoch, now]))
                keys.append(self._names.key(outgoing.feed))
                arguments += (b"%d" % len(outgoing.events), encode_events(outgoing.events))
        return list(calls.values())

    async def _run_script(self, calls: Sequence[ScriptCall]) -> list[ScriptCall]:
        """Run all *calls* in one round trip; returns those that found no script."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for keys, arguments in calls:
                pipeline.evalsha(self._script.sha, len(keys), *keys, *arguments)
            answers = await pipeline.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, Exception) and not isinstance(answer, NoScriptError):
                raise answer
        return [call for call, answer in zip(calls, answers, strict=True) if isinstance(answer, NoScriptError)]

    async def _positions(self, feeds: Sequence[Feed]) -> Mapping[Feed, Position | None]:
        positions: dict[Feed, Position | None] = {}
        with _translated("read positions"):
            for start in range(0, len(feeds), _READ_CHUNK):
                chunk = feeds[start : start + _READ_CHUNK]
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for feed in chunk:
                        pipeline.hmget(self._names.key(feed), "epoch", "seq")
                    for feed, (epoch, seq) in zip(chunk, await pipeline.execute(), strict=True):
                        positions[feed] = Position(epoch.decode("ascii"), int(seq)) if epoch and seq else None
        return positions


async def _end(task: asyncio.Task[None]) -> None:
    # redis-py connects by way of asyncio.wait_for, which before Python 3.12 can swallow a cancellation.
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)


@contextlib.contextmanager
def _translated(action: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise BackendUnavailable("redis", f"could not {action}") from error


def _pool(url: str, timeout: float, connections: int) -> BlockingConnectionPool:
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # A repeated EVALSHA would publish twice, and a repeated connect would hide a gap.
            retry=Retry(NoBackoff(), 0),
            # With RESP3 a pong and a subscription's answer take other forms.
            protocol=2,
        )
    except ValueError:
        # Its text can hold the part of a password that was taken for a port.
        raise ValueError("the Redis URL cannot be understood; characters such as # and @ must be encoded") from None


def _script_text() -> str:
    return resources.files("signalman.backends").joinpath("publish.lua").read_text("utf-8")
