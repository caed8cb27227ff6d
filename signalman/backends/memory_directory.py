"""`Directory` in memory, for tests and for development without the platform's databases."""

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass

from signalman.access_ports import Holder, Looked
from signalman.backends.notice_queue import NoticeQueue
from signalman.errors import BackendUnavailable
from signalman.notice import EVERYBODY, Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAccount:
    """A token, key or user, and what decides whether it is good. Flags are None where a database has NULL."""

    holder: Holder
    active: bool | None = True
    user_active: bool | None = True
    tenant_active: bool | None = True
    subscription: str | None = None
    """The status of the tenant's subscription; None without one."""


class MemoryDirectory:
    """Accounts by what they are asked by.

    Args:
        knows: What can be looked up.
        clock: Unix seconds.
        listening: Whether it tells of changes.
    """

    def __init__(
        self,
        *,
        knows: Collection[Looked] = ("tokens", "keys", "users"),
        clock: Callable[[], float] = time.time,
        listening: bool = True,
    ) -> None:
        self._accounts: dict[Looked, dict[str, MemoryAccount]] = {name: {} for name in knows}
        self._clock = clock
        self._listening = listening
        self._followers: set[NoticeQueue] = set()
        self._available = True

    @property
    def available(self) -> bool:
        """While False, every call raises `BackendUnavailable` and nothing is told."""
        return self._available

    @available.setter
    def available(self, available: bool) -> None:
        came_back = available and not self._available
        self._available = available
        if came_back:
            self.tell(EVERYBODY)

    def put_token(self, text: str, account: MemoryAccount) -> None:
        """Know a token by its *text* from now on; only the hash is kept."""
        self._accounts["tokens"][hashlib.sha256(text.encode()).hexdigest()] = account

    def put_key(self, account: MemoryAccount) -> None:
        """Know a split token by its id from now on."""
        self._accounts["keys"][account.holder.id] = account

    def put_user(self, account: MemoryAccount) -> None:
        """Know a user by its id from now on."""
        self._accounts["users"][account.holder.id] = account

    def tell(self, notice: Notice) -> None:
        """Tell *notice* to whoever follows `changes`."""
        if self._available:
            for follower in self._followers:
                follower.put(notice)

    @property
    def knows(self) -> frozenset[Looked]:
        """See `Directory.knows`."""
        return frozenset(self._accounts)

    async def tokens(self, digests: Collection[str]) -> Mapping[str, Holder]:
        """See `Directory.tokens`."""
        return self._find("tokens", digests)

    async def keys(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """See `Directory.keys`."""
        return self._find("keys", ids)

    async def users(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """See `Directory.users`."""
        return self._find("users", ids)

    async def scopes(self, ids: Collection[str]) -> Collection[str]:
        """See `Directory.scopes`. Those that belong to no account are not known."""
        self._check()
        accounts = [account for known in self._accounts.values() for account in known.values()]
        good = {account.holder.scope[0] for account in accounts if _is_tenant_good(account)}
        return good.intersection(ids)

    async def changes(self) -> AsyncIterator[Notice]:
        """See `Directory.changes`."""
        if not self._listening:
            return
        queue = NoticeQueue()
        if self._available:
            queue.put(EVERYBODY)
        self._followers.add(queue)
        try:
            while told := await queue.get():
                yield told
        finally:
            self._followers.discard(queue)

    async def ping(self) -> None:
        """See `Directory.ping`."""
        self._check()

    def _find(self, name: Looked, asked: Collection[str]) -> Mapping[str, Holder]:
        self._check()
        accounts = self._accounts.get(name, {})
        return {key: accounts[key].holder for key in asked if key in accounts and self._is_good(accounts[key])}

    def _is_good(self, account: MemoryAccount) -> bool:
        expires_at = account.holder.expires_at
        return (
            bool(account.active and account.user_active)
            and _is_tenant_good(account)
            and (expires_at is None or expires_at > self._clock())
        )

    def _check(self) -> None:
        if not self._available:
            raise BackendUnavailable("postgres", "the connection failed")


def _is_tenant_good(account: MemoryAccount) -> bool:
    return bool(account.tenant_active) and account.subscription != "suspended"
