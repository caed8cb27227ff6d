"""Where to begin on a partition that somebody else, or nobody, has read before, and the account of what is passed over.

Pure: `kafka_takeover` asks the broker.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition


@dataclass(frozen=True, slots=True)
class Extent:
    """What a broker holds of a partition."""

    first: int
    """The oldest offset that is still there."""
    end: int
    """The offset that the next record will get."""
    young: int | None
    """The first offset of all that is young enough to be read, by its timestamp; None when there is none. A broker
    cannot be asked for the first one behind a commit, which is another one only where timestamps do not rise.
    """


@dataclass(frozen=True, slots=True)
class Skip:
    """Offsets of a partition that are passed over. Those of compacted records and of markers count as well."""

    committed: int
    """Where the group had left off."""
    start: int
    """The first that is passed over."""
    next: int
    """The first that is read."""

    @property
    def count(self) -> int:
        """How many are passed over."""
        return self.next - self.start


class Backlog:
    """What one process passes over: it is told once, and only then committed, through any number of rebalances."""

    def __init__(self) -> None:
        self._untold: dict[TopicPartition, Skip] = {}
        self._told: dict[TopicPartition, Skip] = {}
        self._due: dict[TopicPartition, int] = {}

    @property
    def untold(self) -> Collection[TopicPartition]:
        """Partitions of which nothing may be read before `tell`."""
        return self._untold.keys()

    def begin(self, place: TopicPartition, committed: int, extent: Extent) -> Skip:
        """*place* has become ours, where the group had committed *committed*. What the result passes over is told next;
        nothing of it where that was told before and the commit has not come through since.
        """
        told = self._told.get(place)
        if told is not None and told.committed != committed:
            del self._told[place]
            self._due.pop(place, None)
            told = None
        skip = passed_over(committed, told.next if told else committed, extent)
        if skip.count:
            self._untold[place] = skip
        return skip

    def tell(self) -> Mapping[TopicPartition, Skip]:
        """What has not been told yet."""
        telling, self._untold = self._untold, {}
        self._told.update(telling)
        return telling

    def lose(self) -> None:
        """The partitions are not ours any more: whoever takes over tells what was not told here."""
        self._untold.clear()

    def announced(self) -> None:
        """What was told is known to everybody, so that it may be committed."""
        self._due.update((place, skip.next) for place, skip in self._told.items())

    def due(self, ours: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Offsets to be committed, of those partitions that are *ours*."""
        return {place: offset for place, offset in self._due.items() if place in ours}

    def committed(self, places: Collection[TopicPartition]) -> None:
        """A commit of *places*, with `due` in it, has come through."""
        for place in places:
            self._due.pop(place, None)
            self._told.pop(place, None)


def passed_over(committed: int, start: int, extent: Extent) -> Skip:
    """What lies between *start* and the first record to be read: too old, or gone.

    An offset beyond the end is one of another log, that was here before this one or was cut off: this one is read from
    its own first record on. What entered the bus before does not enter again.
    """
    if start > extent.end:
        start = extent.first
    begin = extent.end if extent.young is None else extent.young
    return Skip(committed, start, max(start, begin, extent.first))
