"""Notices that wait to be taken: few, whatever happens."""

import asyncio

from signalman.notice import EVERYBODY, Notice

LONGEST = 1000
"""Notices; one more, and everybody is looked at instead."""


class NoticeQueue:
    """From one who tells to one who takes. What waits already does not wait twice: it is not yet acted upon. While
    `EVERYBODY` waits, nothing else need.
    """

    def __init__(self) -> None:
        self._waiting: dict[Notice, None] = {}
        self._news = asyncio.Event()
        self._closed = False

    def put(self, notice: Notice) -> None:
        """Add *notice*. Never waits."""
        if EVERYBODY in self._waiting:
            return
        if notice == EVERYBODY or len(self._waiting) >= LONGEST:
            self._waiting.clear()
            notice = EVERYBODY
        self._waiting[notice] = None
        self._news.set()

    def close(self) -> None:
        """Nothing will be added any more."""
        self._closed = True
        self._news.set()

    async def get(self) -> Notice | None:
        """The oldest, once there is one; None when there will be none."""
        while not self._waiting:
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        notice = next(iter(self._waiting))
        del self._waiting[notice]
        return notice
