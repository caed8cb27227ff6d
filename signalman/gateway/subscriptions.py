"""The subscriptions of one connection: how each begins, what of it is written next, and how it ends."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import structlog

from signalman.errors import BackendUnavailable, Limited
from signalman.event import Feed
from signalman.gateway import frames
from signalman.gateway.actions import Join
from signalman.gateway.beginning import Beginning, wanted_tables
from signalman.gateway.following import Watcher
from signalman.gateway.subscription import Subscription
from signalman.gateway.tasks import Tasks
from signalman.principal import Principal

if TYPE_CHECKING:
    from signalman.gateway.gateway import Gateway

log = structlog.get_logger(__name__)

PULL_BYTES = 64 * 1024
"""How much one subscription may write before the next has its turn."""

PATIENCE = 60.0
"""A reader that is lapped again within so many seconds is too slow for what it asked for, not merely held up once."""


class Subscriber(Watcher, Protocol):
    """Whose subscriptions they are."""

    id: int

    @property
    def principal(self) -> Principal | None:
        """Who it is."""
        ...

    def say(self, frame: bytes) -> None:
        """Write *frame* before anything else that waits."""
        ...

    def fail(self, code: str, detail: str) -> None:
        """Report *code*, and close where the protocol says so."""
        ...

    def begun(self, feed: Feed) -> None:
        """A subscription of *feed* has come to life."""
        ...

    def not_begun(self, request_id: str, code: str, detail: str, retry_after: float) -> None:
        """A subscription could not begin; it is worth trying again after so many seconds."""
        ...


class Subscriptions:
    """Those of *subscriber*, by the ids that the client gave them."""

    def __init__(self, gateway: "Gateway", subscriber: Subscriber) -> None:
        self._gateway = gateway
        self._subscriber = subscriber
        self._subscriptions: dict[str, Subscription] = {}
        self._joins: dict[str, asyncio.Task[None]] = {}
        self._beginnings = Tasks(self._failed)
        self._endings = Tasks(self._failed)
        self._begun: set[str] = set()
        self._lapped_at: dict[str, float] = {}

    def __iter__(self) -> Iterator[Subscription]:
        """Those whose feed is followed."""
        return iter(tuple(self._subscriptions.values()))

    def join(self, join: Join) -> None:
        """Begin one."""
        self._joins[join.request.id] = self._beginnings.begin(self._join(join))

    def leave(self, request_id: str) -> bool:
        """Give one up; returns whether it had begun. Its id is free at once, so nothing here may look it up again
        later.
        """
        join = self._joins.pop(request_id, None)
        if join is not None:
            join.cancel()
        self._lapped_at.pop(request_id, None)
        subscription = self._subscriptions.pop(request_id, None)
        if subscription is not None:
            self._gateway.metrics.subscriptions.labels(subscription.channel).dec()
            self._endings.begin(self._gateway.hub.release(subscription.view, self._subscriber))
        begun = request_id in self._begun
        self._begun.discard(request_id)
        return begun

    def close(self) -> None:
        """Give all of them up: from now on there is nothing to write."""
        for request_id in {*self._joins, *self._subscriptions}:
            self.leave(request_id)

    async def finish(self) -> None:
        """Return when nothing is left of them."""
        self.close()
        await self._beginnings.cancel()
        # Not cancelled: a view that is not given up would be kept, and its feed subscribed, for ever.
        await self._endings.finish()

    def pull(self) -> Iterator[bytes]:
        """What is to be written now; each has its turn. Anything may happen between two frames: one that was given up,
        by the client, by its grant's end or because the one before it was too slow, has nothing more to write.
        """
        for request_id, subscription in list(self._subscriptions.items()):
            if self._subscriptions.get(request_id) is not subscription:
                continue
            for frame in self._pull(subscription):
                if self._subscriptions.get(request_id) is not subscription:
                    break
                yield frame

    def _pull(self, subscription: Subscription) -> list[bytes]:
        reason = subscription.lost if subscription.live else None
        if reason == "slow" and self._skips(subscription):
            self._skip(subscription)
        elif reason is not None:
            self._start_over(subscription, reason)
            return []
        taken, read = subscription.pull(PULL_BYTES)
        if read:
            self._gateway.delivered(subscription.channel, read)
        if subscription.ready:
            self._subscriber.wake()
        return taken

    def _start_over(self, subscription: Subscription, reason: str) -> None:
        request_id = subscription.request.id
        self._gateway.metrics.resets.labels(reason).inc()
        if reason == "slow" and self._too_slow(request_id):
            return
        waiting = self._joins.pop(request_id, None)
        if waiting is not None:
            waiting.cancel()  # it was waiting to read tables that are now read anew
        unknown = None if subscription.announced else request_id
        self._subscriber.say(frames.reset(subscription.view.name, reason, request_id=unknown))
        subscription.halt()
        self._joins[request_id] = self._beginnings.begin(self._start(subscription))

    def _skips(self, subscription: Subscription) -> bool:
        """Whether a slow reader of this channel is better off with the newest events than with everything anew."""
        return self._gateway.catalog.channels[subscription.channel].slow_reader == "skip"

    def _skip(self, subscription: Subscription) -> None:
        """Let a slow reader go on with what there still is. What waits from its beginning is all there: that first."""
        if subscription.beginning or self._too_slow(subscription.request.id):
            return
        self._gateway.metrics.dropped_events.labels(subscription.channel).inc()
        subscription.skip()

    def _too_slow(self, request_id: str) -> bool:
        """Whether the subscription is lapped for the second time within a minute; then its client is sent away."""
        now = self._gateway.clock()
        before, self._lapped_at[request_id] = self._lapped_at.get(request_id), now
        if before is None or now - before >= PATIENCE:
            return False
        detail = "The client was lapped twice within a minute; it does not keep up with this channel."
        self._subscriber.fail("too_slow", detail)
        return True

    async def _join(self, join: Join) -> None:
        request_id = join.request.id
        try:
            beginning = await self._prepare(join)
        except Limited as error:
            self._give_up(request_id, error.code, error.detail, error.retry_after)
            return
        except BackendUnavailable as error:
            log.warning("join_failed", connection=self._subscriber.id, channel=join.channel.name, detail=str(error))
            self._give_up(request_id, "bus_unavailable", "Live events cannot be subscribed now.", 2.0)
            return
        self._begun.add(request_id)
        self._subscriber.begun(join.feed)
        if beginning is not None:
            await beginning.run()
        self._joins.pop(request_id, None)

    async def _prepare(self, join: Join) -> Beginning | None:
        """Follow the feed. Returns the beginning that is to be run, or None for one that goes on from its cursor.

        Raises:
            Limited: No more tables may be read now.
            BackendUnavailable: The bus does not answer.
        """
        request, gateway = join.request, self._gateway
        reads = bool(wanted_tables(request, join.channel, join.feed, join.filter))
        if reads and request.resume is None:
            await self._admit_snapshot()
        view = await gateway.hub.watch(join.feed, join.filter, self._subscriber)
        subscription = self._subscriptions[request.id] = Subscription(request, view)
        gateway.metrics.subscriptions.labels(subscription.channel).inc()
        beginning = self._beginning(subscription)
        if request.resume is not None:
            if await beginning.resume(request.resume):
                return None
            if reads:
                await self._admit_snapshot()  # who cannot go on reads the tables after all
        return beginning

    async def _start(self, subscription: Subscription) -> None:
        await self._beginning(subscription).run()
        self._joins.pop(subscription.request.id, None)

    def _beginning(self, subscription: Subscription) -> Beginning:
        gateway = self._gateway
        return Beginning(
            subscription,
            gateway.catalog.channels[subscription.channel],
            gateway.joins,
            gateway.inspection,
            metrics=gateway.metrics,
            sleep=gateway.sleep,
            reached=gateway.hub.reached,
            say=self._subscriber.say,
            wake=self._subscriber.wake,
        )

    async def _admit_snapshot(self) -> None:
        principal = self._subscriber.principal
        if principal is not None:
            await self._gateway.admission.snapshot(principal)

    def _give_up(self, request_id: str, code: str, detail: str, retry_after: float) -> None:
        self._joins.pop(request_id, None)  # it is what runs: nothing is to be cancelled
        self.leave(request_id)
        self._subscriber.not_begun(request_id, code, detail, retry_after)

    def _failed(self, error: BaseException) -> None:
        log.error("subscription_failed", connection=self._subscriber.id, exc_info=error)
        self._subscriber.fail("internal", "Something went wrong on our side.")
