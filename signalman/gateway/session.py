"""The state of one connection as a machine without I/O and without a clock.

Messages and moments go in, actions come out; whoever owns the socket carries them out and reports back. Two shells can
drive it: the FastAPI route and, under uvicorn, a protocol class of our own.

    CONNECTED ──authenticated──▶ READY ──▶ CLOSING
        │                        ▲   │        ▲
        │                        └───┘ another credential, or other rights
        └──────refused, too late──────────────┘
"""

from dataclasses import dataclass
from enum import Enum

import structlog

from signalman.access_ports import Rate
from signalman.channel import Catalog
from signalman.errors import AccessError, BadMessage
from signalman.event import Feed
from signalman.gateway import frames
from signalman.gateway.actions import Action, Authenticate, Close, Denied, Join, Leave, Reached, Send
from signalman.gateway.entitlement import Entitlement
from signalman.gateway.inbound import Inbound
from signalman.gateway.requests import (
    Auth,
    Filter,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
    filter_excess,
    parse_filter,
    parse_request,
)
from signalman.principal import Principal
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
class SessionLimits:
    """What a session announces and enforces. Times in seconds; a rate that is None, or a number of 0, is no limit."""

    server: str = "signalman"
    auth_timeout: float = 5.0
    heartbeat: float = 25.0
    max_message_bytes: int = 65536
    max_subscriptions: int = 64
    expiry_warning: float = 60.0
    """How long before its credential expires a client is warned; 0: it is not."""
    messages: Rate | None = None
    bytes: Rate | None = None
    filter_fields: int = 0
    filter_values: int = 0

    def announced(self) -> dict[str, float | None]:
        """What a client can go by, as ``limits`` of `hello`: None where there is no limit."""
        return {
            "max_message_bytes": self.max_message_bytes,
            "max_subscriptions": self.max_subscriptions,
            "messages_per_second": self.messages.per_second if self.messages else None,
            "message_burst": self.messages.burst if self.messages else None,
            "bytes_per_second": self.bytes.per_second if self.bytes else None,
            "byte_burst": self.bytes.burst if self.bytes else None,
            "filter_fields": self.filter_fields or None,
            "filter_values": self.filter_values or None,
        }


class Session:
    """One connection's conversation."""

    def __init__(self, catalog: Catalog, limits: SessionLimits, now: float) -> None:
        self._limits = limits
        self._state = State.CONNECTED
        self._opened = now
        self._last_heartbeat = now
        self._authenticating = False
        self._entitlement = Entitlement(catalog)
        self._inbound = Inbound(limits.messages, limits.bytes, now)
        self._subscriptions: dict[str, tuple[Feed, Filter]] = {}
        self._actions: list[Action] = []
        self._send(
            frames.hello(
                server=limits.server,
                heartbeat=limits.heartbeat,
                auth_timeout=limits.auth_timeout,
                limits=limits.announced(),
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

    @property
    def principal(self) -> Principal | None:
        """Who is connected; None as long as nobody is known."""
        return self._entitlement.principal

    def actions(self) -> list[Action]:
        """What is to be done now, in order; each action is handed out once."""
        actions, self._actions = self._actions, []
        return actions

    def receive(self, data: str | bytes, now: float) -> None:
        """Take one data frame in, at *now* in Unix seconds: text as str, a binary frame as bytes."""
        if self._state is State.CLOSING:
            return
        try:
            excess = self._inbound.excess(data, now)
            if excess is not None:
                self._actions.append(Reached(excess))
                raise BadMessage(
                    "too_many_messages", "The client sends more than is taken; hello.limits says how much."
                )
            if isinstance(data, bytes):
                raise BadMessage("bad_message", "Messages are text frames; this one was binary.")
            self._handle(parse_request(data))
        except (BadMessage, AccessError) as error:
            request_id = error.request_id if isinstance(error, BadMessage) else None
            if error.code == "forbidden":
                self._actions.append(Denied(error.code))
            self.fail(error.code, str(error), request_id)

    def authenticated(self, principal: Principal) -> None:
        """A credential is good: the first one, or one that takes the place of the one there was."""
        self._authenticating = False
        if self._state is State.CONNECTED:
            if not self._entitlement.give(principal):
                self.refused("nothing_granted", "This credential grants no channel.")
                return
            self.state = State.READY
            self._welcome()
        elif self._state is State.READY and self._entitlement.continues(principal):
            self.reauthorize(principal)
        else:
            self.refused("refresh_refused", "The new one is somebody else's; connect anew to use it.")

    def refused(self, code: str, detail: str, retry_after_ms: int | None = None) -> None:
        """A credential is not good, or cannot be checked now. Who has one already goes on with it."""
        self._authenticating = False
        if self._state is State.CLOSING:
            return
        self._actions.append(Denied(code))
        if self._state is State.READY:
            code, detail = "refresh_refused", f"This connection goes on with the credential that it has. {detail}"
        self.fail(code, detail, retry_after_ms=retry_after_ms)

    def reauthorize(self, principal: Principal) -> None:
        """The same client may do something else from now on: subscriptions without a grant end, the others go on."""
        if self._state is not State.READY:
            return
        if not self._entitlement.give(principal):
            self.end()
            return
        for request_id, (feed, _) in list(self._subscriptions.items()):
            if not self._entitlement.covers(feed):
                self._withdraw(request_id, feed)
        self._welcome()

    def end(self, code: str = "access_ended") -> None:
        """What the credential opened is closed."""
        if self._state is State.READY:
            self.fail(code, "The credential, or whoever it belongs to, may read nothing here any more.")

    def tick(self, now: float) -> None:
        """Let time pass: authentication that is too late, a credential that expires, a heartbeat that is due."""
        if self._state is State.CLOSING:
            return
        if self._state is State.CONNECTED and now - self._opened >= self._limits.auth_timeout:
            if not self._authenticating:
                self.fail("auth_timeout", f"No credential came within {self._limits.auth_timeout:g} s.")
            return
        if self._entitlement.has_expired(now):
            self.fail("token_expired", "The credential has expired.")
            return
        expires_at = self._entitlement.due(now, self._limits.expiry_warning)
        if expires_at is not None:
            self._send(frames.expiring(expires_at, now))
        if now - self._last_heartbeat >= self._limits.heartbeat:
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
            self._close(code, reason)

    def fail(self, code: str, detail: str, request_id: str | None = None, retry_after_ms: int | None = None) -> None:
        """Report an error, and close where `protocol.ERRORS` says so. Who is being sent away is told nothing more."""
        if self._state is State.CLOSING:
            return
        self._send(frames.error(code, detail, request_id=request_id, retry_after_ms=retry_after_ms))
        close = ERRORS[code].close
        if close is not None:
            self._close(close, code)

    def forget(self, request_id: str) -> None:
        """A subscription could not begin; its id is free again."""
        self._subscriptions.pop(request_id, None)

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
        if self._authenticating:
            raise BadMessage(
                "invalid_request", "A credential of this connection is being checked; wait for its outcome."
            )
        self._authenticating = True
        self._actions.append(Authenticate(request.token))

    def _subscribe(self, request: Subscribe) -> None:
        if request.id in self._subscriptions:
            raise BadMessage("duplicate_id", "A subscription with this id exists already.", request.id)
        limits = self._limits
        if len(self._subscriptions) >= limits.max_subscriptions:
            self._actions.append(Reached("max_subscriptions"))
            detail = f"A connection has at most {limits.max_subscriptions} subscriptions."
            raise BadMessage("too_many_subscriptions", detail, request.id)
        if (excess := filter_excess(request.filter, limits.filter_fields, limits.filter_values)) is not None:
            self._actions.append(Reached(excess))
            detail = "The filter has more fields or values than hello.limits allows; subscribe with less, or without."
            raise BadMessage("filter_too_large", detail, request.id)
        channel, feed = self._entitlement.permitted(request)
        filter_ = parse_filter(request.filter, channel, request.id)
        if (feed, filter_) in self._subscriptions.values():
            raise BadMessage(
                "duplicate_view", "Another subscription has the same channel, scope and filter.", request.id
            )
        self._subscriptions[request.id] = (feed, filter_)
        self._actions.append(Join(request, channel, feed, filter_))

    def _unsubscribe(self, request: Unsubscribe) -> None:
        found = self._subscriptions.pop(request.id, None)
        if found is None:
            raise BadMessage("unknown_id", "There is no subscription with this id.", request.id)
        self._actions.append(Leave(request.id, found[0], "client"))
        self._send(frames.simple("unsubscribed", id=request.id))

    def _withdraw(self, request_id: str, feed: Feed) -> None:
        """End a subscription that the client did not ask to end. First of all: nothing of it is written after this."""
        del self._subscriptions[request_id]
        self._actions.append(Leave(request_id, feed, "grant_ended"))
        self.fail("grant_ended", f"The credential no longer grants channel '{feed.channel}' there.", request_id)
        self._send(frames.simple("unsubscribed", id=request_id))

    def _welcome(self) -> None:
        if self.principal is not None:
            self._send(frames.welcome(self.principal, self._entitlement.channels))

    def _send(self, data: bytes) -> None:
        self._actions.append(Send(data))

    def _close(self, code: CloseCode, reason: str) -> None:
        self.state = State.CLOSING
        self._actions.append(Close(code, reason))
