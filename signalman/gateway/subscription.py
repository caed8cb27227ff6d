"""One connection's cursor on a view, and what it gets in which order. No I/O.

    subscribed → snapshot parts → replayed events → events since the cursor → caught_up → events …

A subscription never buffers events: it holds an index into the view's log, and what it has not read lies there once for
everybody. Only the frames of its beginning are queued, and those are the shared bytes of a shared join.
"""

from collections import deque
from collections.abc import Iterable

from signalman.gateway import frames
from signalman.gateway.join import Joined
from signalman.gateway.requests import Filter, Subscribe
from signalman.gateway.view import Frame, View


class Subscription:
    """A cursor on a view."""

    __slots__ = (
        "_beginning",
        "_catch_up_at",
        "_cursor",
        "_generation",
        "_seq",
        "_told",
        "announced",
        "channel",
        "filter",
        "live",
        "request",
        "view",
    )

    def __init__(self, request: Subscribe, view: View) -> None:
        self.request = request
        self.channel = view.feed.channel
        self.filter: Filter = view.filter
        self.view = view
        self._beginning: deque[bytes] = deque()
        self.live = False
        """Whether events flow; until then it is being prepared."""
        self.announced = False
        """Whether the client has been told of it, and so knows the view's name."""
        self._cursor = view.head
        self._generation = view.generation
        # Where the chain stands, and how many events there were up to it: frames that are gone cannot tell any more.
        self._seq = view.seq
        self._told = view.told(view.head)
        self._catch_up_at: int | None = None

    @property
    def cursor(self) -> int:
        """Index of the view's log that is read next. As long as nothing flows, that is not known: the head."""
        return self._cursor if self.live and self._generation == self.view.generation else self.view.head

    @property
    def lost(self) -> str | None:
        """Why this cursor is void, or None while it is good: the view was reset, or its log has lapped the cursor."""
        if self._generation != self.view.generation:
            return self.view.reset_reason
        return "slow" if self._cursor < self.view.first else None

    def halt(self) -> None:
        """Let nothing flow until `begin` and `go_live`, and nothing more of a beginning that has become void."""
        self.live = False
        self._beginning.clear()

    @property
    def beginning(self) -> bool:
        """Whether frames of its beginning wait to be written. They are its own: no log can lap them."""
        return bool(self._beginning)

    @property
    def entry(self) -> int:
        """Where this subscription goes on without anything before it: at the oldest frame after a reset, since all of
        it is news, else at the head.
        """
        return self.view.first if self._generation != self.view.generation else self.view.head

    def begin(self, joined: Joined, tables: Iterable[str]) -> None:
        """Start over as *joined* says; *tables* are the names of those it gets."""
        self._go_to(joined.mark)
        self._generation = joined.generation
        self.live = False
        self._catch_up_at = None
        self._beginning.clear()
        self._beginning.append(
            frames.subscribed(
                request_id=self.request.id,
                channel=self.channel,
                scope=self.view.feed.scope,
                view=self.view.name,
                epoch=joined.epoch,
                seq=joined.seq,
                recovered=joined.recovered,
                partial=joined.partial,
                tables=list(tables),
            )
        )
        self._beginning.extend(joined.frames)

    def skip(self) -> None:
        """Go on half-way down the log, and say what was left out; for one that is ``slow`` and has had its beginning.

        Not at the oldest frame, where the next one would lap it again; and not at the head, for nothing is left out
        without need: after a burst, its end is what a client of such a channel wants to see.
        """
        since, had = self._seq, self._told
        self._go_to(self.view.middle)
        position = self.view.position
        epoch = self.view.token(position.epoch) if position and since == 0 else None
        dropped = frames.dropped(self.view.name, since=since, to=self._seq, count=self._told - had, epoch=epoch)
        self._beginning.append(dropped)

    def _go_to(self, cursor: int) -> None:
        position = self.view.before(cursor)
        self._cursor, self._seq, self._told = cursor, position.seq if position else 0, self.view.told(cursor)

    def add(self, frame: bytes) -> None:
        """Queue what follows `subscribed`, such as the reason why there are no rows, before `go_live`."""
        self._beginning.append(frame)

    def go_live(self, *, complete: bool) -> None:
        """Let events flow. *complete*: all tables were read, so `caught_up` is announced once the cursor has passed
        everything that was published until now.
        """
        self.live = True
        self._catch_up_at = self.view.head if complete else None

    @property
    def ready(self) -> bool:
        """Whether `pull` has something."""
        return bool(self._beginning) or (
            self.live and (self._catch_up_at is not None or self.lost is not None or self._cursor < self.view.head)
        )

    def pull(self, max_bytes: int) -> tuple[list[bytes], list[Frame]]:
        """Take what is to be written next, about *max_bytes* of it: (frames to write, the log's frames among them).

        Call `lost` first: a void cursor has nothing to give but its reset.
        """
        taken: list[bytes] = []
        size = 0
        while self._beginning and size < max_bytes:
            self.announced = True
            taken.append(self._beginning.popleft())
            size += len(taken[-1])
        if self._beginning or not self.live or self.lost:
            return taken, []
        read: list[Frame] = []
        for frame in self.view.since(self._cursor):
            if size >= max_bytes:
                break
            self._announce(taken)
            taken.append(frame.data)
            read.append(frame)
            size += len(frame.data)
            self._cursor += 1
            self._seq, self._told = frame.position.seq, frame.before + frame.count
        self._announce(taken)
        return taken, read

    def _announce(self, taken: list[bytes]) -> None:
        if self._catch_up_at is not None and self._cursor >= self._catch_up_at:
            position = self.view.before(self._cursor)
            taken.append(frames.caught_up(self.view.name, position.seq if position else 0))
            self._catch_up_at = None
