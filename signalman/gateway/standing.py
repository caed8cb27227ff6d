"""Whether those who are connected still may be: looks at them again when a notice says so, and now and then anyway.

A notice is never lost: one that comes while its principals are being looked at has them looked at once more, and one
that comes between the check of a credential and its connection's entering is found then. While nobody answers who would
know, nothing is known of anybody: they stay, and are all looked at as soon as somebody answers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Literal, Protocol

import structlog

from signalman.access_ports import Access
from signalman.cancelling import end_if_cancelled
from signalman.errors import BackendUnavailable
from signalman.gateway.register import Register
from signalman.gateway.rota import Rota
from signalman.metrics import Metrics
from signalman.notice import EVERYBODY, Notice, concerning
from signalman.principal import Principal

log = structlog.get_logger(__name__)

Source = Literal["relay", "directory", "poll"]
"""Where a notice came from, as metrics name it."""

BATCH = 500
"""Principals that are looked at in one go."""

AT_ONCE = 50
"""Connections that are told before the event loop gets its turn: a few milliseconds."""

STEP = 1.0
"""Seconds between two shares of the regular round."""

RETRY = 2.0
"""Seconds until those who would know are asked again when they did not answer."""

REMEMBERED = 1000
"""Notices that are remembered for those who are on their way in. Who missed more is looked at in any case."""


class Member(Protocol):
    """A connection, as it is seen from here."""

    def judged(self, principal: Principal | None, since: float) -> None:
        """It is *principal* from now on, or nobody where its access has ended, as was asked for at the moment *since*.
        Called on the event loop; must not block or raise.
        """
        ...


class Standing:
    """Everybody who is connected.

    Args:
        access: Knows how somebody stands now.
        metrics: Of the process.
        every: Seconds within which everybody is looked at, notice or not.
        clock: Seconds.
        sleep: Waits so many of them.
    """

    def __init__(
        self,
        access: Access,
        metrics: Metrics,
        *,
        every: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._access = access
        self._metrics = metrics
        self._step = min(STEP, every)
        self._clock = clock
        self._sleep = sleep
        self._register = Register[Member]()
        # The last share of a round may be a step late.
        self._rota = Rota[Principal](max(every - self._step, every / 2))
        self._noticed: dict[Principal, float] = {}
        """Whom notices concern, and since when: they come first."""
        self._routine: dict[Principal, float] = {}
        self._wanted = asyncio.Event()
        self._remembered: deque[Notice] = deque(maxlen=REMEMBERED)
        self._away = False
        self.heard = 0
        """How many notices there were. Read before a credential is checked, it tells `enter` what came since."""

    def enter(self, member: Member, principal: Principal, heard: int | None) -> None:
        """*member* is *principal* from now on, by a credential whose check began when so many notices were *heard*; by
        None it is not known when.
        """
        self._register.enter(member, principal)
        self._rota.add(principal, self._clock())
        if self._missed(principal, heard):
            self._want(self._noticed, [principal])

    def leave(self, member: Member) -> None:
        """*member* is on its way out: nothing concerns it any more."""
        self._register.leave(member)

    def notice(self, notice: Notice, source: Source) -> None:
        """Look at whom *notice* concerns, soon."""
        self.heard += 1
        self._remembered.append(notice)
        self._metrics.notices.labels(source).inc()
        self._want(self._noticed, self._register.concerned(notice))

    async def run(self) -> None:
        """Look at everybody in turn, and at those whom notices concern; for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._go_round(), name="recheck-round")
            tasks.create_task(self._look(), name="recheck")

    async def _go_round(self) -> None:
        while True:
            await self._sleep(self._step)
            turn = [principal for principal in self._rota.turn(self._clock()) if self._is_here(principal)]
            self._metrics.notices.labels("poll").inc(len(turn))
            self._want(self._routine, turn)

    async def _look(self) -> None:
        # One batch after the other: nobody is being looked at twice at one time, by the way that this is written.
        while True:
            end_if_cancelled()
            await self._wanted.wait()
            batch = self._take()
            if batch:
                await self._recheck(batch)
            else:
                self._wanted.clear()

    def _take(self) -> dict[Principal, float]:
        """Some of those who wait; a notice about them from now on has them looked at once more."""
        batch: dict[Principal, float] = {}
        for waiting in (self._noticed, self._routine):
            while waiting and len(batch) < BATCH:
                principal = next(iter(waiting))
                since = waiting.pop(principal)
                if self._is_here(principal):
                    batch.setdefault(principal, since)
        return batch

    async def _recheck(self, batch: Mapping[Principal, float]) -> None:
        heard = self.heard
        try:
            found = await self._access.recheck(batch.keys())
        except BackendUnavailable as error:
            self._unknown(batch, str(error))
            await self._sleep(RETRY)
            return
        if self._away:
            self._away = False
            log.info("recheck_goes_on")
            self._want(self._noticed, self._register)
        for principal, since in batch.items():
            await self._judge(principal, found.get(principal), since, heard)

    def _unknown(self, batch: Mapping[Principal, float], detail: str) -> None:
        """Nothing is known of anybody; the very same are asked for first when somebody answers."""
        for principal in batch:
            self._metrics.rechecks.labels("unknown").inc(len(self._register.members(principal)))
        if not self._away:
            self._away = True
            log.warning("recheck_waits", detail=detail)
        waiting = dict(batch)
        for principal, since in self._noticed.items():
            waiting.setdefault(principal, since)
        self._noticed = waiting
        self._wanted.set()

    async def _judge(self, principal: Principal, found: Principal | None, since: float, heard: int) -> None:
        members = self._register.members(principal)
        outcome = "ended" if found is None else "same" if found == principal else "changed"
        self._metrics.rechecks.labels(outcome).inc(len(members))
        if outcome == "same":
            return
        for number, member in enumerate(members, 1):
            if not self._register.knows(member, principal):
                continue  # it has gone meanwhile, or is somebody else by another credential
            if found is None:
                self._register.leave(member)
            else:
                self.enter(member, found, heard)
            member.judged(found, since)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def _is_here(self, principal: Principal) -> bool:
        """Whether somebody is connected as *principal*; else there is no need to look at him ever again."""
        if principal in self._register:
            return True
        self._rota.drop(principal)
        return False

    def _missed(self, principal: Principal, heard: int | None) -> bool:
        """Whether a notice that concerns *principal* came after so many were *heard*."""
        if heard is None or self.heard - heard > len(self._remembered):
            return True
        mine = concerning(principal) | {EVERYBODY}
        return any(self._remembered[-number] in mine for number in range(1, self.heard - heard + 1))

    def _want(self, waiting: dict[Principal, float], principals: Iterable[Principal]) -> None:
        now = self._clock()
        for principal in principals:
            waiting.setdefault(principal, now)
        if waiting:
            self._wanted.set()
