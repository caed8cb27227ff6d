"""The links that are kept to Redis nodes: each made anew, after a growing delay, as long as its node is needed."""

import asyncio
import random
from collections.abc import Callable, Collection

from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_link import RedisLink

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0


class RedisLinks:
    """At most one link per node. *make* makes one that does not run yet."""

    def __init__(self, make: Callable[[RedisAddress], RedisLink]) -> None:
        self._make = make
        self._links: dict[RedisAddress, RedisLink] = {}
        self._tasks: dict[RedisLink, asyncio.Task[None]] = {}
        self._failures: dict[RedisAddress, int] = {}

    def __contains__(self, link: RedisLink) -> bool:
        return self._links.get(link.node) is link

    def find_open(self, node: RedisAddress | None) -> RedisLink | None:
        """The link to *node* when it takes requests."""
        link = self._links.get(node) if node is not None else None
        return link if link is not None and link.is_open else None

    def nodes(self) -> set[RedisAddress]:
        """All nodes with a link, open or not."""
        return set(self._links)

    def alive(self) -> set[RedisAddress]:
        """All nodes with an open link."""
        return {node for node, link in self._links.items() if link.is_open}

    def add(self, nodes: Collection[RedisAddress], tasks: asyncio.TaskGroup) -> None:
        """Make the links to *nodes* that are missing, and let each run as one of *tasks*."""
        for node in nodes:
            if node not in self._links:
                link = self._links[node] = self._make(node)
                failures = self._failures.get(node, 0)
                delay = backoff(failures - 1) if failures else 0.0
                self._tasks[link] = tasks.create_task(link.run(delay), name="redis-link")

    def lost(self, link: RedisLink) -> None:
        """*link* has ended by itself."""
        del self._links[link.node]
        del self._tasks[link]
        self._failures[link.node] = 1 if link.lasted else self._failures.get(link.node, 0) + 1

    def remove(self, nodes: Collection[RedisAddress]) -> list[RedisLink]:
        """End the links to *nodes*, of which nothing more will be heard. Returns them."""
        removed = [self._links.pop(node) for node in nodes]
        for link in removed:
            self._tasks.pop(link).cancel()
        return removed

    def drop_all(self, reason: str) -> None:
        """End all connections because of *reason*, as if they had been lost."""
        for link in list(self._links.values()):
            link.drop(reason)


def backoff(failures: int) -> float:
    """Seconds to wait before the next attempt, after so many in vain."""
    longest = min(_FIRST_DELAY * 2 ** min(failures, 16), _LONGEST_DELAY)
    # So that the gateways do not come back in step.
    return random.uniform(longest / 2, longest)  # noqa: S311  not a secret
