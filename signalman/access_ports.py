"""What access hangs on: the platform's accounts, and what all gateways count and keep together.

Every method that talks to a backend raises `BackendUnavailable` when the backend does not answer, and nothing else
from a driver.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from signalman.event import Scope
from signalman.notice import Notice
from signalman.principal import Principal


@dataclass(frozen=True, slots=True)
class Holder:
    """What the platform's accounts say about a token, key or user who is in good standing now."""

    id: str
    """Of the token, key or user: safe to log."""
    scope: Scope
    """Complete, or the upper levels of one."""
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] | None = None
    """None where the platform does not limit by permission; empty opens nothing."""
    user_id: str | None = None
    expires_at: float | None = None
    """Unix seconds."""
    secret_hash: str | None = field(default=None, repr=False)
    """Of a split token's secret, as a PHC string."""


Looked = Literal["tokens", "keys", "users"]


class Directory(Protocol):
    """The platform's accounts. Only what is good *now* is found: active, not revoked, unexpired, of an active user
    where it has one, and within a scope that is active and not suspended. What is unknown, or not known to be good, is
    absent.
    """

    @property
    def knows(self) -> frozenset[Looked]:
        """What can be looked up here at all."""
        ...

    async def tokens(self, digests: Collection[str]) -> Mapping[str, Holder]:
        """API tokens by the SHA-256 of their text, lower-case hexadecimal; those that are good."""
        ...

    async def keys(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """Split tokens by their id; those that are good, each with its ``secret_hash``."""
        ...

    async def users(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """Users by their id; those that are good."""
        ...

    async def scopes(self, ids: Collection[str]) -> Collection[str]:
        """Those of the widest level's *ids* that are in good standing: active, and not suspended. Whether one that the
        platform does not know is among them is the platform's to say.
        """
        ...

    def changes(self) -> AsyncIterator[Notice]:
        """What the accounts' database tells of its own accord, for ever. `EVERYBODY` comes first each time that it
        begins to be heard, since what was told before was missed. Ends at once where the database cannot tell.
        """
        ...

    async def ping(self) -> None:
        """Return when everything that is looked up can be read."""
        ...


class Tickets(Protocol):
    """Short-lived values that one of all gateways takes, once."""

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """Keep *value* under *name* for so many *seconds*."""
        ...

    async def take(self, name: str) -> bytes | None:
        """The value, which is gone with that; None when there is none, any more or at all."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may happen: a token bucket."""

    per_second: float
    burst: float
    """How many may come at once after a silence."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long one who keeps failing has to wait: not for the first ``free`` failures, then ``first`` seconds, and
    twice as long with each further one, up to ``longest``. Forgotten after ``memory`` seconds without a failure.
    """

    free: int
    first: float
    longest: float
    memory: float


class Quotas(Protocol):
    """Counts that all gateways share. Keys are ours or digests: no address and no id of a person stands in them.

    What a gateway holds is given back when it ends, and within a minute when it dies.
    """

    async def take(self, key: str, rate: Rate) -> float:
        """Have *key* happen once more: 0.0, or the seconds until it may, and then it has not been counted."""
        ...

    async def enter(self, ceilings: Mapping[str, int]) -> str | None:
        """Hold one more of each key, where none of them has reached its ceiling: None; else hold nothing, and return
        the first key that has.
        """
        ...

    async def leave(self, keys: Collection[str]) -> None:
        """Give back one of each key that `enter` took."""
        ...

    async def blocked(self, key: str) -> float:
        """Seconds for which *key* has still to wait after `failed`; 0.0 when it need not."""
        ...

    async def failed(self, key: str, backoff: Backoff) -> float:
        """Note a failure; returns the seconds that *key* has to wait from now on."""
        ...

    async def keep(self) -> None:
        """Run for ever: keep this gateway's holdings from lapsing, and bring them back where they were lost."""
        ...


class Access(Protocol):
    """Who somebody is, and whether that still holds."""

    async def authenticate(self, credential: str) -> Principal:
        """Whose credential this is.

        Raises:
            NotAuthenticated: Nobody's. Never repeats the credential.
            Limited: Too many credentials are being checked.
            BackendUnavailable: Who would know does not answer.
        """
        ...

    async def recheck(self, principals: Collection[Principal]) -> Mapping[Principal, Principal | None]:
        """Look again at all of *principals* at once: as each of them is now, or None whose access has ended.

        Raises:
            BackendUnavailable: Who would know does not answer; then nothing is known of any of them.
        """
        ...

    async def issue_ticket(self, principal: Principal) -> tuple[str, float]:
        """A ticket that authenticates as *principal* once, and the seconds for which it is good.

        Raises:
            BackendUnavailable: Tickets cannot be kept now.
        """
        ...
