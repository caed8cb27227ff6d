"""Static accounts out of configuration, for development without the platform's databases."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from signalman.access.credentials import is_bearer_token
from signalman.access.scope import complete_scope
from signalman.channel import ScopeLevel
from signalman.event import Scope
from signalman.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody whose token stands in the configuration."""

    name: str
    token: str = field(repr=False)
    scope: Scope
    """An id for every level of the pack."""
    role: str = "member"
    permissions: frozenset[str] | None = None
    """Read only what these open; None reads every channel of its scope."""


class Accounts:
    """The accounts of this process. Keeps hashes of the tokens only.

    Raises:
        ValueError: A name is missing, a name or token is there twice, a token cannot be sent as a bearer token, or a
            scope lacks a level or has a malformed id. The text names the account and never its token.
    """

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

    def _add(self, account: Account, levels: Sequence[ScopeLevel]) -> None:
        digest = _digest(account.token)
        if not is_bearer_token(account.token) or digest in self._principals:
            raise ValueError(f"account '{account.name}' needs a token of its own, of letters, digits and - . _ ~ + /")
        scope = complete_scope(account.scope, levels)
        if scope is None:
            wanted = ", ".join(f"{level.name} ({level.type})" for level in levels)
            raise ValueError(f"account '{account.name}' needs a scope: {wanted}")
        self._principals[digest] = Principal(
            "account", account.name, scope, roles=frozenset({account.role}), permissions=account.permissions
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
