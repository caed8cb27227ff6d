"""The wire protocol `signalman.v1` as data: message names, close codes, error codes. `docs/protocol.md` explains it.

A close code says why a socket ends and whether coming back helps; an error code says the same of one request or one
subscription. Server, clients and documentation all read these two tables, and nothing else decides them.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

SUBPROTOCOL = "signalman.v1"

Retry = Literal["never", "later", "new_credential"]
"""Whether a client may come back: not at all, after a jittered delay, or only with another credential."""


class CloseCode(IntEnum):
    """Close codes of `/v1/ws`: the standard's own (RFC 6455 §7.4), and ours above 4399."""

    NORMAL = 1000
    GOING_AWAY = 1001
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    OVERLOADED = 1013
    BAD_MESSAGE = 4400
    NOT_AUTHENTICATED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    AUTH_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    LIMIT = 4429


@dataclass(frozen=True, slots=True)
class Close:
    """What a close code means to the client that receives it."""

    reason: str
    """Short text sent in the close frame; at most 123 bytes by RFC 6455 §5.5."""
    retry: Retry


CLOSES: dict[CloseCode, Close] = {
    CloseCode.NORMAL: Close("done", "never"),
    CloseCode.GOING_AWAY: Close("server is draining", "later"),
    CloseCode.TOO_BIG: Close("message too big", "never"),
    CloseCode.INTERNAL: Close("internal error", "later"),
    CloseCode.RESTART: Close("server restarts", "later"),
    CloseCode.OVERLOADED: Close("too slow or overloaded", "later"),
    CloseCode.BAD_MESSAGE: Close("bad message", "never"),
    CloseCode.NOT_AUTHENTICATED: Close("not authenticated", "new_credential"),
    CloseCode.FORBIDDEN: Close("forbidden", "never"),
    CloseCode.SUBPROTOCOL: Close("unsupported subprotocol", "never"),
    CloseCode.AUTH_TIMEOUT: Close("authentication took too long", "later"),
    CloseCode.DUPLICATE_ID: Close("duplicate subscription id", "never"),
    CloseCode.LIMIT: Close("limit exceeded", "later"),
}


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What an error code means, in RFC 9457's words."""

    title: str
    status: int
    """The HTTP status that says the same."""
    close: CloseCode | None
    """The code with which the socket closes after this error, or None when it stays open."""


ERRORS: dict[str, ErrorKind] = {
    "bad_message": ErrorKind("The message is not understood", 400, CloseCode.BAD_MESSAGE),
    "unknown_type": ErrorKind("The message type is unknown", 400, None),
    "invalid_request": ErrorKind("The request has invalid members", 422, None),
    "not_authenticated": ErrorKind("Authentication is required", 401, CloseCode.NOT_AUTHENTICATED),
    "auth_timeout": ErrorKind("Authentication took too long", 408, CloseCode.AUTH_TIMEOUT),
    "token_invalid": ErrorKind("The credential is not valid", 401, CloseCode.NOT_AUTHENTICATED),
    "token_expired": ErrorKind("The credential has expired", 401, CloseCode.NOT_AUTHENTICATED),
    "access_ended": ErrorKind("What this credential opened is closed", 401, CloseCode.NOT_AUTHENTICATED),
    "refresh_refused": ErrorKind("The new credential is not taken", 401, None),
    "token_in_url": ErrorKind("Credentials in the URL are refused", 400, CloseCode.NOT_AUTHENTICATED),
    "forbidden": ErrorKind("Not allowed", 403, None),
    "grant_ended": ErrorKind("The credential no longer grants this", 403, None),
    "nothing_granted": ErrorKind("The credential may read no channel", 403, CloseCode.FORBIDDEN),
    "origin_refused": ErrorKind("Pages of this origin may not connect", 403, CloseCode.FORBIDDEN),
    "subprotocol": ErrorKind("None of the offered subprotocols is spoken here", 400, CloseCode.SUBPROTOCOL),
    "not_found": ErrorKind("No such resource", 404, None),
    "unknown_channel": ErrorKind("No such channel", 404, None),
    "duplicate_id": ErrorKind("The subscription id is in use", 409, CloseCode.DUPLICATE_ID),
    "duplicate_view": ErrorKind("Another subscription of this connection delivers the same", 409, None),
    "unknown_id": ErrorKind("No such subscription", 404, None),
    "too_many_subscriptions": ErrorKind("Too many subscriptions", 429, None),
    "too_many_connections": ErrorKind("Too many connections", 429, CloseCode.LIMIT),
    "too_many_attempts": ErrorKind("Too many attempts to connect", 429, CloseCode.LIMIT),
    "too_many_messages": ErrorKind("Too many messages", 429, CloseCode.LIMIT),
    "too_many_snapshots": ErrorKind("Too many snapshots", 429, None),
    "filter_too_large": ErrorKind("The filter is too large", 422, None),
    "snapshot_unavailable": ErrorKind("The snapshot cannot be read now", 503, None),
    "snapshot_too_large": ErrorKind("The snapshot exceeds its limit of rows", 422, None),
    "directory_unavailable": ErrorKind("Credentials cannot be checked now", 503, CloseCode.OVERLOADED),
    "tickets_unavailable": ErrorKind("Tickets cannot be given or taken now", 503, CloseCode.OVERLOADED),
    "bus_unavailable": ErrorKind("The event bus cannot be reached now", 503, None),
    "too_slow": ErrorKind("The client reads too slowly", 429, CloseCode.OVERLOADED),
    "overloaded": ErrorKind("The gateway has no room for another connection", 503, CloseCode.OVERLOADED),
    "internal": ErrorKind("Something went wrong on our side", 500, CloseCode.INTERNAL),
}

CLIENT_MESSAGES = ("auth", "subscribe", "unsubscribe", "ping")
"""Values of ``type`` that a client may send."""

SERVER_MESSAGES = (
    "hello",
    "welcome",
    "subscribed",
    "unsubscribed",
    "snapshot",
    "events",
    "caught_up",
    "bookmark",
    "reset",
    "dropped",
    "stale",
    "fresh",
    "error",
    "pong",
    "heartbeat",
    "expiring",
    "goodbye",
)
"""Values of ``type`` that a server may send. Clients ignore a type they do not know."""


def problem(code: str, detail: str, **members: object) -> dict[str, object]:
    """RFC 9457 members for error *code*, the same in a WebSocket ``error`` and in an HTTP problem body."""
    kind = ERRORS[code]
    return {
        "code": code,
        "type": f"urn:signalman:error:{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        **members,
    }


ResetReason = Literal["gap", "epoch", "skipped", "slow", "snapshot", "trimmed", "changed"]
"""Why a view starts over: `docs/protocol.md`, "Reset"."""
