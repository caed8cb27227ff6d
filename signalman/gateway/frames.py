"""What the server says, as bytes of JSON. Shapes: `docs/protocol.md`, "Server → client".

The payload of `events` is not decoded and encoded again: the relay's bytes are joined as they are.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from signalman.event import Scope
from signalman.principal import Principal
from signalman.protocol import SUBPROTOCOL, problem
from signalman.table import ClockRule, Table


def rfc3339(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hello(*, server: str, heartbeat: float, auth_timeout: float, limits: Mapping[str, float | None]) -> bytes:
    """The first frame: what this server speaks and allows. Times in seconds; a limit that is None is none."""
    return orjson.dumps(
        {
            "type": "hello",
            "protocol": SUBPROTOCOL,
            "server": server,
            "heartbeat_ms": round(heartbeat * 1000),
            "auth_timeout_ms": round(auth_timeout * 1000),
            "limits": limits,
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


def expiring(expires_at: float, now: float) -> bytes:
    """The credential is worth nothing any more from *expires_at* on, Unix seconds as *now*."""
    left = max(0, math.floor(expires_at - now))
    return orjson.dumps({"type": "expiring", "expires_at": rfc3339(expires_at), "in_seconds": left})


def subscribed(
    *,
    request_id: str,
    channel: str,
    scope: Scope,
    view: str,
    epoch: str | None,
    seq: int,
    recovered: bool,
    partial: bool,
    tables: Sequence[str],
) -> bytes:
    """A subscription begins at *seq*. *epoch* is the view's token of it, None while nothing was ever published."""
    return orjson.dumps(
        {
            "type": "subscribed",
            "id": request_id,
            "channel": channel,
            "scope": list(scope),
            "view": view,
            "epoch": epoch,
            "seq": seq,
            "recovered": recovered,
            "partial": partial,
            "tables": list(tables),
        }
    )


def snapshot(
    *,
    view: str,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    part: int,
    last: bool,
    as_of_ms: int,
    lag_ms: int | None,
) -> bytes:
    """One bounded part of a table's rows, with what a client must know to keep them current."""
    return orjson.dumps(
        {
            "type": "snapshot",
            "view": view,
            "table": table.name,
            "key": table.key,
            "rules": {
                "version": table.version,
                "compared": table.compared,
                "final": table.final,
                "clock": [_clock(rule) for rule in table.clock],
            },
            "part": part,
            "last": last,
            "as_of": rfc3339(as_of_ms / 1000),
            "lag_ms": lag_ms,
            "rows": rows,
        }
    )


def _clock(rule: ClockRule) -> dict[str, Any]:
    members: dict[str, Any] = {"column": rule.column, "after_ms": rule.after_ms}
    if rule.unless:
        members["unless"] = dict(rule.unless)
    return members | ({"set": dict(rule.set)} if rule.set else {"remove": True})


def events(view: str, prev: int, seq: int, payloads: Sequence[bytes], epoch: str | None) -> bytes:
    """A batch of events, each already JSON. View names and epochs are ours and need no escaping."""
    said = f',"epoch":"{epoch}"' if epoch is not None else ""
    head = f'{{"type":"events","view":"{view}"{said},"prev":{prev},"seq":{seq},"events":['
    return b"".join((head.encode(), b",".join(payloads), b"]}"))


def bookmark(view: str, seq: int, epoch: str | None = None) -> bytes:
    """Nothing for this view up to *seq*; the chain of ``prev`` goes on from there."""
    said = f',"epoch":"{epoch}"' if epoch is not None else ""
    return f'{{"type":"bookmark","view":"{view}"{said},"seq":{seq}}}'.encode()


def caught_up(view: str, seq: int) -> bytes:
    """From here on the view is live."""
    return orjson.dumps({"type": "caught_up", "view": view, "seq": seq})


def reset(view: str, reason: str, *, request_id: str | None = None) -> bytes:
    """The view's continuity is broken, or subscription *request_id* cannot be resumed; a new `subscribed` follows."""
    message = {"type": "reset", "view": view, "reason": reason}
    if request_id is not None:
        message["id"] = request_id
    return orjson.dumps(message)


def dropped(view: str, *, since: int, to: int, count: int, epoch: str | None) -> bytes:
    """The client read too slowly: what came after *since* and up to *to*, *count* events, is gone. *epoch* as in
    `events`.
    """
    message = {"type": "dropped", "view": view, "from": since, "to": to, "count": count}
    if epoch is not None:
        message["epoch"] = epoch
    return orjson.dumps(message)


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
