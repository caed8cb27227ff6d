"""Publications around a hole: those that wait behind it, and those that close it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from signalman.event import Position, Publication
from signalman.gateway.log import LogLimits

MERGED_BYTES = 64 * 1024
"""About how much of what was missed is delivered in one frame."""


class Held:
    """What waits until the bus has been asked, in the order in which it came."""

    def __init__(self, limits: LogLimits) -> None:
        self._limits = limits
        self._publications: list[Publication] = []
        self._events = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._publications)

    def append(self, publication: Publication) -> None:
        """Let it wait."""
        self._publications.append(publication)
        self._events += len(publication.events)
        self._bytes += sum(map(len, publication.events))

    def too_much(self, now_ms: int) -> bool:
        """Whether more waits than a log would keep, or for longer."""
        limits = self._limits
        return (
            self._events > limits.events
            or self._bytes > limits.bytes
            or self._publications[0].position.ms < now_ms - limits.seconds * 1000
        )

    def positions(self) -> Iterator[Position]:
        """Where each of them ends."""
        return (publication.position for publication in self._publications)

    def take(self, start: int = 0) -> list[Publication]:
        """Those from index *start* on; nothing waits any more."""
        taken = self._publications[start:]
        self._publications = []
        self._events = self._bytes = 0
        return taken


def follow_on(after: Position, publications: Sequence[Publication], heard: Collection[Position]) -> bool:
    """Whether *publications* go on from *after* without a hole, and have all that was *heard* of what came after it."""
    begins = not publications or publications[0].prev <= after.seq
    whole = all(one.position.seq == next_.prev for one, next_ in pairwise(publications))
    return begins and whole and {publication.position for publication in publications}.issuperset(heard)


def unseen(publications: Sequence[Publication], at: Position | None) -> Iterator[Publication]:
    """What of *publications* comes after *at*, the first one cut where it begins before that."""
    seq = at.seq if at else 0
    for publication in publications:
        if publication.position.seq > seq:
            known = max(0, seq - publication.prev)
            yield replace(publication, prev=publication.prev + known, events=publication.events[known:])


def merged(publications: Sequence[Publication]) -> Iterator[Publication]:
    """The same events in few large publications instead of many small ones."""
    events: list[bytes] = []
    size = 0
    for number, publication in enumerate(publications, 1):
        events += publication.events
        size += sum(map(len, publication.events))
        if size >= MERGED_BYTES or number == len(publications):
            yield replace(publication, prev=publication.position.seq - len(events), events=tuple(events))
            events, size = [], 0
