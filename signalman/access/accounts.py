"""Static accounts out of configuration, for development without the platform's databases."""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from signalman.access.credentials import is_bearer_token
from signalman.access.scope import prefix_scope
from signalman.access.way import Checked
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from signalman.event import Scope
from signalman.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody whose token stands in the configuration."""

    name: str
    token: str = field(repr=False)
    scope: Scope
    """An id for every level of the pack that is not optional."""
    role: str = "member"
    permissions: frozenset[str] | None = None
    """Read only what these open; None limits by role alone."""
    operator: bool = False
    """See also what belongs to no tenant."""


class Accounts:
    """The accounts of this process. Keeps hashes of the tokens only.

    Raises:
        ValueError: A name is missing, a name or token is there twice, a token cannot be sent as a bearer token, or a
            scope lacks a level or has a malformed id. The text names the account and never its token.
    """

    kind: Checked = "account"

    def __init__(self, accounts: Iterable[Account], levels: Sequence[ScopeLevel]) -> None:
        self._principals: dict[bytes, Principal] = {}
        names: set[str] = set()
        for account in accounts:
            if not account.name or account.name in names:
                raise ValueError(f"account names must be there and differ: '{account.name}'")
            names.add(account.name)
            self._add(account, levels)

    def find(self, token: str) -> Principal | None:
        """Whose token this is; None when nobody's. Takes the same time wherever the difference lies."""
        given = _digest(token)
        found = None
        for digest, principal in self._principals.items():
            if hmac.compare_digest(digest, given):
                found = principal
        return found

    def takes(self, credential: str) -> bool:
        """Whether it is an account's token: these have no form of their own."""
        return self.find(credential) is not None

    def made(self, principal: Principal) -> bool:
        """Whether it is an account."""
        return principal.kind == "account"

    async def authenticate(self, credential: str, now: float) -> Principal:  # noqa: ARG002  # as every way
        """Whose token this is.

        Raises:
            NotAuthenticated: ``token_invalid``: nobody's.
        """
        found = self.find(credential)
        if found is None:
            raise NotAuthenticated("token_invalid", "This is no account's token.")
        return found

    async def recheck(
        self,
        principals: Collection[Principal],
        now: float,  # noqa: ARG002  # as every way
    ) -> Mapping[Principal, Principal | None]:
        """Each account as it stands in this process's configuration; None where it does not, which another gateway's
        may have.
        """
        here = {each.id: each for each in self._principals.values()}
        return {each: _same_scope(each, here.get(each.id)) for each in principals}

    def _add(self, account: Account, levels: Sequence[ScopeLevel]) -> None:
        digest = _digest(account.token)
        if not is_bearer_token(account.token) or digest in self._principals:
            raise ValueError(f"account '{account.name}' needs a token of its own, of letters, digits and - . _ ~ + /")
        scope = prefix_scope(account.scope, levels)
        if scope is None:
            wanted = ", ".join(f"{level.name} ({level.type})" for level in levels)
            raise ValueError(f"account '{account.name}' needs a scope: {wanted}")
        self._principals[digest] = Principal(
            "account",
            account.name,
            scope,
            roles=frozenset({account.role}),
            permissions=account.permissions,
            operator=account.operator,
        )


def _same_scope(was: Principal, now: Principal | None) -> Principal | None:
    return now if now is not None and now.scope == was.scope else None


def _digest(token: str) -> bytes:
    # As Python writes it: whatever a text holds can then be encoded.
    return hashlib.sha256(repr(token).encode()).digest()
