"""Counts that all gateways share, and this gateway's own while the others cannot be asked."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final, TypeVar

import structlog

from signalman.access_ports import Backoff, Quotas, Rate
from signalman.cancelling import end_if_cancelled
from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE = 0.5
"""Seconds that the shared counts may take to answer somebody who waits to be let in."""
PAUSE = 1.0
"""Seconds for which they are not asked again after they did not."""
_NO_CEILING = 2**53
"""Larger than any count, and still exact as a number of Lua."""
_AT_ONCE = 100
"""Keys that are told together."""


class _Away:
    """Instead of an answer."""


_AWAY: Final = _Away()


class SharedQuotas:
    """`Quotas` that never raise: *shared* where they answer in time, else *local*.

    What is held is always counted locally too, so that the local count is right when it is needed; what was let in
    while the others could not be asked is told to them afterwards, whatever their ceilings say: it is there.

    Args:
        shared: Those of all gateways.
        local: This gateway's own.
        clock: Seconds.
    """

    def __init__(self, shared: Quotas, local: Quotas, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._local = local
        self._clock = clock
        self._is_away = False
        self._ask_again = 0.0
        self._untold: Counter[str] = Counter()

    async def take(self, key: str, rate: Rate) -> float:
        """See `signalman.access_ports.Quotas`."""
        answer = await self._ask(lambda: self._shared.take(key, rate))
        return await self._local.take(key, rate) if isinstance(answer, _Away) else answer

    async def enter(self, ceilings: Mapping[str, int]) -> str | None:
        """See `signalman.access_ports.Quotas`."""
        full = await self._local.enter(ceilings)
        if full is not None:
            return full
        try:
            answer = await self._ask(lambda: self._shared.enter(ceilings))
        except BaseException:
            await self._local.leave(ceilings.keys())
            raise
        if isinstance(answer, _Away):
            self._untold.update(ceilings.keys())
            return None
        if answer is not None:
            await self._local.leave(ceilings.keys())
        return answer

    async def leave(self, keys: Collection[str]) -> None:
        """See `signalman.access_ports.Quotas`."""
        await self._local.leave(keys)
        untold = [key for key in keys if self._untold[key] > 0]
        self._untold -= Counter(untold)
        if told := [key for key in keys if key not in untold]:
            # Also where the others were just now away: they correct their counts by themselves afterwards.
            await self._answer(lambda: self._shared.leave(told))

    async def blocked(self, key: str) -> float:
        """See `signalman.access_ports.Quotas`."""
        answer = await self._ask(lambda: self._shared.blocked(key))
        return await self._local.blocked(key) if isinstance(answer, _Away) else answer

    async def failed(self, key: str, backoff: Backoff) -> float:
        """See `signalman.access_ports.Quotas`."""
        answer = await self._ask(lambda: self._shared.failed(key, backoff))
        return await self._local.failed(key, backoff) if isinstance(answer, _Away) else answer

    async def keep(self) -> None:
        """See `signalman.access_ports.Quotas`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._shared.keep(), name="quotas")
            tasks.create_task(self._local.keep(), name="quotas-local")
            tasks.create_task(self._tell(), name="quotas-untold")

    async def _tell(self) -> None:
        """Tell the others, for ever, about what was let in without them."""
        while True:
            await asyncio.sleep(PAUSE)
            end_if_cancelled()
            while self._untold and await self._told():
                pass

    async def _told(self) -> bool:
        """Whether one of each of some keys has been told."""
        keys = list(self._untold)[:_AT_ONCE]
        if isinstance(await self._ask(lambda: self._shared.enter(dict.fromkeys(keys, _NO_CEILING))), _Away):
            return False
        # Some of it may have left while it was being told.
        gone = [key for key in keys if not self._untold[key]]
        self._untold -= Counter(keys)
        if gone:
            await self._answer(lambda: self._shared.leave(gone))
        return True

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T | _Away:
        """What the shared counts say, unless it is known that they do not."""
        if not self._is_away:
            return await self._answer(call)
        if self._clock() < self._ask_again:
            return _AWAY
        # One finds out; whoever comes meanwhile does not wait with him. What others were asking before says nothing.
        self._ask_again = self._clock() + PATIENCE + PAUSE
        answer = await self._answer(call)
        if not isinstance(answer, _Away):
            self._is_away = False
            log.info("quotas_shared")
        return answer

    async def _answer(self, call: Callable[[], Awaitable[T]]) -> T | _Away:
        try:
            async with asyncio.timeout(PATIENCE):
                return await call()
        except (BackendUnavailable, TimeoutError) as error:
            self._ask_again = self._clock() + PAUSE
            if not self._is_away:
                self._is_away = True
                log.warning("quotas_local", detail=str(error) or "no answer in time")
            return _AWAY
