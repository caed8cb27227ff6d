"""`Tickets` in memory: of one process."""

import time
from collections.abc import Callable


class MemoryTickets:
    """For development and for tests.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[bytes, float]] = {}

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """See `signalman.access_ports.Tickets`."""
        now = self._clock()
        # Those that nobody takes go as well: they lie here oldest first, all about as long-lived.
        while self._kept and next(iter(self._kept.values()))[1] <= now:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = (value, now + seconds)

    async def take(self, name: str) -> bytes | None:
        """See `signalman.access_ports.Tickets`."""
        value, until = self._kept.pop(name, (b"", 0.0))
        return value if until > self._clock() else None
