"""Which events were delivered lately. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import Self

MEMORY = 50_000
"""Ids remembered for each subscription: as many events as a server keeps of a feed, unless configured otherwise."""


class Recent:
    """The newest *memory* ids that were added."""

    def __init__(self, ids: Iterable[str] = (), *, memory: int = MEMORY) -> None:
        self._memory = memory
        self._in_order: deque[str] = deque()
        self._ids: set[str] = set()
        self.add(ids)

    def __contains__(self, id_: str) -> bool:
        """Whether *id_* is among them."""
        return id_ in self._ids

    def add(self, ids: Iterable[str]) -> None:
        """Remember *ids*; each of them once, as old as when it came first."""
        for id_ in ids:
            if id_ not in self._ids:
                self._ids.add(id_)
                self._in_order.append(id_)
        while len(self._in_order) > self._memory:
            self._ids.discard(self._in_order.popleft())

    def copy(self) -> Self:
        """The same ids, in a memory of its own."""
        return type(self)(self._in_order, memory=self._memory)
