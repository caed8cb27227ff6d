"""What one way of being known must offer; the authenticator knows no more of any of them."""

from collections.abc import Collection, Mapping
from typing import Literal, Protocol

from signalman.principal import Principal

Checked = Literal["account", "ticket", "hashed", "split", "jwt", "unknown"]
"""The kinds of credential, as metrics name them."""


class Way(Protocol):
    """One kind of credential, from its form to who it speaks for, and whether that still holds."""

    @property
    def kind(self) -> Checked:
        """What metrics call it."""
        ...

    def takes(self, credential: str) -> bool:
        """Whether a well-formed *credential* is of this kind, by its form alone: then nobody else is asked."""
        ...

    def made(self, principal: Principal) -> bool:
        """Whether *principal* came this way, here or at another gateway."""
        ...

    async def authenticate(self, credential: str, now: float) -> Principal:
        """Who *credential* speaks for at *now*, in Unix seconds.

        Raises:
            NotAuthenticated: Nobody. Never repeats the credential.
            Limited: Too many are being checked.
            BackendUnavailable: Who would know does not answer.
        """
        ...

    async def recheck(self, principals: Collection[Principal], now: float) -> Mapping[Principal, Principal | None]:
        """Each of *principals*, all of which came this way, as it is at *now*; None whose access has ended.

        Raises:
            BackendUnavailable: Who would know does not answer.
        """
        ...
