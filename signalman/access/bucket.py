"""How often something may happen: a token bucket. Pure."""

from signalman.access_ports import Rate

TOLERANCE = 1e-6
"""Seconds that a wait may be shorter than was said. A float of Unix seconds is no finer than a quarter of that."""


class Bucket:
    """A token bucket: full at first, it fills at ``rate.per_second`` up to ``rate.burst``; what happens is taken out.

    In any time of T seconds things that cost ``per_second * T + burst`` can happen, and one more where that one costs
    more than the burst.

    Args:
        rate: Above zero, both its numbers.
        now: Seconds of any clock; the same one for `take`.
    """

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at = now

    def take(self, now: float, cost: float = 1.0) -> float:
        """Let something happen: 0.0, or the seconds after which it may, and then nothing was taken.

        What costs more than the burst is let in by a full bucket and leaves a debt: the long run is kept all the same.
        """
        self._fill(now)
        lacking = min(cost, self._rate.burst) - self._tokens
        wait = lacking / self._rate.per_second
        if wait > TOLERANCE:
            return wait
        self._tokens -= cost
        return 0.0

    def _fill(self, now: float) -> None:
        # A clock that was set back fills nothing, and then goes on from there.
        passed = max(0.0, now - self._at)
        self._at = now
        self._tokens = min(self._rate.burst, self._tokens + passed * self._rate.per_second)
