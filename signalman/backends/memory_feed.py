"""One feed of the memory bus, and the fence before all of them: what Redis keeps, as Python objects. No clock, no I/O;
moments are Unix milliseconds.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from signalman.backends.feed_limits import FeedLimits
from signalman.event import Feed, History, OutgoingEvent, Position, Publication, Record


@dataclass(slots=True)
class MemoryFence:
    """Which records entered, per topic and partition: the highest offset and the newest timestamp."""

    _entered: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def enter(self, records: Iterable[Record]) -> set[tuple[str, int, int]]:
        """Those of *records*, by topic, partition and offset, that entered before. The fence is raised by them all."""
        partitions: dict[tuple[str, int], list[Record]] = {}
        for record in records:
            partitions.setdefault((record.topic, record.partition), []).append(record)
        fenced: set[tuple[str, int, int]] = set()
        for place, own in partitions.items():
            top, newest = self._entered.get(place, (-1, -1))
            # Newer than any that entered, and yet behind them: the topic was deleted and made anew.
            restart = min((r.offset for r in own if r.offset <= top and r.timestamp_ms > newest), default=None)
            end = top if restart is None else restart - 1
            fenced.update((*place, record.offset) for record in own if record.offset <= end)
            highest = max(record.offset for record in own)
            self._entered[place] = (
                highest if restart is not None else max(highest, top),
                max(newest, *(record.timestamp_ms for record in own)),
            )
        return fenced

    def copy(self) -> "MemoryFence":
        """It as it is now."""
        return MemoryFence(dict(self._entered))


@dataclass(slots=True)
class _Memory:
    """The identities of what entered: those that are collected, and those from the time before."""

    filled: set[bytes] = field(default_factory=set)
    before: set[bytes] = field(default_factory=set)
    begun_ms: int = 0

    def enter(self, identity: bytes) -> bool:
        """Whether *identity* is new; it is remembered."""
        if identity in self.filled or identity in self.before:
            return False
        self.filled.add(identity)
        return True

    def turn(self, now_ms: int, limits: FeedLimits) -> None:
        old = now_ms - self.begun_ms >= limits.repeat_seconds * 1000
        if len(self.filled) >= limits.repeat_events or (self.filled and old):
            self.before, self.filled = self.filled, set()
        if not self.filled:
            self.begun_ms = now_ms


@dataclass(slots=True)
class MemoryFeed:
    """A feed from its first publication on.

    Args:
        feed: Whose it is.
        limits: Of what is kept.
        epoch: Its own.
        begun_ms: When it began.
        since_ms: After this moment everything published on it is known.
    """

    feed: Feed
    limits: FeedLimits
    epoch: str
    begun_ms: int
    since_ms: int
    seq: int = 0
    ms: int = 0
    _floor: int = 0
    _bytes: int = 0
    _kept: deque[Publication] = field(default_factory=deque)
    _memory: _Memory = field(default_factory=_Memory)

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(self.epoch, self.seq, self.ms)

    def sift(self, events: Iterable[OutgoingEvent], now_ms: int) -> list[OutgoingEvent]:
        """Those of *events* that are no copies of others."""
        if not self.limits.repeat_events or not self.limits.repeat_seconds:
            return list(events)
        self._memory.turn(now_ms, self.limits)
        return [event for event in events if self._memory.enter(event.identity)]

    def age(self, now_ms: int) -> None:
        """Time has passed: when even the newest publication is too old, nothing is kept."""
        if self._kept and now_ms - self.ms >= self.limits.seconds * 1000:
            self._floor, self.since_ms, self._bytes = self.seq, self.ms, 0
            self._kept.clear()

    def put(self, events: Sequence[bytes], now_ms: int) -> Publication:
        """Give *events* their numbers and keep them."""
        prev, prev_ms = self.seq, self.ms
        self.seq, self.ms = prev + len(events), max(now_ms, prev_ms)
        publication = Publication(self.feed, self.position, prev, tuple(events))
        self._kept.append(publication)
        self._bytes += _size(publication)
        while len(self._kept) > 1 and self._is_full(now_ms):
            self._cut()
        return publication

    def retire(self, epoch: str, now_ms: int) -> None:
        """Begin *epoch*."""
        self.epoch, self.begun_ms, self.seq, self.ms = epoch, now_ms, 0, max(now_ms, self.ms)
        self.since_ms, self._floor, self._bytes = self.ms, 0, 0
        self._kept = deque()
        self._memory = _Memory()

    def spare(self) -> None:
        """It began a moment ago and goes on, but nothing is known of the time before it."""
        if not self._floor:
            self.since_ms = max(self.since_ms, self.begun_ms)

    def history(self, since_ms: int) -> History:
        """See `signalman.ports.Bus.history`."""
        wanted = tuple(publication for publication in self._kept if publication.position.ms >= since_ms)
        return History(self.position, wanted, max(since_ms, self.since_ms))

    def went_through(self, after: Position) -> bool:
        """Whether the publication that ended at *after*, of this epoch, was one of this feed's, as far as is known."""
        if after.seq <= 0 or after.seq < self._floor:
            return True
        if after.seq == self._floor:
            return after.ms == self.since_ms
        return any(publication.position == after for publication in self._kept)

    def missed(self, after: Position) -> tuple[Publication, ...] | None:
        """See `signalman.ports.Bus.missed`."""
        if after.epoch != self.epoch or after.seq < self._floor or not self.went_through(after):
            return None
        return tuple(publication for publication in self._kept if publication.prev >= after.seq)

    def copy(self) -> "MemoryFeed":
        """It as it is now."""
        memory = _Memory(set(self._memory.filled), set(self._memory.before), self._memory.begun_ms)
        return replace(self, _kept=self._kept.copy(), _memory=memory)

    def _is_full(self, now_ms: int) -> bool:
        return (
            self.seq - self._floor > self.limits.events
            or self._bytes > self.limits.bytes
            or self._kept[0].position.ms < now_ms - self.limits.seconds * 1000
        )

    def _cut(self) -> None:
        oldest = self._kept.popleft()
        self._bytes -= _size(oldest)
        self._floor, self.since_ms = oldest.position.seq, oldest.position.ms


def _size(publication: Publication) -> int:
    return sum(map(len, publication.events))
