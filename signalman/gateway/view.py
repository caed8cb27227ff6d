"""A view: one feed through one filter, framed once for everybody who watches it.

Its log is append-only and bounded; a subscription is a cursor on it. Whoever falls out at the tail has been lapped, and
must start over or go on with a hole: that is the price of a slow reader, and it is paid by nobody else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from signalman.event import Feed, Position
from signalman.gateway import frames
from signalman.gateway.log import FeedLog
from signalman.gateway.requests import Filter


@dataclass(frozen=True, slots=True)
class Frame:
    """One `events` or `bookmark` frame of a view's log."""

    prev: int
    position: Position
    count: int
    """Events in it; none in a bookmark."""
    data: bytes
    before: int = 0
    """Events in all frames of the view before this one, those that are gone included."""

    @property
    def published_ms(self) -> int:
        """When its events were published, Unix milliseconds by the bus's clock."""
        return self.position.ms


class View:
    """The shared log of one feed × filter.

    Args:
        name: Unique in this process.
        position: Where the feed stands when the view begins.
        log: Its feed's; it ends where the feed stands.
        binding: What cursors on this view are bound to, see `gateway.binding`.
        max_frames: Of the view's own log.
        max_bytes: Of the view's own log; one frame is kept however large it is.
    """

    __slots__ = (
        "_binding",
        "_bytes",
        "_events",
        "_frames",
        "_max_bytes",
        "_max_frames",
        "feed",
        "filter",
        "first",
        "generation",
        "log",
        "name",
        "position",
        "reset_reason",
    )

    def __init__(
        self,
        name: str,
        feed: Feed,
        filter_: Filter,
        position: Position | None,
        *,
        log: FeedLog,
        binding: str,
        max_frames: int,
        max_bytes: int,
    ) -> None:
        self.name = name
        self.feed = feed
        self.filter = filter_
        self.position = position
        """Of the last frame, or where the view began: what the next frame's ``prev`` will be."""
        self.log = log
        self.first = 0
        """Index of the oldest frame still held; indexes never start over."""
        self.generation = 0
        """Rises with each reset, so that a cursor made before one is recognised."""
        self.reset_reason = ""
        # By index: a cursor anywhere in the log must find its place at once, and a deque is slow in its middle.
        self._frames: dict[int, Frame] = {}
        self._bytes = 0
        self._events = 0
        self._binding = binding
        self._max_frames = max_frames
        self._max_bytes = max_bytes

    @property
    def head(self) -> int:
        """Index that the next frame will get."""
        return self.first + len(self._frames)

    @property
    def seq(self) -> int:
        """Where the chain of ``prev`` stands."""
        return self.position.seq if self.position else 0

    def token(self, epoch: str) -> str:
        """What clients are told as the epoch: it fits no other feed, filter or form of the channel."""
        return f"{epoch}.{self._binding}"

    def append(self, position: Position, payloads: Sequence[bytes]) -> None:
        """Frame *payloads*, the events up to *position* that pass the filter."""
        prev = self.seq
        data = frames.events(self.name, prev, position.seq, payloads, self._news(prev, position))
        self._keep(Frame(prev, position, len(payloads), data, self._events))
        self._events += len(payloads)

    def bookmark(self, position: Position) -> bool:
        """Say that there is nothing up to *position*, where the feed stands; returns whether that was news."""
        prev = self.seq
        if prev >= position.seq:
            return False
        data = frames.bookmark(self.name, position.seq, self._news(prev, position))
        self._keep(Frame(prev, position, 0, data, self._events))
        return True

    @property
    def middle(self) -> int:
        """Index half-way from the oldest frame to the head; the head itself where there is but one frame."""
        return self.head - len(self._frames) // 2

    def told(self, cursor: int) -> int:
        """How many events all frames before index *cursor* have had, those that are gone included."""
        return self._events if cursor == self.head else self._frames[cursor].before

    def before(self, cursor: int) -> Position | None:
        """Where the chain stands for a subscriber whose next frame is index *cursor*."""
        if cursor == self.head:
            return self.position
        frame = self._frames[cursor]
        return Position(frame.position.epoch, frame.prev)

    def since(self, cursor: int) -> Iterator[Frame]:
        """Frames from index *cursor* on; the caller has made sure that the log still reaches back so far."""
        return (self._frames[index] for index in range(cursor, self.head))

    def behind(self, cursor: int) -> tuple[int, int]:
        """Events and bytes that lie from index *cursor* on, as far as they are still held."""
        frames_ = list(self.since(max(cursor, self.first)))
        return sum(frame.count for frame in frames_), sum(len(frame.data) for frame in frames_)

    def reset(self, reason: str, position: Position | None) -> None:
        """Forget the log and go on from *position*: every cursor made before is void."""
        self.generation += 1
        self.reset_reason = reason
        self.first = self.head
        self._frames.clear()
        self._bytes = 0
        self.position = position

    def _news(self, prev: int, position: Position) -> str | None:
        """The epoch for those who cannot know it yet: who began where nothing had been published."""
        return self.token(position.epoch) if prev == 0 else None

    def _keep(self, frame: Frame) -> None:
        self._frames[self.head] = frame
        self._bytes += len(frame.data)
        self.position = frame.position
        while len(self._frames) > self._max_frames or (self._bytes > self._max_bytes and len(self._frames) > 1):
            self._bytes -= len(self._frames.pop(self.first).data)
            self.first += 1
