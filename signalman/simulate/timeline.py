"""Simulated time: lives that act, wait and act again, woken in the order of time."""

import heapq
from collections.abc import Generator

Life = Generator[float, None, None]
"""Acts when woken and yields how long it wants to sleep, in seconds of the world."""


class Timeline:
    """Wakes lives. A world at speed 10 does in one second what takes it ten at speed 1."""

    def __init__(self, now: float, speed: float) -> None:
        self.now = now
        self._speed = speed
        self._sleepers: list[tuple[float, int, Life]] = []
        self._started = 0

    def start(self, life: Life, after: float = 0.0) -> None:
        """Let *life* begin when *after* seconds of the world have passed."""
        # Who was put to sleep first wakes first, so that equal times always have the same order.
        self._started += 1
        heapq.heappush(self._sleepers, (self.now + after / self._speed, self._started, life))

    def run(self, until: float) -> None:
        """Wake everyone who is due by *until*, then let it be that late."""
        while self._sleepers and self._sleepers[0][0] <= until:
            time, _, life = heapq.heappop(self._sleepers)
            self.now = time
            wait = next(life, None)
            if wait is not None:
                self.start(life, wait)
        self.now = max(self.now, until)
