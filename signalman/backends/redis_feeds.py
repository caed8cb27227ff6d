"""Feeds in Redis, as commands: everything of the bus but hearing. What the scripts do is told in them."""

from collections.abc import Mapping, Sequence
from secrets import token_hex

from signalman.backends.bus_clock import BusClock
from signalman.backends.feed_limits import FeedLimits
from signalman.backends.redis_batch import shard_calls
from signalman.backends.redis_commands import RedisCommands, Script, ScriptCall
from signalman.backends.redis_history import RedisHistory
from signalman.backends.redis_servers import Answer
from signalman.backends.redis_wire import FeedNames
from signalman.event import Feed, History, Outgoing, Position, Publication, Published

_FEEDS_PER_CALL = 500

_POSITIONS = Script.load("positions.lua")
_PUBLISH = Script.load("publish.lua")
_RETIRE = Script.load("retire.lua")


class RedisFeeds:
    """What all processes of a deployment have in common, as long as they are given the same names and limits.

    Args:
        commands: Connections.
        names: Of keys and channels.
        limits: Of each feed.
        sharded: Publish within the shard only; for a cluster.
        clock: Told what Redis says the time is.
    """

    def __init__(
        self,
        commands: RedisCommands,
        names: FeedNames,
        limits: FeedLimits,
        *,
        sharded: bool = False,
        clock: BusClock | None = None,
    ) -> None:
        self._commands = commands
        self._names = names
        self._limits = limits
        self._publish_command = "SPUBLISH" if sharded else "PUBLISH"
        self._clock = clock or BusClock()
        self._past = RedisHistory(self._ask, names, limits, self._retire_diverged)

    async def publish(self, batch: Sequence[Outgoing]) -> Published:
        """See `signalman.ports.Bus`."""
        head = (token_hex(8), self._publish_command, _limits(self._limits))
        calls = [ScriptCall(_PUBLISH, keys, (*head, *arguments)) for keys, arguments in shard_calls(self._names, batch)]
        answers = await self._commands.run("publish", calls) if calls else []
        return Published(*(sum(answer[place] for answer in answers) for place in (1, 2, 3)))

    async def retire(self, reason: str) -> None:
        """See `signalman.ports.Bus`."""
        # First for the shards: a feed that begins from here on does not count on the time before.
        shards: dict[int, list[Feed]] = {number: [] for number in range(self._names.shards)}
        await self._retire(reason, shards)
        for key in await self._commands.keys("find the feeds", self._names.states):
            feed = self._names.feed(key)
            # There may be keys of another number of shards, or somebody else's.
            if feed is not None:
                shards[self._names.shard(feed)].append(feed)
        while any(shards.values()):
            await self._retire(reason, {number: feeds[:_FEEDS_PER_CALL] for number, feeds in shards.items() if feeds})
            shards = {number: feeds[_FEEDS_PER_CALL:] for number, feeds in shards.items()}

    async def positions(self, feeds: Sequence[Feed]) -> Mapping[Feed, Position | None]:
        """Where *feeds* stand; None where nothing was ever published."""
        shards: dict[int, list[Feed]] = {}
        for feed in feeds:
            shards.setdefault(self._names.shard(feed), []).append(feed)
        chunks = [
            shard[start : start + _FEEDS_PER_CALL]
            for shard in shards.values()
            for start in range(0, len(shard), _FEEDS_PER_CALL)
        ]
        answers = await self._ask(
            "read positions",
            *(ScriptCall(_POSITIONS, [self._names.key(feed) for feed in chunk], ()) for chunk in chunks),
        )
        positions: dict[Feed, Position | None] = {}
        for chunk, (_, *states) in zip(chunks, answers, strict=True):
            for feed, epoch, seq, ms in zip(chunk, states[::3], states[1::3], states[2::3], strict=True):
                positions[feed] = Position(epoch.decode("ascii"), int(seq), int(ms)) if epoch else None
        return positions

    async def history(self, feed: Feed, since_ms: int) -> History:
        """See `signalman.ports.Bus`."""
        return await self._past.since(feed, since_ms)

    async def missed(self, feed: Feed, after: Position) -> tuple[Publication, ...] | None:
        """See `signalman.ports.Bus`. A feed that did not go through *after* is retired, with the reason ``epoch``: what
        others have of its past may be of the other branch as well.
        """
        return await self._past.after(feed, after)

    async def beat(self, seconds: float) -> None:
        """See `signalman.ports.Bus`."""
        await self._commands.execute("say that events are read", "SET", self._names.beat, 1, "PX", _ms(seconds))

    async def is_fed(self) -> bool:
        """See `signalman.ports.Bus`."""
        return bool(await self._commands.execute("tell whether events are read", "EXISTS", self._names.beat))

    def now_ms(self) -> int:
        """See `signalman.ports.Bus`. Before Redis has answered for the first time, the local clock."""
        return self._clock.now_ms()

    async def ping(self) -> None:
        """See `signalman.ports.Bus`."""
        asked = self._clock.local_ms()
        self._clock.set(asked, await self._commands.time_ms("answer"))

    async def _ask(self, action: str, *calls: ScriptCall) -> list[Answer]:
        if not calls:
            return []
        asked = self._clock.local_ms()
        answers = await self._commands.run(action, calls)
        self._clock.set(asked, answers[0][0])
        return answers

    async def _retire_diverged(self, feed: Feed, epoch: str) -> None:
        call = self._retire_call("epoch", self._names.shard(feed), [feed], spare_ms=0, meant=epoch)
        await self._commands.run("retire", [call])

    async def _retire(self, reason: str, shards: Mapping[int, Sequence[Feed]]) -> None:
        spare_ms = round(self._limits.spare_seconds * 1000)
        calls = [self._retire_call(reason, number, feeds, spare_ms=spare_ms) for number, feeds in shards.items()]
        await self._commands.run("retire", calls)

    def _retire_call(
        self, reason: str, shard: int, feeds: Sequence[Feed], *, spare_ms: int, meant: str = ""
    ) -> ScriptCall:
        keys = [self._names.fence(shard), *(key for feed in feeds for key in self._names.keys(feed))]
        arguments = (
            *(token_hex(8), self._publish_command, reason),
            *(_ms(self._limits.idle_seconds), spare_ms, meant),
        )
        return ScriptCall(_RETIRE, keys, arguments)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _limits(limits: FeedLimits) -> str:
    repeat_ms = round(limits.repeat_seconds * 1000)
    numbers = (
        *(_ms(limits.seconds), limits.events, limits.bytes, _ms(limits.idle_seconds)),
        *(repeat_ms, limits.repeat_events),
    )
    return ",".join(map(str, numbers))
