"""Who is let in: what one address, one tenant and one user may take, over all gateways.

Addresses become marks before anything else is done with them. While the shared counts are away, every limit goes by
what this gateway has counted itself: with n gateways up to n times as much gets through, and nobody is turned away for
want of an answer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import structlog

from signalman.access_ports import Backoff, Quotas, Rate
from signalman.errors import Limited
from signalman.gateway.marks import Marks
from signalman.gateway.quotas import SharedQuotas
from signalman.metrics import Metrics
from signalman.principal import Principal

log = structlog.get_logger(__name__)

FULL_RETRY_SECONDS = 5.0
"""When those may try again who are too many: nobody knows when one of the others leaves."""
_MOST_REFUSED = 50_000
_MARKS_KEPT = 4096
"""Addresses whose marks need not be made again: who is refused a thousand times a second is few addresses."""
_MEMORY_SECONDS = 600.0
"""How long failures are remembered, at least."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """``[limits]``, as far as it is about coming in. 0 sets no limit."""

    connections_per_tenant: int = 5000
    connections_per_user: int = 200
    connections_per_address: int = 1000
    handshakes_per_minute: int = 1200
    failures: int = 20
    failure_pause_seconds: float = 1.0
    failure_longest_pause_seconds: float = 60.0
    unauthenticated: int = 1000
    snapshots_per_minute: int = 300

    @property
    def backoff(self) -> Backoff:
        """How long who keeps failing has to wait."""
        longest = max(self.failure_pause_seconds, self.failure_longest_pause_seconds)
        memory = max(_MEMORY_SECONDS, 2 * longest)
        return Backoff(self.failures, self.failure_pause_seconds, longest, memory)


class Admission:
    """The door of one gateway.

    Args:
        quotas: Counts that all gateways share.
        local: Counts of this gateway alone.
        limits: What may be taken.
        metrics: Told of each refusal, and of who has not yet said who he is.
        key: Of the marks; the same in all gateways, and secret.
        clock: Seconds.
    """

    def __init__(
        self,
        quotas: Quotas,
        local: Quotas,
        limits: AdmissionLimits,
        metrics: Metrics,
        *,
        key: bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.quotas = SharedQuotas(quotas, local, clock)
        self.limits = limits
        self.marks = Marks(key)
        self._metrics = metrics
        self._clock = clock
        self._mark = lru_cache(maxsize=_MARKS_KEPT)(self.marks.address)
        self._refused: dict[str, tuple[float, str]] = {}
        self._unauthenticated = 0

    @property
    def by_address(self) -> bool:
        """Whether anything is limited by the address that somebody comes from."""
        limits = self.limits
        return any((limits.connections_per_address, limits.handshakes_per_minute, limits.failures))

    def refusal(self, address: str | None) -> Limited | None:
        """Why it is known here that *address* has to wait, counted as a refusal; None where it may go on. Nobody is
        asked, and nothing is raised: an exception makes garbage that only a collection frees.
        """
        return self._refusal(self._mark(address))

    async def arrive(self, address: str | None) -> "Visitor":
        """Let a socket in that comes from *address*. Whoever gets a visitor calls its `leave`, whatever happens.

        Raises:
            Limited: ``too_many_attempts``, ``too_many_connections`` or ``overloaded``.
        """
        mark = self._mark(address)
        self._check_refused(mark)
        visitor = Visitor(self, mark)
        try:
            await self._count_attempt(mark)
            await visitor.enter({f"address:{mark}": "connections_per_address"})
        except BaseException:
            await visitor.leave()
            raise
        return visitor

    async def attempt(self, address: str | None) -> "Attempt":
        """Let a single request with a credential in that comes from *address*.

        Raises:
            Limited: ``too_many_attempts``.
        """
        mark = self._mark(address)
        self._check_refused(mark)
        await self._count_attempt(mark)
        return Attempt(self, mark)

    async def snapshot(self, principal: Principal) -> None:
        """Let *principal* ask for a snapshot.

        Raises:
            Limited: ``too_many_snapshots``.
        """
        limit = "snapshots_per_minute"
        wait = await self._take(f"snapshots:{self.marks.person(principal)}", self.limits.snapshots_per_minute)
        if wait:
            raise self.limited("too_many_snapshots", "Too many snapshots were asked for.", limit, wait)

    async def keep(self) -> None:
        """Run for ever beside the gateway: what it holds is known to the others only while this runs."""
        await self.quotas.keep()

    async def note_failure(self, mark: str) -> None:
        """Count a failed authentication of the address with *mark*."""
        if self.limits.failures:
            wait = await self.quotas.failed(f"address:{mark}", self.limits.backoff)
            self._remember(mark, wait, "failures")
            if wait:
                # Once for each time that somebody has to wait, and not for each time that he comes all the same.
                log.info("address_blocked", visitor=mark, seconds=round(wait, 1))

    def begin_unauthenticated(self) -> None:
        """Count a socket that has not yet said who it is.

        Raises:
            Limited: ``overloaded``.
        """
        if 0 < self.limits.unauthenticated <= self._unauthenticated:
            detail = "Too many connections have not yet authenticated."
            raise self.limited("overloaded", detail, "unauthenticated", 1.0)
        self._unauthenticated += 1
        self._metrics.unauthenticated.set(self._unauthenticated)

    def end_unauthenticated(self) -> None:
        """It has, or has gone."""
        self._unauthenticated -= 1
        self._metrics.unauthenticated.set(self._unauthenticated)

    def limited(self, code: str, detail: str, limit: str, retry_after: float) -> Limited:
        """The refusal, counted."""
        self._metrics.limited.labels(limit).inc()
        return Limited(code, detail, limit=limit, retry_after=retry_after)

    async def _count_attempt(self, mark: str) -> None:
        if self.limits.failures and (wait := await self.quotas.blocked(f"address:{mark}")):
            self._remember(mark, wait, "failures")
        elif wait := await self._take(f"handshakes:{mark}", self.limits.handshakes_per_minute):
            self._remember(mark, wait, "handshakes_per_minute")
        self._check_refused(mark)

    async def _take(self, key: str, per_minute: int) -> float:
        return await self.quotas.take(key, Rate(per_minute / 60, per_minute)) if per_minute else 0.0

    def _check_refused(self, mark: str) -> None:
        refusal = self._refusal(mark)
        if refusal is not None:
            raise refusal

    def _refusal(self, mark: str) -> Limited | None:
        # Here whoever tries a thousand times a second is turned away a thousand times, and nobody else is asked.
        until, limit = self._refused.get(mark, (0.0, ""))
        wait = until - self._clock()
        if wait > 0:
            return self.limited("too_many_attempts", _ATTEMPTS[limit], limit, wait)
        self._refused.pop(mark, None)
        return None

    def _remember(self, mark: str, wait: float, limit: str) -> None:
        if wait <= 0:
            return
        while len(self._refused) >= _MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        self._refused.pop(mark, None)
        self._refused[mark] = (self._clock() + wait, limit)


class Attempt:
    """Somebody who tries a credential."""

    def __init__(self, admission: Admission, mark: str) -> None:
        self._admission = admission
        self.mark = mark
        """Of the address, safe to log."""

    async def failed(self) -> None:
        """The credential was not good."""
        await self._admission.note_failure(self.mark)


class Visitor(Attempt):
    """A socket that was let in. Made by `Admission.arrive`."""

    def __init__(self, admission: Admission, mark: str) -> None:
        super().__init__(admission, mark)
        admission.begin_unauthenticated()
        self._is_unauthenticated = True
        self._held: list[str] = []
        self._is_known = False
        self._has_left = False

    async def known(self, principal: Principal) -> None:
        """It is *principal*. Again for a refresh, which changes nothing here: it is the same one.

        Raises:
            Limited: ``too_many_connections``; then it still has to leave.
        """
        if not self._is_known:
            marks = self._admission.marks
            tenant, person = f"tenant:{marks.tenant(principal)}", f"person:{marks.person(principal)}"
            await self.enter({tenant: "connections_per_tenant", person: "connections_per_user"})
            self._is_known = True
            self._authenticated()

    async def leave(self) -> None:
        """It has gone."""
        self._has_left = True
        self._authenticated()
        await self._give_back()

    async def enter(self, keys: dict[str, str]) -> None:
        """Hold one of each of *keys*, given with the limit that is its ceiling; for `Admission` and itself.

        Raises:
            Limited: ``too_many_connections``.
        """
        limits = self._admission.limits
        ceilings = {key: ceiling for key, limit in keys.items() if (ceiling := getattr(limits, limit))}
        full = await self._admission.quotas.enter(ceilings) if ceilings else None
        if full is not None:
            limit = keys[full]
            raise self._admission.limited("too_many_connections", _CONNECTIONS[limit], limit, FULL_RETRY_SECONDS)
        self._held.extend(ceilings)
        if self._has_left:
            # Meanwhile, and what was then to be given back was not yet held.
            await self._give_back()

    async def _give_back(self) -> None:
        held, self._held = self._held, []
        if held:
            await self._admission.quotas.leave(held)

    def _authenticated(self) -> None:
        if self._is_unauthenticated:
            self._is_unauthenticated = False
            self._admission.end_unauthenticated()


_ATTEMPTS = {
    "failures": "Too many credentials from this address were not good.",
    "handshakes_per_minute": "Too many attempts from this address.",
}
_CONNECTIONS = {
    "connections_per_address": "This address has as many connections as it may have.",
    "connections_per_tenant": "This tenant has as many connections as it may have.",
    "connections_per_user": "This user, token or account has as many connections as it may have.",
}
