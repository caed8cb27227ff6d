"""The state of one connection as a machine without I/O and without a clock.

Messages and moments go in, actions come out; whoever owns the socket carries them out and reports back. Two shells can
drive it: the FastAPI route and, under uvicorn, a protocol class of our own.

    CONNECTED ──authenticated──▶ READY ──▶ CLOSING
        └──────refused, too late──────────────▲
"""

from dataclasses import dataclass
from enum import Enum

import structlog

from signalman.access.grants import grants, may_read, resolve_scope
from signalman.channel import Catalog, Channel
from signalman.errors import AccessError, BadMessage, Forbidden
from signalman.event import Feed
from signalman.gateway import frames
from signalman.gateway.requests import (
    Auth,
    Filter,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
    parse_filter,
    parse_request,
)
from signalman.principal import Grant, Principal
from signalman.protocol import ERRORS, CloseCode

log = structlog.get_logger(__name__)


class State(Enum):
    """Where a session stands."""

    CONNECTED = "connected"
    """Nobody is known yet; a timer runs."""
    READY = "ready"
    CLOSING = "closing"
    """Nothing is taken in any more; what was said last may still be on its way out."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write a frame."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Check a credential, then call `Session.authenticated` or `Session.refused`."""

    token: str

    def __repr__(self) -> str:
        """Without the token."""
        return "Authenticate(…)"


@dataclass(frozen=True, slots=True)
class Join:
    """Begin a subscription; every check has been passed."""

    request: Subscribe
    channel: Channel
    feed: Feed
    filter: Filter


@dataclass(frozen=True, slots=True)
class Leave:
    """End a subscription."""

    id: str


@dataclass(frozen=True, slots=True)
class Close:
    """Write what is queued, then close."""

    code: CloseCode


Action = Send | Authenticate | Join | Leave | Close


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What a session announces and enforces. Times in seconds."""

    server: str = "signalman"
    auth_timeout: float = 5.0
    heartbeat: float = 25.0
    max_message_bytes: int = 65536
    max_subscriptions: int = 64


class Session:
    """One connection's conversation."""

    def __init__(self, catalog: Catalog, limits: SessionLimits, now: float) -> None:
        self._catalog = catalog
        self._limits = limits
        self._state = State.CONNECTED
        self._opened = now
        self._last_heartbeat = now
        self._authenticating = False
        self._grants: frozenset[Grant] = frozenset()
        self._subscriptions: dict[str, tuple[Feed, Filter]] = {}
        self._actions: list[Action] = []
        self.principal: Principal | None = None
        self._send(
            frames.hello(
                server=limits.server,
                heartbeat=limits.heartbeat,
                auth_timeout=limits.auth_timeout,
                max_message_bytes=limits.max_message_bytes,
                max_subscriptions=limits.max_subscriptions,
            )
        )

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        log.debug("session_state", was=self._state.value, now=state.value)
        self._state = state

    def actions(self) -> list[Action]:
        """What is to be done now, in order; each action is handed out once."""
        actions, self._actions = self._actions, []
        return actions

    def receive(self, data: str | bytes) -> None:
        """Take one data frame in: text as str, a binary frame as bytes."""
        if self._state is State.CLOSING:
            return
        try:
            if isinstance(data, bytes):
                raise BadMessage("bad_message", "Messages are text frames; this one was binary.")
            self._handle(parse_request(data))
        except (BadMessage, AccessError) as error:
            request_id = error.request_id if isinstance(error, BadMessage) else None
            self.fail(error.code, str(error), request_id)

    def authenticated(self, principal: Principal) -> None:
        """The credential is good."""
        self._authenticating = False
        if self._state is State.CLOSING:
            return
        self._grants = grants(principal, self._catalog)
        if not self._grants:
            self.fail("nothing_granted", "This credential grants no channel.")
            return
        self.principal = principal
        self.state = State.READY
        self._send(frames.welcome(principal, sorted({grant.channel for grant in self._grants})))

    def refused(self, code: str, detail: str) -> None:
        """The credential is not good, or cannot be checked now."""
        self._authenticating = False
        self.fail(code, detail)

    def tick(self, now: float) -> None:
        """Let time pass: authentication that is too late, a token that has expired, a heartbeat that is due."""
        if self._state is State.CLOSING:
            return
        if self._state is State.CONNECTED and now - self._opened >= self._limits.auth_timeout:
            if not self._authenticating:
                self.fail("auth_timeout", f"No credential came within {self._limits.auth_timeout:g} s.")
            return
        if self.principal and self.principal.expires_at is not None and now >= self.principal.expires_at:
            self.fail("token_expired", "The credential has expired.")
        elif now - self._last_heartbeat >= self._limits.heartbeat:
            self._last_heartbeat = now
            self._send(frames.simple("heartbeat", time=frames.rfc3339(now)))

    def notice(self, frame: bytes) -> None:
        """Say something that concerns every client, such as `stale`, once there is somebody to say it to."""
        if self._state is State.READY:
            self._send(frame)

    def goodbye(self, code: CloseCode, reason: str, retry_after_ms: int) -> None:
        """End the conversation as planned."""
        if self._state is not State.CLOSING:
            self._send(frames.simple("goodbye", reason=reason, retry_after_ms=retry_after_ms))
            self._close(code)

    def fail(self, code: str, detail: str, request_id: str | None = None, retry_after_ms: int | None = None) -> None:
        """Report an error, and close where `protocol.ERRORS` says so."""
        self._send(frames.error(code, detail, request_id=request_id, retry_after_ms=retry_after_ms))
        close = ERRORS[code].close
        if close is not None:
            self._close(close)

    def _handle(self, request: Request) -> None:
        match request:
            case Ping():
                self._send(frames.simple("pong", t=request.t))
            case Auth():
                self._auth(request)
            case _ if self._state is not State.READY:
                self.fail("not_authenticated", "Send 'auth' first, and wait for 'welcome'.")
            case Subscribe():
                self._subscribe(request)
            case Unsubscribe():
                self._unsubscribe(request)

    def _auth(self, request: Auth) -> None:
        if self._state is State.READY or self._authenticating:
            raise BadMessage("invalid_request", "This connection has its credential already.")
        self._authenticating = True
        self._actions.append(Authenticate(request.token))

    def _subscribe(self, request: Subscribe) -> None:
        if request.id in self._subscriptions:
            raise BadMessage("duplicate_id", "A subscription with this id exists already.", request.id)
        if len(self._subscriptions) >= self._limits.max_subscriptions:
            limit = self._limits.max_subscriptions
            raise BadMessage("too_many_subscriptions", f"A connection has at most {limit} subscriptions.", request.id)
        channel, feed = self._permitted(request)
        filter_ = parse_filter(request.filter, channel, request.id)
        if (feed, filter_) in self._subscriptions.values():
            raise BadMessage(
                "duplicate_view", "Another subscription has the same channel, scope and filter.", request.id
            )
        self._subscriptions[request.id] = (feed, filter_)
        self._actions.append(Join(request, channel, feed, filter_))

    def _permitted(self, request: Subscribe) -> tuple[Channel, Feed]:
        """Channel and feed of *request*, when the principal may read them."""
        channel = self._catalog.channels.get(request.channel)
        if channel is None:
            known = ", ".join(sorted(self._catalog.channels))
            raise BadMessage("unknown_channel", f"There is no such channel; there are {known}.", request.id)
        if self.principal is None:
            raise BadMessage("not_authenticated", "Send 'auth' first.", request.id)
        try:
            scope = resolve_scope(self.principal, request.scope, self._catalog.levels)
            if not may_read(self._grants, channel.name, scope):
                raise Forbidden("forbidden", f"This credential does not grant channel '{channel.name}'.")
        except Forbidden as error:
            raise BadMessage(error.code, str(error), request.id) from error
        return channel, Feed(channel.name, scope)

    def _unsubscribe(self, request: Unsubscribe) -> None:
        if self._subscriptions.pop(request.id, None) is None:
            raise BadMessage("unknown_id", "There is no subscription with this id.", request.id)
        self._actions.append(Leave(request.id))
        self._send(frames.simple("unsubscribed", id=request.id))

    def forget(self, request_id: str) -> None:
        """A subscription could not begin; its id is free again."""
        self._subscriptions.pop(request_id, None)

    def _send(self, data: bytes) -> None:
        self._actions.append(Send(data))

    def _close(self, code: CloseCode) -> None:
        self.state = State.CLOSING
        self._actions.append(Close(code))
