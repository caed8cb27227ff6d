"""Brings one subscription to life: goes on from its cursor or reads its tables, then lets events flow.

Where the tables cannot be read, events flow without them, and they are tried again until they can.
"""

from collections.abc import Awaitable, Callable, Sequence

from signalman.channel import Channel, Table
from signalman.errors import BackendUnavailable, SnapshotTooLarge
from signalman.gateway import frames
from signalman.gateway.join import Joined, at_index, tables_of
from signalman.gateway.joins import Joins
from signalman.gateway.requests import Cursor
from signalman.gateway.resume import is_ahead, refusal
from signalman.gateway.subscription import Subscription
from signalman.gateway.view import View
from signalman.metrics import Metrics

RETRY = (2.0, 30.0)
"""First and longest wait before tables that could not be read are tried again, seconds."""

AHEAD = 2.0
"""Seconds for which a cursor may be ahead of this gateway: gateways hear the bus at slightly different moments."""

Say = Callable[[bytes], None]
"""Writes a frame before anything else that waits."""

Reached = Callable[[View, int, float], Awaitable[bool]]
"""Waits until a view's feed has come to a seq, some seconds at most."""


class Beginning:
    """The beginning of one subscription, also after a reset."""

    def __init__(
        self,
        subscription: Subscription,
        channel: Channel,
        joins: Joins,
        *,
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[None]],
        reached: Reached,
        say: Say,
        wake: Callable[[], None],
    ) -> None:
        self._subscription = subscription
        self._joins = joins
        self._metrics = metrics
        self._sleep = sleep
        self._reached = reached
        self._say = say
        self._wake = wake
        self._tables: Sequence[Table] = ()
        if subscription.request.snapshot:
            self._tables = tables_of(channel, subscription.filter)

    async def run(self, cursor: Cursor | None = None) -> None:
        """Return when the subscription has gone on from *cursor*, or has its tables, or never can have them."""
        if cursor is not None and await self._resume(cursor):
            return
        delay, longest = RETRY
        while True:
            try:
                joined = await self._join()
            except SnapshotTooLarge as error:
                self._go_on_without("snapshot_too_large", str(error))
                return
            except BackendUnavailable:
                detail = "The tables cannot be read now; live events go on, and a snapshot follows when they can."
                if not self._subscription.live:
                    self._go_on_without("snapshot_unavailable", detail, round(delay * 1000))
            else:
                self._begin(joined)
                return
            await self._sleep(delay)
            delay = min(delay * 2, longest)

    async def _resume(self, cursor: Cursor) -> bool:
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
        self._go_live(joined)

    def _go_live(self, joined: Joined) -> None:
        self._subscription.begin(joined, self._names)
        self._subscription.go_live(complete=True)
        self._wake()

    def _go_on_without(self, code: str, detail: str, retry_after_ms: int | None = None) -> None:
        subscription = self._subscription
        error = frames.error(code, detail, request_id=subscription.request.id, retry_after_ms=retry_after_ms)
        if subscription.live:
            self._say(error)
        else:
            subscription.begin(at_index(subscription.view, subscription.entry), self._names)
            subscription.add(error)
            subscription.go_live(complete=False)
        self._wake()

    @property
    def _names(self) -> list[str]:
        return [table.name for table in self._tables]
