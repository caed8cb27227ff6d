"""One client from accept to close: session, subscriptions, and what is to be written next.

Free of any server: whoever owns the socket calls `receive` for what came in, `pull` for what goes out whenever it was
woken, `tick` now and then, and `finish` at the end.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING

import structlog

from signalman.errors import BackendUnavailable, Limited, NotAuthenticated
from signalman.event import Feed
from signalman.gateway import audit, frames
from signalman.gateway.actions import Action, Authenticate, Close, Denied, Join, Leave, Reached, Send
from signalman.gateway.admission import Visitor
from signalman.gateway.session import Session, State
from signalman.gateway.subscriptions import Subscriptions
from signalman.gateway.tasks import Tasks
from signalman.principal import Principal
from signalman.protocol import CloseCode

if TYPE_CHECKING:
    from signalman.gateway.gateway import Gateway

log = structlog.get_logger(__name__)

_numbers = count(1)

REVOKED = frozenset({"access_ended", "token_expired"})
"""Reasons of a close that end what a credential had opened."""


class Connection:
    """One client.

    Args:
        gateway: What all connections share.
        wake: Called when there is something to write.
        visitor: Its place at the door. Whoever made it gives it back.
        principal: Who it is, where the handshake said so, and `Visitor.known` was asked.
        heard: How many notices had been heard when the check of that credential began; None where that is not known.
        abort: Cuts the socket off, for a client that does not go.
    """

    def __init__(
        self,
        gateway: "Gateway",
        wake: Callable[[], None],
        visitor: Visitor,
        principal: Principal | None = None,
        *,
        heard: int | None = None,
        abort: Callable[[], None] | None = None,
    ) -> None:
        self.id = next(_numbers)
        self._gateway = gateway
        self._wake = wake
        self._visitor = visitor
        self._abort = abort
        self._session = Session(gateway.catalog, gateway.limits, gateway.clock())
        self._subscriptions = Subscriptions(gateway, self)
        self._control: deque[bytes] = deque()
        self._tasks = Tasks(self._failed)
        self._close: Close | None = None
        self._ended_since: float | None = None
        if principal is not None:
            self._authenticated(principal, heard)
        gateway.hub.enter(self)
        self._act()

    @property
    def closing(self) -> CloseCode | None:
        """The code to close with, once everything that was said before has been pulled."""
        return self._close.code if self._close and not self._control else None

    @property
    def principal(self) -> Principal | None:
        """Who it is; None as long as that is not known."""
        return self._session.principal

    @property
    def subscriptions(self) -> Subscriptions:
        """What it follows."""
        return self._subscriptions

    def wake(self) -> None:
        """Part of `following.Watcher`."""
        self._wake()

    def notice(self, frame: bytes) -> None:
        """Part of `following.Watcher`."""
        self._session.notice(frame)
        self._act()

    def say(self, frame: bytes) -> None:
        """Part of `subscriptions.Subscriber`."""
        self._control.append(frame)

    def begun(self, feed: Feed) -> None:
        """Part of `subscriptions.Subscriber`."""
        audit.subscribed(self._who, feed)

    def not_begun(self, request_id: str, code: str, detail: str, retry_after: float) -> None:
        """Part of `subscriptions.Subscriber`."""
        self._session.forget(request_id)
        self._session.fail(code, detail, request_id, round(retry_after * 1000))
        self._act()

    def judged(self, principal: Principal | None, since: float) -> None:
        """Part of `standing.Member`."""
        if principal is None:
            self._session.end()
        else:
            self._session.reauthorize(principal)
        if self._session.state is State.CLOSING:
            self._ended_since = since
        else:
            audit.refreshed(self._who, "directory")
        self._act()

    def receive(self, data: str | bytes) -> None:
        """Take one data frame in."""
        self._session.receive(data, self._gateway.clock())
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

    def pull(self) -> Iterator[bytes]:
        """What is to be written now, oldest first; empty when nothing is. Each frame is made out as it is asked for:
        whoever writes them may wait between two, and of a subscription that has ended meanwhile there is nothing more.
        """
        yield from self._said()
        yield from self._subscriptions.pull()
        # A subscription that was lost has just said so and begun again.
        yield from self._said()

    def _said(self) -> Iterator[bytes]:
        while self._control:
            yield self._control.popleft()

    async def finish(self) -> None:
        """The socket is gone: end what was under way and give the views up."""
        gateway, close = self._gateway, self._close
        gateway.hub.leave(self)
        gateway.standing.leave(self)
        await self._tasks.cancel()
        await self._subscriptions.finish()
        if self._ended_since is not None:
            gateway.metrics.access_end_seconds.observe(max(0.0, gateway.clock() - self._ended_since))
        audit.closed(self._who, int(close.code) if close else None, close.reason if close else "client")

    @property
    def _who(self) -> audit.Who:
        return audit.Who(self.id, self._visitor.mark, self._session.principal)

    def _act(self) -> None:
        for action in self._session.actions():
            self._do(action)
        if self._control or self._close is not None:
            self._wake()

    def _do(self, action: Action) -> None:
        match action:
            case Send(data):
                self._control.append(data)
            case Authenticate(token):
                self._tasks.begin(self._authenticate(token))
            case Join():
                self._subscriptions.join(action)
            case Leave(request_id, feed, by):
                if self._subscriptions.leave(request_id):
                    audit.unsubscribed(self._who, feed, by)
            case Denied(code):
                audit.refused(self._who, code)
            case Reached(limit):
                self._gateway.metrics.limited.labels(limit).inc()
            case Close():
                self._end(action)

    def _end(self, close: Close) -> None:
        """Nothing concerns this client any more; its socket has a moment to take what was said last."""
        gateway = self._gateway
        self._close = close
        gateway.standing.leave(self)
        self._subscriptions.close()
        if close.code is CloseCode.AUTH_TIMEOUT:
            gateway.metrics.handshakes.labels("timeout").inc()
        gateway.metrics.closes.labels(str(int(close.code))).inc()
        if close.reason in REVOKED:
            audit.revoked(self._who, close.reason)
        if self._abort is not None:
            self._tasks.begin(self._cut_off(self._abort))

    async def _cut_off(self, abort: Callable[[], None]) -> None:
        await self._gateway.sleep(self._gateway.close_seconds)
        log.info("connection_cut", connection=self.id)
        self._gateway.metrics.aborted.inc()
        abort()

    async def _authenticate(self, credential: str) -> None:
        heard = self._gateway.heard
        try:
            principal = await self._identify(credential)
        except (NotAuthenticated, Limited) as error:
            retry_after = error.retry_after if isinstance(error, Limited) else None
            self._refused("refused", error.code, error.detail, retry_after)
        except BackendUnavailable as error:
            log.warning("directory_unavailable", connection=self.id, detail=str(error))
            code = "tickets_unavailable" if error.backend == "redis" else "directory_unavailable"
            self._refused("unavailable", code, "Credentials cannot be checked at the moment.", 2.0)
        else:
            self._authenticated(principal, heard)
        self._act()

    async def _identify(self, credential: str) -> Principal:
        """Who *credential* speaks for. Raises as `Access.authenticate` and `Visitor.known` do."""
        gateway, first = self._gateway, self._session.state is State.CONNECTED
        try:
            principal = await gateway.access.authenticate(credential)
        except NotAuthenticated:
            await self._visitor.failed()
            raise
        except Limited as error:
            gateway.metrics.limited.labels(error.limit).inc()
            raise
        if first:  # another credential of the same client takes no further place
            await self._visitor.known(principal)
        return principal

    def _refused(self, outcome: str, code: str, detail: str, retry_after: float | None = None) -> None:
        if self._session.state is State.CONNECTED:
            self._gateway.metrics.handshakes.labels(outcome).inc()
        self._session.refused(code, detail, None if retry_after is None else round(retry_after * 1000))

    def _authenticated(self, principal: Principal, heard: int | None) -> None:
        session, first = self._session, self._session.state is State.CONNECTED
        session.authenticated(principal)
        taken = session.state is State.READY and session.principal is principal
        if taken:
            self._gateway.standing.enter(self, principal, heard)
        if first:
            self._gateway.metrics.handshakes.labels("accepted" if taken else "refused").inc()
        if taken and first:
            audit.connected(self._who)
            for backend in self._gateway.hub.stale_backends:
                session.notice(frames.simple("stale", backend=backend))
        elif taken:
            audit.refreshed(self._who, "client")

    def _failed(self, error: BaseException) -> None:
        log.error("connection_task_failed", connection=self.id, exc_info=error)
        self.fail("internal", "Something went wrong on our side.")
