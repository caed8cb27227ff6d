"""Which kind of credential this is and whose, and whether that still holds."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from signalman.access.credentials import is_well_formed
from signalman.access.tickets import TICKET_PREFIX, TicketOffice
from signalman.access.way import Checked, Way
from signalman.errors import NotAuthenticated
from signalman.metrics import Metrics
from signalman.principal import Principal


class Authenticator:
    """Every way of being known that this deployment offers: `signalman.access_ports.Access`.

    Args:
        ways: Asked in this order; the first that takes a credential's form decides alone.
        tickets: Gives and takes tickets, whose holders are looked at again when they come.
        metrics: Where the checks' durations are noted.
        clock: Unix seconds.
    """

    def __init__(
        self,
        ways: Iterable[Way],
        *,
        tickets: TicketOffice,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._ways = tuple(ways)
        self._tickets = tickets
        self._metrics = metrics
        self._clock = clock

    async def authenticate(self, credential: str) -> Principal:
        """Whose credential this is. Its form alone decides who is asked.

        Raises:
            NotAuthenticated: ``token_expired`` for a JWT or a ticket whose holder's credential has expired, else
                ``token_invalid``. Never repeats the credential.
            Limited: ``overloaded``: too many keys are being checked.
            BackendUnavailable: Who would know does not answer: ``redis`` where it is a ticket, else the directory.
        """
        kind, check = self._check(credential)
        with self._metrics.credential_seconds.labels(kind).time():
            return await check(credential, self._clock())

    async def recheck(self, principals: Collection[Principal]) -> Mapping[Principal, Principal | None]:
        """All of *principals* as they are now, with one question for each kind; None whose access has ended, or who
        could not come here at all.

        Raises:
            BackendUnavailable: The directory does not answer; then nothing is known of any of them.
        """
        now = self._clock()
        sorted_out: dict[Way, set[Principal]] = {}
        for principal in principals:
            way = next((way for way in self._ways if way.made(principal)), None)
            if way is not None:
                sorted_out.setdefault(way, set()).add(principal)
        answers = await asyncio.gather(*(way.recheck(theirs, now) for way, theirs in sorted_out.items()))
        found = {each: principal for answer in answers for each, principal in answer.items()}
        return {each: found.get(each) for each in principals}

    async def issue_ticket(self, principal: Principal) -> tuple[str, float]:
        """A ticket that authenticates as *principal* once, and the seconds for which it is good.

        Raises:
            NotAuthenticated: ``token_expired``: its credential is good for nothing any more, so a ticket is not either.
            BackendUnavailable: Tickets cannot be kept now.
        """
        _not_expired(principal, self._clock())
        ticket = await self._tickets.issue(principal)
        left = math.inf if principal.expires_at is None else principal.expires_at - self._clock()
        return ticket, max(0.0, min(self._tickets.seconds, left))

    def _check(self, credential: str) -> tuple[Checked, Callable[[str, float], Awaitable[Principal]]]:
        if is_well_formed(credential):
            for way in self._ways:
                if way.takes(credential):
                    return way.kind, way.authenticate
            if credential.startswith(TICKET_PREFIX):
                return "ticket", self._redeem
        return "unknown", _of_no_kind

    async def _redeem(self, ticket: str, now: float) -> Principal:
        holder = await self._tickets.redeem(ticket)
        _not_expired(holder, now)
        principal = (await self.recheck([holder]))[holder]
        if principal is None:
            raise NotAuthenticated("token_invalid", "The ticket's holder has no access any more.")
        return principal


async def _of_no_kind(credential: str, now: float) -> Principal:  # noqa: ARG001  # as every way's
    raise NotAuthenticated("token_invalid", "The credential is of no kind that is taken here.")


def _not_expired(principal: Principal, now: float) -> None:
    if principal.expires_at is not None and now >= principal.expires_at:
        raise NotAuthenticated("token_expired", "The credential has expired.")
