"""Who follows what: a feed with the number of its users, and those who are told of news."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from signalman.event import Feed, Position, Publication
from signalman.gateway.feed import FollowedFeed


class Watcher(Protocol):
    """Who is told of news. Called on the event loop; must not block or raise."""

    def wake(self) -> None:
        """A view that it watches has something new."""
        ...

    def notice(self, frame: bytes) -> None:
        """Something that concerns every client."""
        ...


class Ear(Protocol):
    """Who hears one feed as the bus delivers it, without views: see `ports.BusListener`."""

    feed: Feed

    def publication(self, publication: Publication) -> None:
        """A batch."""
        ...

    def retired(self, position: Position) -> None:
        """A new epoch."""
        ...

    def recovered(self, positions: Mapping[Feed, Position | None]) -> None:
        """The bus, or a part of it, is back; of this feed or others."""
        ...


class Following:
    """One feed, how many use it, and whether the bus has acknowledged it and told its past."""

    def __init__(self, followed: FollowedFeed) -> None:
        self.followed = followed
        self.users = 0
        self.subscribed = False
        # Subscribing and giving up take time on the bus; whoever comes meanwhile waits for the outcome.
        self.lock = asyncio.Lock()
