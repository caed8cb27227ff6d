"""One client from accept to close: session, subscriptions, and what is to be written next.

Free of any server: whoever owns the socket calls `receive` for what came in, `pull` for what goes out whenever it was
woken, `tick` now and then, and `finish` at the end.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TYPE_CHECKING, Any

import structlog

from signalman.errors import BackendUnavailable, NotAuthenticated
from signalman.gateway import frames
from signalman.gateway.beginning import Beginning
from signalman.gateway.requests import Cursor
from signalman.gateway.session import Authenticate, Close, Join, Leave, Send, Session
from signalman.gateway.subscription import Subscription
from signalman.principal import Principal
from signalman.protocol import CloseCode

if TYPE_CHECKING:
    from signalman.gateway.gateway import Gateway

log = structlog.get_logger(__name__)

_numbers = count(1)

PULL_BYTES = 64 * 1024
"""How much one subscription may write before the next has its turn."""

PATIENCE = 60.0
"""A reader that is lapped again within so many seconds is too slow for what it asked for, not merely held up once."""


class Connection:
    """One client."""

    def __init__(self, gateway: "Gateway", wake: Callable[[], None], principal: Principal | None = None) -> None:
        self.id = next(_numbers)
        self._gateway = gateway
        self._wake = wake
        self._session = Session(gateway.catalog, gateway.limits, gateway.clock())
        self._control: deque[bytes] = deque()
        self._subscriptions: dict[str, Subscription] = {}
        self._joins: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._lapped_at: dict[str, float] = {}
        self._close: CloseCode | None = None
        if principal is not None:
            self._authenticated(principal)
        gateway.hub.enter(self)
        self._act()

    @property
    def closing(self) -> CloseCode | None:
        """The code to close with, once everything that was said before has been pulled."""
        return None if self._control else self._close

    @property
    def channels(self) -> list[str]:
        """The channel of each subscription."""
        return [subscription.channel for subscription in self._subscriptions.values()]

    def wake(self) -> None:
        """Part of `following.Watcher`."""
        self._wake()

    def notice(self, frame: bytes) -> None:
        """Part of `following.Watcher`."""
        self._session.notice(frame)
        self._act()

    def receive(self, data: str | bytes) -> None:
        """Take one data frame in."""
        self._session.receive(data)
        self._act()

    def tick(self) -> None:
        """Let time pass; about once a second is often enough."""
        self._session.tick(self._gateway.clock())
        self._act()

    def fail(self, code: str, detail: str) -> None:
        """Report *code* to the client and close where the protocol says so."""
        self._session.fail(code, detail)
        self._act()

    def goodbye(self, reason: str, retry_after_ms: int) -> None:
        """Ask the client to come back to another gateway."""
        self._session.goodbye(CloseCode.RESTART, reason, retry_after_ms)
        self._act()

    def pull(self) -> list[bytes]:
        """What is to be written now, oldest first; empty when nothing is. Each subscription has its turn."""
        out = list(self._control)
        self._control.clear()
        if self._close is None:
            for subscription in list(self._subscriptions.values()):
                self._pull(subscription, out)
            # A subscription that was lost has just said so and begun again.
            out.extend(self._control)
            self._control.clear()
        return out

    async def finish(self) -> None:
        """The socket is gone: end what was under way and give the views up."""
        self._gateway.hub.leave(self)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for request_id in list(self._subscriptions):
            self._leave(request_id)
        # Not cancelled: a view that is not given up would be kept, and its feed subscribed, for ever.
        await asyncio.gather(*self._leaving, return_exceptions=True)

    def _pull(self, subscription: Subscription, out: list[bytes]) -> None:
        reason = subscription.lost if subscription.live else None
        if reason == "slow" and self._skips(subscription):
            self._skip(subscription)
        elif reason is not None:
            self._start_over(subscription, reason)
            return
        taken, read = subscription.pull(PULL_BYTES)
        out.extend(taken)
        if read:
            self._gateway.delivered(subscription.channel, read)
        if subscription.ready:
            self._wake()

    def _start_over(self, subscription: Subscription, reason: str) -> None:
        request_id = subscription.request.id
        self._gateway.metrics.resets.labels(reason).inc()
        if reason == "slow" and self._too_slow(request_id):
            return
        waiting = self._joins.pop(request_id, None)
        if waiting is not None:
            waiting.cancel()  # it was waiting to read tables that are now read anew
        unknown = None if subscription.announced else request_id
        self._control.append(frames.reset(subscription.view.name, reason, request_id=unknown))
        subscription.halt()
        self._joins[request_id] = self._spawn(self._begin(subscription), self._tasks)

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
        self.fail("too_slow", "The client was lapped twice within a minute; it does not keep up with this channel.")
        return True

    def _act(self) -> None:
        for action in self._session.actions():
            match action:
                case Send(data):
                    self._control.append(data)
                case Authenticate(token):
                    self._spawn(self._authenticate(token), self._tasks)
                case Join():
                    self._joins[action.request.id] = self._spawn(self._join(action), self._tasks)
                case Leave(request_id):
                    self._leave(request_id)
                case Close(code):
                    self._close = code
                    if code is CloseCode.AUTH_TIMEOUT:
                        self._gateway.metrics.handshakes.labels("timeout").inc()
                    self._gateway.metrics.closes.labels(str(int(code))).inc()
        if self._control or self._close is not None:
            self._wake()

    async def _authenticate(self, token: str) -> None:
        try:
            principal = await self._gateway.authenticate(token)
        except NotAuthenticated as error:
            self._gateway.metrics.handshakes.labels("refused").inc()
            log.info("refused", connection=self.id, code=error.code)
            self._session.refused(error.code, error.detail)
        except BackendUnavailable as error:
            self._gateway.metrics.handshakes.labels("unavailable").inc()
            log.warning("directory_unavailable", connection=self.id, detail=str(error))
            self._session.refused("directory_unavailable", "Credentials cannot be checked at the moment.")
        else:
            self._authenticated(principal)
        self._act()

    def _authenticated(self, principal: Principal) -> None:
        self._session.authenticated(principal)
        self._gateway.metrics.handshakes.labels("accepted" if self._session.principal else "refused").inc()
        for backend in self._gateway.hub.stale_backends:
            self._session.notice(frames.simple("stale", backend=backend))
        log.info("authenticated", connection=self.id, kind=principal.kind, principal=principal.id)

    async def _join(self, join: Join) -> None:
        request = join.request
        try:
            view = await self._gateway.hub.watch(join.feed, join.filter, self)
        except BackendUnavailable as error:
            log.warning("join_failed", connection=self.id, channel=join.channel.name, detail=str(error))
            self._joins.pop(request.id, None)
            self._session.forget(request.id)
            self._session.fail("bus_unavailable", "Live events cannot be subscribed now.", request.id, 2000)
            self._act()
            return
        subscription = Subscription(request, view)
        self._subscriptions[request.id] = subscription
        self._gateway.metrics.subscriptions.labels(subscription.channel).inc()
        await self._begin(subscription, request.resume)

    async def _begin(self, subscription: Subscription, cursor: Cursor | None = None) -> None:
        gateway = self._gateway
        beginning = Beginning(
            subscription,
            gateway.catalog.channels[subscription.channel],
            gateway.joins,
            gateway.inspection,
            metrics=gateway.metrics,
            sleep=gateway.sleep,
            reached=gateway.hub.reached,
            say=self._control.append,
            wake=self._wake,
        )
        await beginning.run(cursor)
        self._joins.pop(subscription.request.id, None)

    def _leave(self, request_id: str) -> None:
        """Give a subscription up. Its id is free at once, so nothing here may look it up again later."""
        join = self._joins.pop(request_id, None)
        if join is not None:
            join.cancel()
        self._lapped_at.pop(request_id, None)
        subscription = self._subscriptions.pop(request_id, None)
        if subscription is not None:
            self._gateway.metrics.subscriptions.labels(subscription.channel).dec()
            self._spawn(self._gateway.hub.release(subscription.view, self), self._leaving)

    def _spawn(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._leaving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("connection_task_failed", connection=self.id, exc_info=error)
            self.fail("internal", "Something went wrong on our side.")
