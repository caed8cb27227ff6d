"""Who follows what: a feed with the number of its users, and those who are told of news."""

import asyncio
from typing import Protocol

from signalman.gateway.feed import FollowedFeed


class Watcher(Protocol):
    """Who is told of news. Called on the event loop; must not block or raise."""

    def wake(self) -> None:
        """A view that it watches has something new."""
        ...

    def notice(self, frame: bytes) -> None:
        """Something that concerns every client."""
        ...


class Following:
    """One feed, how many use it, and whether the bus has acknowledged it and told its past."""

    def __init__(self, followed: FollowedFeed) -> None:
        self.followed = followed
        self.users = 0
        self.subscribed = False
        # Subscribing and giving up take time on the bus; whoever comes meanwhile waits for the outcome.
        self.lock = asyncio.Lock()
