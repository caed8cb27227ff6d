"""Brings one subscription to life: reads its tables, then lets events flow.

Where the tables cannot be read, events flow without them, and they are tried again until they can.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from signalman.channel import Channel, Table
from signalman.errors import BackendUnavailable, SnapshotTooLarge
from signalman.gateway import frames
from signalman.gateway.join import Joins, TableRead, tables_of
from signalman.gateway.subscription import Subscription
from signalman.metrics import Metrics

RETRY = (2.0, 30.0)
"""First and longest wait before tables that could not be read are tried again, seconds."""

Say = Callable[[bytes], None]
"""Writes a frame before anything else that waits."""


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
        say: Say,
        wake: Callable[[], None],
    ) -> None:
        self._subscription = subscription
        self._joins = joins
        self._metrics = metrics
        self._sleep = sleep
        self._say = say
        self._wake = wake
        self._tables: Sequence[Table] = ()
        if subscription.request.snapshot:
            self._tables = tables_of(channel, subscription.filter)

    async def run(self) -> None:
        """Return when the subscription has its tables, or never can have them."""
        delay, longest = RETRY
        while True:
            try:
                reads = await self._read()
            except SnapshotTooLarge as error:
                self._go_on_without("snapshot_too_large", str(error))
                return
            except BackendUnavailable:
                detail = "The tables cannot be read now; live events go on, and a snapshot follows when they can."
                if not self._subscription.live:
                    self._go_on_without("snapshot_unavailable", detail, round(delay * 1000))
            else:
                self._begin(reads)
                return
            await self._sleep(delay)
            delay = min(delay * 2, longest)

    async def _read(self) -> list[TableRead]:
        """Read the tables such that the view's log goes on where the rows end: not when it was reset meanwhile, and not
        when so much happened that the log no longer reaches back.
        """
        view = self._subscription.view
        while True:
            reads = await asyncio.gather(*(self._joins.read(view, table) for table in self._tables))
            if all(read.joins(view) for read in reads):
                return list(reads)

    def _begin(self, reads: Sequence[TableRead]) -> None:
        subscription = self._subscription
        if subscription.live:
            self._metrics.resets.labels("snapshot").inc()
            self._say(frames.reset(subscription.view.name, "snapshot"))
        # Events from where the first of the reads began: none falls between the rows and what follows them.
        subscription.begin(self._names, cursor=min((read.mark for read in reads), default=None))
        for read in reads:
            subscription.add(read.frames)
        subscription.go_live(complete=True)
        self._wake()

    def _go_on_without(self, code: str, detail: str, retry_after_ms: int | None = None) -> None:
        subscription = self._subscription
        error = frames.error(code, detail, request_id=subscription.request.id, retry_after_ms=retry_after_ms)
        if subscription.live:
            self._say(error)
        else:
            subscription.begin(self._names)
            subscription.add([error])
            subscription.go_live(complete=False)
        self._wake()

    @property
    def _names(self) -> list[str]:
        return [table.name for table in self._tables]
