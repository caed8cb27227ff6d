"""`Quotas` in Redis, by its clock: one script call each, and each key with a time to live."""

from collections.abc import Collection, Mapping

from signalman.access_ports import Backoff, Rate
from signalman.backends.redis_commands import RedisCommands, Script, ScriptCall
from signalman.backends.redis_holdings import LEASE_SECONDS, RedisHoldings

_TAKE = Script.load("quota_take.lua")
_FAILED = Script.load("quota_failed.lua")
_BLOCKED = Script.load("quota_blocked.lua")


class RedisQuotas:
    """One gateway's share in the counts of an installation.

    Args:
        commands: Connections.
        prefix: Of all keys.
        lease_seconds: How long what this gateway holds counts after its last word, which it has thrice as often.
    """

    def __init__(
        self, commands: RedisCommands, *, prefix: str = "signalman", lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._commands = commands
        self._prefix = prefix
        self._holdings = RedisHoldings(commands, prefix=prefix, lease_seconds=lease_seconds)

    async def take(self, key: str, rate: Rate) -> float:
        """See `signalman.access_ports.Quotas`."""
        arguments = (repr(1e6 / rate.per_second), repr(float(rate.burst)))
        return await self._run("count an attempt", ScriptCall(_TAKE, (self._key("rate", key),), arguments)) / 1e6

    async def enter(self, ceilings: Mapping[str, int]) -> str | None:
        """See `signalman.access_ports.Quotas`."""
        return await self._holdings.enter(ceilings)

    async def leave(self, keys: Collection[str]) -> None:
        """See `signalman.access_ports.Quotas`."""
        await self._holdings.leave(keys)

    async def blocked(self, key: str) -> float:
        """See `signalman.access_ports.Quotas`."""
        return await self._run("look for failures", ScriptCall(_BLOCKED, (self._key("failures", key),), ())) / 1000

    async def failed(self, key: str, backoff: Backoff) -> float:
        """See `signalman.access_ports.Quotas`."""
        times = (round(seconds * 1000) for seconds in (backoff.first, backoff.longest, backoff.memory))
        call = ScriptCall(_FAILED, (self._key("failures", key),), (backoff.free, *times))
        return await self._run("count a failure", call) / 1000

    async def keep(self) -> None:
        """See `signalman.access_ports.Quotas`."""
        await self._holdings.keep()

    async def _run(self, action: str, call: ScriptCall) -> float:
        return float((await self._commands.run(action, [call]))[0])

    def _key(self, word: str, key: str) -> str:
        return f"{self._prefix}:{word}:{key}"
