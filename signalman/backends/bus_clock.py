"""What another machine's clock says, estimated between the moments when it was asked."""

import time
from collections.abc import Callable

_TRUSTED_MS = 60_000.0


class BusClock:
    """A clock that runs as the local one does and is set by the bus's answers.

    Args:
        monotonic: Seconds of a clock that is never set.
        wall: Unix seconds, for as long as the bus has not been asked.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._offset = (wall() - monotonic()) * 1000
        self._doubt = float("inf")
        self._set_at = 0.0

    def local_ms(self) -> float:
        """The local clock, to be read just before the bus is asked."""
        return self._monotonic() * 1000

    def now_ms(self) -> int:
        """Unix milliseconds by the bus's clock."""
        return round(self.local_ms() + self._offset)

    def set(self, asked: float, bus_ms: int) -> None:
        """The bus, asked at *asked* by `local_ms`, has just answered with *bus_ms*. A slower answer than the last one
        says less and is passed over, for a minute.
        """
        now = self.local_ms()
        doubt = now - asked
        if doubt <= self._doubt or now - self._set_at >= _TRUSTED_MS:
            self._offset = bus_ms - (asked + now) / 2
            self._doubt = doubt
            self._set_at = now
