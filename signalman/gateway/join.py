"""The exact join: rows of the store and events of the feed, put together so that nothing is lost between them.

The store is seconds behind the feed. An event published just before somebody subscribes is in neither the rows that are
read then nor the events that follow. So, in this order:

1. The feed is followed, and its log is there. Note where the view's own frames go on (the mark), and take what was
   published in the last W seconds, W being more than the store is ever behind.
2. Read the tables.
3. Give the rows, then what was published, then the view's own frames from the mark on.

Whatever the rows lack is then in what follows them, and what they have already does no harm in coming again: the log
overrides the rows. No I/O and no clock here: whoever has them calls `Join`, reads, and calls `finish`.
"""

from bisect import bisect_right
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from signalman.channel import Channel
from signalman.event import Json, Position
from signalman.gateway import frames, late
from signalman.gateway.changes import Change, changes_in
from signalman.gateway.replay import Replay, portions
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.table import Table


def tables_of(channel: Channel, filter_: Filter) -> list[Table]:
    """The tables that a subscription through *filter_* gets: those that it can restrict to the filter, and keep current
    with the events that pass it.
    """
    return [table for table in channel.tables.values() if _is_kept(table, filter_)]


def _is_kept(table: Table, filter_: Filter) -> bool:
    columns = {name for name, _ in filter_.fields}
    if not columns <= set(table.columns):
        return False
    if not table.changed_by:
        return True
    # A row that moves into the filter, or out of it, would do so by an event that does not pass.
    return columns <= table.constant and (not filter_.types or table.changed_by <= filter_.types)


def row_frames(
    view: View, table: Table, parts: Iterable[Sequence[Mapping[str, Json]]], as_of_ms: int, lag_ms: int | None
) -> list[bytes]:
    """The `snapshot` frames of a table's rows, one for each of *parts*; one without rows where there are none."""
    chunks = list(parts) or [()]
    return [
        frames.snapshot(
            view=view.name,
            table=table,
            rows=rows,
            part=number,
            last=number == len(chunks),
            as_of_ms=as_of_ms,
            lag_ms=lag_ms,
        )
        for number, rows in enumerate(chunks, 1)
    ]


@dataclass(frozen=True, slots=True)
class Joined:
    """How a subscription begins: where, with which frames, and from which index of the view's log on."""

    view: View
    mark: int
    """Index of the view's log at which its own frames go on."""
    generation: int
    epoch: str | None
    """The view's token of the epoch; None while nothing was ever published."""
    seq: int
    """Where the chain of ``prev`` begins."""
    frames: tuple[bytes, ...] = field(default=(), repr=False)
    """Rows, then events from ``seq`` to where the mark is."""
    events: int = 0
    """How many are replayed in those frames."""
    recovered: bool = False
    partial: bool = False
    """Whether the past that was kept is too short to make the rows up to date for certain."""

    @property
    def holds(self) -> bool:
        """Whether the view's log still has everything from the mark on."""
        return self.generation == self.view.generation and self.mark >= self.view.first


def at_index(view: View, index: int, *, recovered: bool = False) -> Joined:
    """A beginning with nothing before the view's own frames from *index* on."""
    position = view.before(index)
    seq = position.seq if position else 0
    return Joined(view, index, view.generation, _token(view, position), seq, recovered=recovered)


class Join:
    """One join of *tables* on a view, begun before they are read.

    Args:
        view: Its feed is followed.
        tables: Those that will be read.
        now_ms: By the bus's clock.
        window_ms: How far back the replay begins; more than the store is behind.
    """

    def __init__(self, view: View, tables: Sequence[Table], *, now_ms: int, window_ms: int) -> None:
        self.view = view
        self.mark = view.head
        self.generation = view.generation
        self._tables = {table.name: table for table in tables}
        self._epoch = _token(view, view.log.position)
        # Between the view's last frame and where the feed stands there is nothing for this view.
        self._end = view.seq
        self._start, _ = view.log.since(now_ms - window_ms)
        # Before that may lie deletions which make void what comes late.
        before_ms = late.LATE_MS if any(table.compared or table.final for table in tables) else 0
        oldest, _ = view.log.since(0)
        _, complete = view.log.since(now_ms - window_ms - before_ms)
        self._partial = not complete
        self._publications = tuple(view.log.after(oldest) or ())

    def finish(self, rows: Sequence[bytes]) -> Generator[None, None, Joined]:
        """What the subscription begins with, *rows* being the frames of the rows, which were read after this was made.

        Stops now and then, so that a long replay keeps nobody waiting; the last stop returns the beginning.
        """
        start = min((yield from self._begin()), self._end)
        replay = Replay(self.view, self._epoch, start, self._end)
        yield from replay.run(self._publications[self._index(start) :])
        return Joined(
            self.view,
            self.mark,
            self.generation,
            self._epoch,
            start,
            (*rows, *replay.frames),
            events=replay.events,
            partial=self._partial,
        )

    def _begin(self) -> Generator[None, None, int]:
        """Where the replay begins: where it should, or before the deletions that it must not leave out."""
        start, earlier = self._start, -1
        while start != earlier:
            earlier = start
            start = yield from self._before_late(start)
        return start

    def _before_late(self, start: int) -> Generator[None, None, int]:
        if not self._publications:
            return start
        index, stood_ms = self._index(start), self._publications[-1].position.ms
        ms = self._publications[index].position.ms if index < len(self._publications) else stood_ms
        near = self._publications[self._index_ms(ms - late.LATE_MS) : self._index_ms(ms + late.LATE_MS)]
        if not any(late.DELETE in event for each in near if each.prev < start for event in each.events):
            return start
        changes: list[Change] = []
        for portion in portions(near):
            for publication in portion:
                changes += changes_in(publication, self._tables, self.view.filter)
            yield
        return late.begin(changes, self._tables, start, stood_ms)

    def _index(self, seq: int) -> int:
        """Of the publication that has what follows *seq*."""
        return bisect_right(self._publications, seq, key=lambda publication: publication.position.seq)

    def _index_ms(self, ms: int) -> int:
        """Of the first publication after that moment."""
        return bisect_right(self._publications, ms, key=lambda publication: publication.position.ms)


def _token(view: View, position: Position | None) -> str | None:
    """What clients of *view* are told as the epoch of *position*."""
    return view.token(position.epoch) if position else None
