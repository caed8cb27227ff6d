"""Brings one subscription to life: goes on from its cursor or reads its tables, then lets events flow.

Where tables cannot be read, events flow without them, and they are tried again until they can.
"""

from collections.abc import Awaitable, Callable, Sequence

from signalman.channel import Channel
from signalman.errors import BackendUnavailable, SnapshotTooLarge, TableFaulty
from signalman.event import PLATFORM, Feed
from signalman.gateway import frames
from signalman.gateway.inspection import WHILE_FAULTY, Inspection
from signalman.gateway.join import Joined, at_index, tables_of
from signalman.gateway.joins import Joins
from signalman.gateway.requests import Cursor, Filter, Subscribe
from signalman.gateway.resume import is_ahead, refusal
from signalman.gateway.subscription import Subscription
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.table import Table

RETRY = (2.0, 30.0)
"""First and longest wait before tables that could not be read are tried again, seconds."""

AHEAD = 2.0
"""Seconds for which a cursor may be ahead of this gateway: gateways hear the bus at slightly different moments."""

Say = Callable[[bytes], None]
"""Writes a frame before anything else that waits."""

Reached = Callable[[View, int, float], Awaitable[bool]]
"""Waits until a view's feed has come to a seq, some seconds at most."""


def wanted_tables(request: Subscribe, channel: Channel, feed: Feed, filter_: Filter) -> list[Table]:
    """The tables that *request* asks for. What belongs to no tenant has none: their rows are all somebody's."""
    if not request.snapshot or feed.scope == PLATFORM:
        return []
    return tables_of(channel, filter_)


class Beginning:
    """The beginning of one subscription, also after a reset."""

    def __init__(
        self,
        subscription: Subscription,
        channel: Channel,
        joins: Joins,
        inspection: Inspection,
        *,
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[None]],
        reached: Reached,
        say: Say,
        wake: Callable[[], None],
    ) -> None:
        self._subscription = subscription
        self._joins = joins
        self._inspection = inspection
        self._metrics = metrics
        self._sleep = sleep
        self._reached = reached
        self._say = say
        self._wake = wake
        view = subscription.view
        self._wanted: Sequence[Table] = wanted_tables(subscription.request, channel, view.feed, view.filter)
        self._tables = self._wanted
        """Those of them that are read."""
        self._has: frozenset[str] | None = None
        """Names of the tables that it has; None while it has not begun as it should."""

    async def run(self) -> None:
        """Return when the subscription has its tables, or never can have them."""
        delay, longest = RETRY
        while not await self._try(delay):
            await self._sleep(delay)
            delay = min(delay * 2, longest)

    async def _try(self, delay: float) -> bool:
        """Begin with the tables that can be read now, if that is news; returns whether nothing is left to be tried."""
        self._tables = await self._inspection.sound(self._subscription.channel, self._wanted)
        if self._has is not None and not self._has < frozenset(self._names):
            return False
        if self._wanted and not self._tables:
            if not self._subscription.live:
                self._go_on_without(self._faulty())
            return False
        try:
            joined = await self._join()
        except SnapshotTooLarge as error:
            self._go_on_without(self._error("snapshot_too_large", str(error)))
            return True
        except BackendUnavailable:
            if not self._subscription.live:
                detail = "The tables cannot be read now; live events go on, and a snapshot follows when they can."
                self._go_on_without(self._error("snapshot_unavailable", detail, delay))
            # Perhaps the store is well, and one of the tables is not: then the others can be had.
            await self._inspection.look_again(self._subscription.channel)
            return False
        self._begin(joined)
        return len(self._tables) == len(self._wanted)

    async def resume(self, cursor: Cursor) -> bool:
        """Whether the subscription has gone on from *cursor*. If not, the client was told why, and `run` is due."""
        view = self._subscription.view
        if is_ahead(view, cursor):
            await self._reached(view, cursor.seq, AHEAD)
        while (reason := refusal(view, cursor)) is None:
            joined = await self._joins.resume(view, cursor)
            # Anything may have happened meanwhile: the view was reset, or so much came that its log lapped the mark.
            if joined.holds:
                self._metrics.resumes.labels("recovered").inc()
                self._metrics.replayed_events.labels("resume").observe(joined.events)
                self._go_live(joined)
                return True
        self._metrics.resumes.labels(reason).inc()
        self._metrics.resets.labels(reason).inc()
        self._say(frames.reset(view.name, reason, request_id=self._subscription.request.id))
        self._wake()
        return False

    async def _join(self) -> Joined:
        """A beginning from whose mark the view's log goes on: not when the view was reset meanwhile, and not when so
        much happened that its log no longer reaches back.
        """
        view = self._subscription.view
        if not self._tables:
            return at_index(view, self._subscription.entry)
        while True:
            joined = await self._joins.join(view, self._tables)
            if joined.holds:
                return joined

    def _begin(self, joined: Joined) -> None:
        subscription = self._subscription
        if subscription.live:
            self._metrics.resets.labels("snapshot").inc()
            self._say(frames.reset(subscription.view.name, "snapshot"))
        if self._tables:
            self._metrics.replayed_events.labels("join").observe(joined.events)
        if joined.partial:
            self._metrics.partial_joins.inc()
        self._has = frozenset(self._names)
        lacks = len(self._tables) < len(self._wanted)
        self._go_live(joined, self._faulty() if lacks else None)

    def _go_live(self, joined: Joined, error: bytes | None = None) -> None:
        self._subscription.begin(joined, self._names)
        if error is not None:
            self._subscription.add(error)
        self._subscription.go_live(complete=True)
        self._wake()

    def _go_on_without(self, error: bytes) -> None:
        subscription = self._subscription
        if subscription.live:
            self._say(error)
        else:
            subscription.begin(at_index(subscription.view, subscription.entry), self._names)
            subscription.add(error)
            subscription.go_live(complete=False)
        self._wake()

    def _faulty(self) -> bytes:
        error = TableFaulty(self._subscription.channel)
        return self._error(error.code, str(error), WHILE_FAULTY)

    def _error(self, code: str, detail: str, retry_after: float | None = None) -> bytes:
        retry_after_ms = None if retry_after is None else round(retry_after * 1000)
        return frames.error(code, detail, request_id=self._subscription.request.id, retry_after_ms=retry_after_ms)

    @property
    def _names(self) -> list[str]:
        return [table.name for table in self._tables]
