"""What the gateways of an installation hold, counted in Redis.

Per key there is a hash of gateway → how many it holds, which counts for as long as the gateway's lease does. Leases
stand in one sorted set, and all of it has one hash tag, so that one script can hold several keys at once, or none of
them. A gateway knows what it holds itself, and writes it anew wherever it cannot be sure that Redis does.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from secrets import token_hex

import structlog

from signalman.backends.redis_commands import RedisCommands, Script, ScriptCall
from signalman.backends.redis_servers import Answer, Word
from signalman.cancelling import end_if_cancelled
from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

LEASE_SECONDS = 30.0
"""How long a gateway's holdings count after the last word from it."""
_KEPT_MS = 3_600_000
"""How long a hash is there after the last word about it."""
_REWRITE_SECONDS = 600.0
"""How often a gateway writes everything: long before a hash goes, and what else went wrong is mended as well."""
_RETRY_SECONDS = 1.0
_AT_ONCE = 500

Words = tuple[Word, ...]

_ENTER = Script.load("quota_enter.lua")
_LEAVE = Script.load("quota_leave.lua")
_RENEW = Script.load("quota_renew.lua")
_RESTORE = Script.load("quota_restore.lua")


class RedisHoldings:
    """What one gateway holds, beside what all the others do.

    Args:
        commands: Connections.
        prefix: Of all keys.
        lease_seconds: How long what it holds counts after the last word from it.
    """

    def __init__(self, commands: RedisCommands, *, prefix: str, lease_seconds: float = LEASE_SECONDS) -> None:
        self._commands = commands
        self._stem = f"{prefix}:{{held}}"
        self._gateway = token_hex(8)
        self._lease_ms = round(lease_seconds * 1000)
        self._held: dict[str, int] = {}
        self._doubtful: set[str] = set()  # keys of which Redis may have another number
        self._is_lost = False  # any key may be one
        self._wake = asyncio.Event()
        self._is_open = asyncio.Event()  # but for the time in which doubtful keys are written
        self._is_open.set()
        self._under_way = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    async def enter(self, ceilings: Mapping[str, int]) -> str | None:
        """See `signalman.access_ports.Quotas`."""
        keys = tuple(ceilings)
        arguments: Words = (self._gateway, self._lease_ms, _KEPT_MS, *ceilings.values())
        async with self._counting(keys):
            place: int
            place, is_new = await self._run("count a connection", _ENTER, (self._leases, *self._named(keys)), arguments)
            if is_new:
                self._lose()
            if place:
                return keys[place - 1]
            for key in keys:
                self._held[key] = self._held.get(key, 0) + 1
            return None

    async def leave(self, keys: Collection[str]) -> None:
        """See `signalman.access_ports.Quotas`. When it raises, it is given back as soon as Redis is there again."""
        for key in keys:
            self._held[key] = max(0, self._held.get(key, 0) - 1)
        is_late = self._is_lost or not self._is_open.is_set()
        late = [key for key in keys if is_late or key in self._doubtful]
        self._doubt(late)
        settled = tuple(key for key in keys if key not in late)
        if settled:
            async with self._counting(settled):
                await self._run("count a connection", _LEAVE, self._named(settled), (self._gateway,))
            self._forget(settled)

    async def keep(self) -> None:
        """See `signalman.access_ports.Quotas`."""
        pause = self._lease_ms / 3000
        is_sure = False
        written_at = -_REWRITE_SECONDS
        while True:
            end_if_cancelled()
            self._wake.clear()
            try:
                was_lost = await self._run("renew the lease", _RENEW, (self._leases,), (self._gateway, self._lease_ms))
                now = asyncio.get_running_loop().time()
                if was_lost or not is_sure or now - written_at >= _REWRITE_SECONDS:
                    self._is_lost = True
                is_rewritten = self._is_lost
                await self._restore()
            except BackendUnavailable as error:
                if is_sure:
                    log.warning("holdings_unknown", detail=str(error))
                is_sure = False
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            is_sure = True
            if is_rewritten:
                written_at = now
                # Nobody can make us do nothing else.
                await asyncio.sleep(min(_RETRY_SECONDS, pause))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _restore(self) -> None:
        """Write what is doubtful, while nothing else is counted: both at once could not be told apart afterwards."""
        if not self._is_lost and not self._doubtful:
            return
        self._is_open.clear()
        try:
            await self._is_idle.wait()
            if self._is_lost:
                # Only now: of what was under way, nobody knew whether it was counted before or after the loss.
                self._doubtful.update(self._held)
                self._is_lost = False
            while self._doubtful:
                keys = tuple(self._doubtful)[:_AT_ONCE]
                # Taken out before: what leaves meanwhile is doubtful again.
                self._doubtful.difference_update(keys)
                await self._write(keys)
                self._forget(keys)
        finally:
            self._is_open.set()

    async def _write(self, keys: tuple[str, ...]) -> None:
        arguments: Words = (self._gateway, _KEPT_MS, *(self._held.get(key, 0) for key in keys))
        try:
            await self._run("write what is held", _RESTORE, self._named(keys), arguments)
        except BaseException:
            self._doubtful.update(keys)
            raise

    @asynccontextmanager
    async def _counting(self, keys: tuple[str, ...]) -> AsyncIterator[None]:
        """While a script counts *keys*. Where no answer comes it may have run or not, and it was perhaps the one that
        found out that everything was lost.
        """
        while not self._is_open.is_set():
            await self._is_open.wait()
        self._under_way += 1
        self._is_idle.clear()
        try:
            yield
        except BaseException:
            for key in keys:
                self._held.setdefault(key, 0)
            self._lose()
            raise
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._is_idle.set()

    def _lose(self) -> None:
        self._is_lost = True
        self._wake.set()

    def _doubt(self, keys: Collection[str]) -> None:
        if keys:
            self._doubtful.update(keys)
            self._wake.set()

    def _forget(self, keys: Collection[str]) -> None:
        for key in keys:
            if not self._held.get(key) and key not in self._doubtful and not self._is_lost:
                self._held.pop(key, None)

    async def _run(self, action: str, script: Script, keys: tuple[str, ...], arguments: Words) -> Answer:
        return (await self._commands.run(action, [ScriptCall(script, keys, arguments)]))[0]

    @property
    def _leases(self) -> str:
        return f"{self._stem}:leases"

    def _named(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{self._stem}:by:{key}" for key in keys)
