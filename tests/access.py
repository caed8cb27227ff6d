"""Who may come in, for tests of something else: everybody whom a function knows, as often as they like."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from signalman.backends.memory_quotas import MemoryQuotas
from signalman.errors import BackendUnavailable
from signalman.gateway.admission import Admission, AdmissionLimits, Visitor
from signalman.metrics import Metrics
from signalman.principal import Principal

Check = Callable[[str], Awaitable[Principal]]
"""Credential → principal; raises as `signalman.access_ports.Access.authenticate` does."""

NO_LIMITS = AdmissionLimits(0, 0, 0, 0, 0, 1.0, 60.0, 0, 0)


class OpenAccess:
    """`signalman.access_ports.Access` in a test's hand."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self.verdicts: dict[Principal, Principal | None] = {}
        """What has changed; of everybody else all is as it was."""
        self.away = False
        self.asked: list[frozenset[Principal]] = []
        """Whom each recheck was about."""
        self.looked = asyncio.Event()
        """Set by each recheck. Who waits for it goes on when what was found has been acted upon."""

    async def authenticate(self, credential: str) -> Principal:
        """Ask the function."""
        return await self._check(credential)

    async def recheck(self, principals: Collection[Principal]) -> Mapping[Principal, Principal | None]:
        """Look at `verdicts`."""
        self.asked.append(frozenset(principals))
        self.looked.set()
        if self.away:
            raise BackendUnavailable("postgres", "away")
        return {principal: self.verdicts.get(principal, principal) for principal in principals}

    async def issue_ticket(self, principal: Principal) -> tuple[str, float]:
        """None are given here."""
        raise BackendUnavailable("redis", "away")


async def _nobody(_: str) -> Principal:
    raise AssertionError("no credential was to be checked")


def open_access(check: Check = _nobody) -> OpenAccess:
    """Whom *check* knows is let in."""
    return OpenAccess(check)


def open_admission(metrics: Metrics | None = None) -> Admission:
    """A door without limits."""
    return Admission(MemoryQuotas(), MemoryQuotas(), NO_LIMITS, metrics or Metrics(), key=b"a key for tests")


class Guest(Visitor):
    """A visitor whom nobody counts, and what he was asked."""

    def __init__(self) -> None:
        super().__init__(open_admission(), "mark")
        self.failures = 0
        self.knew: list[Principal] = []

    async def known(self, principal: Principal) -> None:
        """Remember."""
        self.knew.append(principal)
        await super().known(principal)

    async def failed(self) -> None:
        """Count."""
        self.failures += 1
