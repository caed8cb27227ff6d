"""A piece of a feed's past as frames of a view: what was published from one place to another, through its filter.

The frames chain like the view's own, and the last one ends where the view's own frames go on.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence

import orjson

from signalman.event import Publication
from signalman.gateway import frames
from signalman.gateway.view import View

FRAME_BYTES = 64 * 1024
"""Events are put together into frames of about this size, so that a long replay is few frames and none is huge."""


EVENTS_AT_ONCE = 100
"""Events that are looked at before others have their turn: about a millisecond."""


def portions(publications: Iterable[Publication]) -> Iterator[list[Publication]]:
    """*publications* by about `EVENTS_AT_ONCE` events, in order."""
    portion: list[Publication] = []
    events = 0
    for publication in publications:
        portion.append(publication)
        events += len(publication.events)
        if events >= EVENTS_AT_ONCE:
            yield portion
            portion, events = [], 0
    if portion:
        yield portion


class Replay:
    """Some publications, which follow on one another, as frames.

    Args:
        view: Whose frames they are to be.
        epoch: The token of the feed's epoch, None while nothing was ever published.
        start: The seq after which it begins; it may lie within the first publication.
        end: Where the view's own frames go on.
        max_bytes: Of one frame, unless a single publication has more.
    """

    def __init__(self, view: View, epoch: str | None, start: int, end: int, *, max_bytes: int = FRAME_BYTES) -> None:
        self.frames: list[bytes] = []
        self.events = 0
        """How many were replayed."""
        self._view = view
        self._epoch = epoch
        self._start = start
        self._end = end
        self._max_bytes = max_bytes
        self._prev = start
        self._seq = start
        self._payloads: list[bytes] = []
        self._size = 0

    def run(self, publications: Sequence[Publication]) -> Generator[None, None, None]:
        """Make the frames of *publications*; what lies before the start does not count. Stops now and then."""
        for portion in portions(publications):
            for publication in portion:
                self._add(publication)
            yield
        self._flush()
        if self._prev < self._end:
            self.frames.append(frames.bookmark(self._view.name, self._end, self._said()))

    def _add(self, publication: Publication) -> None:
        payloads = self._wanted(publication)
        if not payloads:
            return
        size = sum(map(len, payloads))
        if self._size + size > self._max_bytes:
            self._flush()
        self._payloads += payloads
        self._size += size
        self._seq = publication.position.seq

    def _wanted(self, publication: Publication) -> list[bytes]:
        events = publication.events[max(0, self._start - publication.prev) :]
        filter_ = self._view.filter
        return [event for event in events if filter_.matches(orjson.loads(event))] if filter_ else list(events)

    def _flush(self) -> None:
        if self._payloads:
            self.events += len(self._payloads)
            self.frames.append(frames.events(self._view.name, self._prev, self._seq, self._payloads, self._said()))
            self._prev = self._seq
            self._payloads, self._size = [], 0

    def _said(self) -> str | None:
        return self._epoch if self._prev == 0 else None
