"""What slow checks have found, remembered for a short while, and equal checks at one time made once."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable

MOST = 10_000
"""Results of each kind that are remembered; the oldest go first."""


class Verdicts:
    """Remembers whether secrets fitted, without remembering a secret.

    A check is known by an HMAC over all that it depends on, under a key of this process: what lies in memory can
    neither be turned back into a secret nor be compared with another process's. Failures have a room of their own, so
    that somebody who guesses does not push out those who are known.

    Args:
        keep_seconds: How long a result is remembered; 0.0 remembers none.
        clock: Seconds that only ever rise.
        most: Results of each kind.
    """

    def __init__(self, *, keep_seconds: float, clock: Callable[[], float], most: int = MOST) -> None:
        self._key = secrets.token_bytes(32)
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._most = most
        self._known: dict[bool, dict[bytes, float]] = {True: {}, False: {}}
        self._running: dict[bytes, asyncio.Task[bool]] = {}

    async def of(self, parts: tuple[str, ...], check: Callable[[], Awaitable[bool]]) -> bool:
        """The result of the *check* that depends on *parts* alone: remembered, or made now by one for all who ask.

        Somebody who stops waiting stops nobody else's check, and not his own either: the next to ask needs it.

        Raises:
            Exception: What the check raises; each who waits gets it, and nothing is remembered.
        """
        mark = self._mark(parts)
        known = self._remembered(mark)
        if known is not None:
            return known
        running = self._running.get(mark)
        if running is None:
            running = self._running[mark] = asyncio.create_task(self._made(mark, check), name="verdict")
        return await asyncio.shield(running)

    async def _made(self, mark: bytes, check: Callable[[], Awaitable[bool]]) -> bool:
        try:
            found = await check()
        finally:
            del self._running[mark]
        self._remember(mark, self._known[found])
        return found

    def _mark(self, parts: tuple[str, ...]) -> bytes:
        # As Python writes them: no two different checks are written alike, and whatever they hold can be encoded.
        return hmac.digest(self._key, repr(parts).encode(), hashlib.sha256)

    def _remembered(self, mark: bytes) -> bool | None:
        now = self._clock()
        return next((result for result, known in self._known.items() if known.get(mark, 0.0) > now), None)

    def _remember(self, mark: bytes, known: dict[bytes, float]) -> None:
        known.pop(mark, None)
        known[mark] = self._clock() + self._keep_seconds
        while len(known) > self._most:
            del known[next(iter(known))]
