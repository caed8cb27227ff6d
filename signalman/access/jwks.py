"""The public keys that a platform publishes, kept for a while and fetched anew when they change."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from signalman.access.jwks_document import JsonWebKey, read_jwks
from signalman.access.keys import VerificationKey
from signalman.errors import BackendUnavailable

LONGEST = 86_400.0
"""Seconds for which keys are good that cannot be fetched again: so late, at worst, a withdrawn key is withdrawn."""
MOST_MISSING = 1000
"""Key ids that are remembered as unknown."""
LONGEST_KID = 256
"""Characters of a key id that is worth asking for."""
MOST_TRIED = 16
"""Keys that one token is tried with."""

log = structlog.get_logger(__name__)


class Jwks:
    """`Keys` out of a document that is fetched.

    Whatever tokens say, the document is fetched by one at a time, every *keep* seconds while somebody asks, and for an
    unknown key id or after a failure once in *pause* seconds. A key that has left the document is gone with it.

    Args:
        fetch: Reads the document; bounded in time and size. Raises `BackendUnavailable`.
        algorithms: What its keys may be for.
        keep: Seconds.
        pause: Seconds.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[bytes]], algorithms: Collection[str], *, keep: float, pause: float
    ) -> None:
        self._fetch = fetch
        self._algorithms = frozenset(algorithms)
        self._keep = keep
        self._pause = pause
        self._keys: tuple[JsonWebKey, ...] = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._failure: BackendUnavailable | None = None
        self._missing: dict[str, float] = {}
        """Key id → when the document was last seen without it, oldest first."""

    async def find(self, algorithm: str, kid: str | None, now: float) -> Sequence[VerificationKey]:
        """See `Keys.find`. A token that gives a key id is checked with that key only; one that gives none, with all of
        its algorithm.

        Raises:
            BackendUnavailable: There are no keys, or none with that id while the document cannot be fetched.
        """
        if _since(self._fetched_at, now) >= self._keep:
            await self._refresh(now)
        if _since(self._fetched_at, now) >= LONGEST:
            raise self._unavailable()
        if kid is not None and not self._has(kid):
            await self._look_for(kid, now)
        found = [each.key for each in self._keys if each.algorithm == algorithm and kid in {None, each.kid}]
        return found[:MOST_TRIED]

    async def _look_for(self, kid: str, now: float) -> None:
        """Fetch the document for an unknown *kid*, where that could help."""
        if len(kid) > LONGEST_KID or _since(self._missing.get(kid), now) < self._keep:
            return
        if await self._refresh(now) and not self._has(kid):
            self._note_missing(kid, now)
        # The key may be one of those that cannot be fetched: nobody knows that the token is bad.
        if self._failure:
            raise self._unavailable()

    def _note_missing(self, kid: str, now: float) -> None:
        self._missing.pop(kid, None)
        self._missing[kid] = now
        if len(self._missing) > MOST_MISSING:
            del self._missing[next(iter(self._missing))]

    async def _refresh(self, now: float) -> bool:
        """Fetch the document, or wait for whoever is fetching it; False when it is too early for that."""
        if self._fetching is None:
            if _since(self._tried_at, now) < self._pause:
                return False
            self._tried_at = now
            self._fetching = asyncio.create_task(self._read(now))
        # A client that leaves takes only itself out of the waiting.
        await asyncio.shield(self._fetching)
        return True

    async def _read(self, now: float) -> None:
        try:
            keys = read_jwks(await self._fetch(), self._algorithms)
        except BackendUnavailable as error:
            self._failed(error)
        except ValueError as error:
            self._failed(BackendUnavailable("jwks", f"the document {error}"))
        else:
            self._succeeded(keys, now)
        finally:
            self._fetching = None

    def _succeeded(self, keys: tuple[JsonWebKey, ...], now: float) -> None:
        if self._failure or self._fetched_at is None or len(keys) != len(self._keys):
            log.info("jwks_fetched", keys=len(keys))
        self._keys, self._fetched_at, self._failure = keys, now, None

    def _failed(self, error: BackendUnavailable) -> None:
        if self._failure is None:
            log.warning("jwks_unavailable", reason=error.detail)
        self._failure = error

    def _has(self, kid: str) -> bool:
        return any(each.kid == kid for each in self._keys)

    def _unavailable(self) -> BackendUnavailable:
        error = BackendUnavailable("jwks", "the platform's public keys cannot be fetched")
        error.__cause__ = self._failure
        return error


def _since(then: float | None, now: float) -> float:
    """Seconds between the two, whichever is first: a clock that was set back must not stop us for as long."""
    return math.inf if then is None else abs(now - then)
