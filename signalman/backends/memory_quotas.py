"""`Quotas` in memory: one gateway's own counts."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from signalman.access.bucket import Bucket
from signalman.access_ports import Backoff, Rate

K = TypeVar("K")
V = TypeVar("V")

MOST_KEYS = 100_000
"""Keys whose rates, and keys whose failures are remembered."""


@dataclass(slots=True)
class _Failures:
    number: int = 0
    blocked_until: float = 0.0
    forgotten_at: float = 0.0


class MemoryQuotas:
    """For development, for tests, and for a gateway that cannot ask the others.

    Whoever comes from ever new addresses cannot fill the memory: beyond *most* keys, the one that was unused for the
    longest time is forgotten.

    Args:
        clock: Seconds.
        most: Keys to remember, of rates and of failures each.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST_KEYS) -> None:
        self._clock = clock
        self._most = most
        self._buckets: dict[tuple[str, Rate], Bucket] = {}
        self._failures: dict[str, _Failures] = {}
        self._held: Counter[str] = Counter()

    async def take(self, key: str, rate: Rate) -> float:
        """See `signalman.access_ports.Quotas`."""
        now = self._clock()
        bucket = self._buckets.pop((key, rate), None) or Bucket(rate, now)
        self._buckets[key, rate] = bucket  # now the newest
        _forget(self._buckets, self._most)
        return bucket.take(now)

    async def enter(self, ceilings: Mapping[str, int]) -> str | None:
        """See `signalman.access_ports.Quotas`."""
        for key, ceiling in ceilings.items():
            if self._held[key] >= ceiling:
                return key
        self._held.update(ceilings.keys())
        return None

    async def leave(self, keys: Collection[str]) -> None:
        """See `signalman.access_ports.Quotas`."""
        for key in keys:
            self._held[key] -= 1
            if self._held[key] <= 0:
                del self._held[key]

    async def blocked(self, key: str) -> float:
        """See `signalman.access_ports.Quotas`."""
        known = self._failures.get(key)
        return max(0.0, known.blocked_until - self._clock()) if known else 0.0

    async def failed(self, key: str, backoff: Backoff) -> float:
        """See `signalman.access_ports.Quotas`."""
        now = self._clock()
        known = self._failures.pop(key, None)
        if known is None or known.forgotten_at <= now:
            known = _Failures()
        self._failures[key] = known
        _forget(self._failures, self._most)
        known.number += 1
        wait = pause(backoff, known.number)
        known.blocked_until = max(known.blocked_until, now + wait)
        known.forgotten_at = max(known.blocked_until, now + backoff.memory)
        return max(0.0, known.blocked_until - now)

    async def keep(self) -> None:
        """See `signalman.access_ports.Quotas`: what is in memory ends with the process."""
        await asyncio.Event().wait()


def pause(backoff: Backoff, number: int) -> float:
    """Seconds that one has to wait after so many failures."""
    doublings = number - backoff.free - 1
    if doublings < 0:
        return 0.0
    # Beyond 2^64 the number would be too large for a float, and long since is for the longest pause.
    return min(backoff.longest, backoff.first * 2.0 ** min(doublings, 64))


def _forget(entries: dict[K, V], most: int) -> None:
    while len(entries) > most:
        del entries[next(iter(entries))]
