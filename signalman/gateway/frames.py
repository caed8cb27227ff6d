"""What the server says, as bytes of JSON. Shapes: `docs/protocol.md`, "Server → client".

The payload of `events` is not decoded and encoded again: the relay's bytes are joined as they are.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from signalman.event import Position, Scope
from signalman.principal import Principal
from signalman.protocol import SUBPROTOCOL, problem


def rfc3339(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hello(
    *, server: str, heartbeat: float, auth_timeout: float, max_message_bytes: int, max_subscriptions: int
) -> bytes:
    """The first frame: what this server speaks and allows. Times in seconds."""
    return orjson.dumps(
        {
            "type": "hello",
            "protocol": SUBPROTOCOL,
            "server": server,
            "heartbeat_ms": round(heartbeat * 1000),
            "auth_timeout_ms": round(auth_timeout * 1000),
            "limits": {"max_message_bytes": max_message_bytes, "max_subscriptions": max_subscriptions},
        }
    )


def welcome(principal: Principal, channels: Sequence[str]) -> bytes:
    """Who the client is taken for and what it may read."""
    expires = principal.expires_at
    return orjson.dumps(
        {
            "type": "welcome",
            "principal": {"kind": principal.kind, "id": principal.id, "scope": list(principal.scope)},
            "channels": list(channels),
            "expires_at": None if expires is None else rfc3339(expires),
        }
    )


def subscribed(
    *, request_id: str, channel: str, scope: Scope, view: str, position: Position | None, tables: Sequence[str]
) -> bytes:
    """A subscription begins at *position*."""
    return orjson.dumps(
        {
            "type": "subscribed",
            "id": request_id,
            "channel": channel,
            "scope": list(scope),
            "view": view,
            "epoch": position.epoch if position else None,
            "seq": position.seq if position else 0,
            "recovered": False,
            "tables": list(tables),
        }
    )


def snapshot(
    *,
    view: str,
    table: str,
    key: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    part: int,
    last: bool,
    as_of_ms: int,
    lag_ms: int | None,
) -> bytes:
    """One bounded part of a table's rows."""
    return orjson.dumps(
        {
            "type": "snapshot",
            "view": view,
            "table": table,
            "key": list(key),
            "part": part,
            "last": last,
            "as_of": rfc3339(as_of_ms / 1000),
            "lag_ms": lag_ms,
            "rows": list(rows),
        }
    )


def events(view: str, prev: int, position: Position, payloads: Sequence[bytes]) -> bytes:
    """A batch of events, each already JSON. View names are ours and need no escaping."""
    epoch = f',"epoch":"{position.epoch}"' if prev == 0 else ""
    head = f'{{"type":"events","view":"{view}"{epoch},"prev":{prev},"seq":{position.seq},"events":['
    return b"".join((head.encode(), b",".join(payloads), b"]}"))


def caught_up(view: str, seq: int) -> bytes:
    """From here on the view is live."""
    return orjson.dumps({"type": "caught_up", "view": view, "seq": seq})


def reset(view: str, reason: str) -> bytes:
    """The view's continuity is broken; a new `subscribed` follows."""
    return orjson.dumps({"type": "reset", "view": view, "reason": reason})


def error(code: str, detail: str, *, request_id: str | None = None, retry_after_ms: int | None = None) -> bytes:
    """A refused request, with RFC 9457's members; the problem's ``type`` is in ``kind``."""
    body = problem(code, detail)
    message: dict[str, Any] = {"type": "error", "kind": body.pop("type"), **body}
    if request_id is not None:
        message["id"] = request_id
    if retry_after_ms is not None:
        message["retry_after_ms"] = retry_after_ms
    return orjson.dumps(message)


def simple(kind: str, **members: Any) -> bytes:
    """A message whose members are just listed: unsubscribed, stale, fresh, heartbeat, pong, goodbye."""
    return orjson.dumps({"type": kind, **members})
