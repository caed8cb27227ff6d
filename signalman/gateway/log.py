"""The newest publications of a feed, kept in memory so that joins and resumes need nothing from the bus.

Bounded by age, number of events and size. No clock: the bus's time is passed in.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from signalman.event import History, Position, Publication


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much of a feed's past is kept, at most."""

    seconds: float
    events: int
    bytes: int


class FeedLog:
    """What was delivered of one feed last, without a hole, up to `position`."""

    __slots__ = ("_first", "_limits", "_publications", "_since_ms", "bytes", "events", "position")

    def __init__(self, limits: LogLimits) -> None:
        self.position: Position | None = None
        """Where it ends. None: nothing was ever published on the feed."""
        self.events = 0
        """How many are held."""
        self.bytes = 0
        """Their size."""
        self._limits = limits
        # By index, as in a view: found by bisection, and a deque is slow in its middle.
        self._publications: dict[int, Publication] = {}
        self._first = 0
        self._since_ms = 0

    def start(self, history: History) -> None:
        """Hold what *history* has, and nothing else."""
        self.clear(history.position, history.since_ms)
        for publication in history.publications:
            self._hold(publication)

    def append(self, publication: Publication, now_ms: int) -> None:
        """Take in the publication that follows on `position`, and let go of what is too much or too old."""
        self.position = publication.position
        self._hold(publication)
        self.trim(now_ms)

    def trim(self, now_ms: int) -> None:
        """Let go of what is too old at *now_ms*, by the bus's clock."""
        oldest = now_ms - self._limits.seconds * 1000
        while self._publications and self._publications[self._first].position.ms < oldest:
            self._drop()

    def clear(self, position: Position | None, since_ms: int) -> None:
        """Hold nothing and go on from *position*. What is published after *since_ms* will all be appended."""
        self._first += len(self._publications)
        self._publications.clear()
        self.events = self.bytes = 0
        self.position = position
        self._since_ms = since_ms

    def after(self, seq: int) -> Sequence[Publication] | None:
        """What covers everything after *seq*, oldest first. The first may begin before that: the caller cuts it.

        None when that is no longer held, or *seq* is beyond the end.
        """
        end = self.position.seq if self.position else 0
        begin = self._publications[self._first].prev if self._publications else end
        if not begin <= seq <= end:
            return None
        indexes = self._indexes
        start = bisect_right(indexes, seq, key=lambda index: self._publications[index].position.seq)
        return [self._publications[index] for index in indexes[start:]]

    def reaches(self, seq: int) -> bool:
        """Whether it has come to *seq*."""
        return self.position is not None and self.position.seq >= seq

    def since(self, ms: int) -> tuple[int, bool]:
        """The seq at which a replay of what was published after the moment *ms* begins, and whether nothing of that is
        missing.
        """
        indexes = self._indexes
        start = bisect_right(indexes, ms, key=lambda index: self._publications[index].position.ms)
        if start < len(indexes):
            seq = self._publications[indexes[start]].prev
        else:
            seq = self.position.seq if self.position else 0
        return seq, ms >= self._since_ms

    @property
    def _indexes(self) -> range:
        return range(self._first, self._first + len(self._publications))

    def _hold(self, publication: Publication) -> None:
        self._publications[self._first + len(self._publications)] = publication
        self.events += len(publication.events)
        self.bytes += sum(map(len, publication.events))
        while self.events > self._limits.events or self.bytes > self._limits.bytes:
            self._drop()

    def _drop(self) -> None:
        publication = self._publications.pop(self._first)
        self._first += 1
        self.events -= len(publication.events)
        self.bytes -= sum(map(len, publication.events))
        # Another publication of the same millisecond may be kept: complete is only what came after it.
        self._since_ms = max(self._since_ms, publication.position.ms)
