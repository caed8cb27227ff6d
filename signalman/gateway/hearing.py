"""Where notices come from: what relays publish for all gateways, and what the accounts' database tells by itself.

Either may miss something. Whenever that is possible, everybody is concerned.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from signalman.access_ports import Directory
from signalman.cancelling import end_if_cancelled
from signalman.errors import BackendUnavailable
from signalman.event import Feed, Position, Publication
from signalman.notice import EVERYBODY, NOTICES, Notice, decode
from signalman.ports import Bus

log = structlog.get_logger(__name__)

RETRY = 2.0
"""Seconds until a subscription that was not acknowledged is tried again."""

Tell = Callable[[Notice], None]


class Hearing:
    """The feed of notices. It has no past: whoever begins to hear it concerns everybody.

    Args:
        bus: Where it is. Its listener hands on here what concerns this feed.
        tell: Is told each notice.
        sleep: Waits so many seconds.
    """

    feed: Feed = NOTICES

    def __init__(self, bus: Bus, tell: Tell, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._bus = bus
        self._tell = tell
        self._sleep = sleep
        self._at: Position | None = None

    async def run(self) -> None:
        """Return when the bus has acknowledged; it keeps the subscription from then on, whatever happens to it."""
        while True:
            end_if_cancelled()
            try:
                position = await self._bus.subscribe(self.feed)
            except BackendUnavailable as error:
                log.info("notices_unheard", detail=str(error))
                await self._sleep(RETRY)
            else:
                self._at = self._at or position  # what was heard in the meantime is newer
                self._tell(EVERYBODY)
                return

    def publication(self, publication: Publication) -> None:
        """The bus delivered *publication*."""
        at, self._at = self._at, publication.position
        follows = publication.prev == (at.seq if at else 0) and (at is None or at.epoch == publication.position.epoch)
        if follows:
            for written in publication.events:
                self._tell(decode(written))
        else:
            self._tell(EVERYBODY)

    def retired(self, position: Position) -> None:
        """The feed began a new epoch: what was published around that is not known."""
        self._at = position
        self._tell(EVERYBODY)

    def recovered(self, positions: Mapping[Feed, Position | None]) -> None:
        """The bus was away, or a part of it. Whether this feed was concerned or not: better asked in vain."""
        self._at = positions.get(self.feed, self._at)
        self._tell(EVERYBODY)


async def follow(directory: Directory, tell: Tell, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Tell what *directory* tells, for ever; return where it cannot."""
    while True:
        end_if_cancelled()
        try:
            async for notice in directory.changes():
                tell(notice)
        except BackendUnavailable as error:
            log.info("directory_unheard", detail=str(error))
            await sleep(RETRY)
        else:
            log.info("directory_tells_nothing")
            return
