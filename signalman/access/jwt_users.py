"""People with a JWT of the platform, and what its accounts say about them now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from signalman.access.jwt import JwtVerifier
from signalman.access.scope import prefix_scope, within
from signalman.access.way import Checked
from signalman.access_ports import Directory, Holder
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from signalman.principal import Principal


class JwtUsers:
    """Turns a JWT into who it speaks for.

    A JWT says what was right when it was signed. Where the directory knows users, what it says of them counts instead:
    their roles and permissions, and whether they are there at all. Where it does not, at least the scope must be in
    good standing. Without a directory a JWT stands on its own until it expires.

    Args:
        verifier: Who judges the JWT itself.
        directory: The platform's accounts; None where there are none.
        levels: The catalog's.
        operator_role: Makes an operator of whoever has it; None makes nobody one.
    """

    kind: Checked = "jwt"

    def __init__(
        self,
        verifier: JwtVerifier,
        directory: Directory | None,
        levels: Sequence[ScopeLevel],
        *,
        operator_role: str | None = None,
    ) -> None:
        self._verifier = verifier
        self._levels = tuple(levels)
        self._directory = directory
        self._operator_role = operator_role

    def takes(self, credential: str) -> bool:
        """Whether it has the three parts of a signed JWT (RFC 7515 §3.1)."""
        return credential.count(".") == 2

    def made(self, principal: Principal) -> bool:
        """Whether it is a person."""
        return principal.kind == "user"

    async def authenticate(self, credential: str, now: float) -> Principal:
        """Who the JWT speaks for.

        Raises:
            NotAuthenticated: ``token_expired``; ``token_invalid`` for everything else, in the same words whether the
                user is unknown, blocked or of another scope.
            BackendUnavailable: The directory does not answer, or the platform's keys cannot be had.
        """
        claimed = await self._verifier.verify(credential, now)
        principal = (await self._looked_up([claimed]))[claimed]
        if principal is None:
            raise NotAuthenticated("token_invalid", "The token's user or tenant is unknown or blocked.")
        return principal

    async def recheck(
        self,
        principals: Collection[Principal],
        now: float,  # noqa: ARG002  # as every way
    ) -> Mapping[Principal, Principal | None]:
        """All of *principals* as they are now, with one question for all. Each keeps the expiry of its JWT.

        Raises:
            BackendUnavailable: The directory does not answer.
        """
        return await self._looked_up(principals)

    async def _looked_up(self, principals: Collection[Principal]) -> dict[Principal, Principal | None]:
        if self._directory is None:
            return {each: self._known(each) for each in principals}
        if "users" not in self._directory.knows:
            good = await self._directory.scopes({each.scope[0] for each in principals})
            return {each: self._known(each) if each.scope[0] in good else None for each in principals}
        found = await self._directory.users({each.id for each in principals})
        return {each: self._found(each, found.get(each.id)) for each in principals}

    def _found(self, claimed: Principal, holder: Holder | None) -> Principal | None:
        if holder is None:
            return None
        scope = prefix_scope(holder.scope, self._levels)
        if scope is None or not within(claimed.scope, scope):
            return None
        return self._known(replace(claimed, roles=holder.roles, permissions=holder.permissions))

    def _known(self, principal: Principal) -> Principal:
        return replace(principal, operator=self._operator_role in principal.roles)
