"""Who is known to the gateways of these tests: the real authenticator, and a test's hand in its second looks."""

from collections.abc import Callable, Collection, Iterable, Mapping

from signalman.access.accounts import Account, Accounts
from signalman.access.authenticator import Authenticator
from signalman.access.jwt import JwtVerifier
from signalman.access.jwt_users import JwtUsers
from signalman.access.keys import SharedSecret
from signalman.access.tickets import TicketOffice
from signalman.backends.memory_tickets import MemoryTickets
from signalman.channel import Catalog
from signalman.metrics import Metrics
from signalman.principal import Principal

SECRET = "a secret of at least thirty-two bytes, for tests"


class Known:
    """`signalman.access_ports.Access`: accounts, JWTs signed with `SECRET`, and tickets."""

    def __init__(
        self, catalog: Catalog, accounts: Iterable[Account], metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        keys = {"HS256": [SharedSecret(SECRET)]}
        verifier = JwtVerifier(keys, catalog.levels, catalog.access.claims)
        self._real = Authenticator(
            [Accounts(accounts, catalog.levels), JwtUsers(verifier, None, catalog.levels)],
            tickets=TicketOffice(MemoryTickets(), seconds=30.0),
            metrics=metrics,
            clock=clock,
        )
        self.authenticate = self._real.authenticate
        self.issue_ticket = self._real.issue_ticket
        self.verdicts: dict[str, Principal | None] = {}
        """Id of somebody who is connected → what becomes of him when he is looked at again."""

    async def recheck(self, principals: Collection[Principal]) -> Mapping[Principal, Principal | None]:
        """As the authenticator says, unless the test says otherwise."""
        found = await self._real.recheck(principals)
        return {each: self.verdicts.get(each.id, now) for each, now in found.items()}
