"""What a topic can hold and a relay cannot understand, each with the reason that its dead letter is to give."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.acceptance.records import STREAM, value

SECRET = "do-not-repeat-me"
"""In every bad record, mostly right where the fault is; of a dead letter it may be in the value only."""


@dataclass(frozen=True)
class Bad:
    """A record, and why it is bad."""

    value: bytes | None
    error: str
    headers: tuple[tuple[str, bytes], ...] = ()


def _event(without: str = "", **changes: Any) -> bytes:
    return value(str(uuid4()), without=without, **{"correlation_id": SECRET, **changes})


def _data(**members: Any) -> bytes:
    return _event(data={"stream_id": STREAM, "note": SECRET, **members})


BAD_JSON = (
    Bad(b'{"event_id": "' + SECRET.encode(), "not_json"),
    Bad(f"{SECRET}: not even an attempt".encode(), "not_json"),
    Bad(b'{"event_id": "\xff\xfe ' + SECRET.encode() + b'"}', "not_json"),
    Bad(f'["{SECRET}"]'.encode(), "not_object"),
    Bad(f'"{SECRET}"'.encode(), "not_object"),
    Bad(b'{"a":' * 100 + f'"{SECRET}"'.encode() + b"}" * 100, "too_deep"),
    Bad(b"[" * 100_000, "too_deep"),
    Bad(None, "empty"),
    Bad(b"", "empty"),
)
BAD_ENVELOPES = (
    Bad(_event(event_id=[SECRET]), "wrong_type at event_id"),
    Bad(_event(event_id=17), "wrong_type at event_id"),
    Bad(_event(event_id=SECRET * 100), "too_long at event_id"),
    Bad(_event(without="event_id"), "missing at event_id"),
    Bad(_event(event_type={"name": SECRET}), "wrong_type at event_type"),
    Bad(_event(without="event_type"), "missing at event_type"),
    Bad(_event(timestamp=1_787_220_672), "wrong_type at timestamp"),
    Bad(_event(timestamp=SECRET), "bad_time at timestamp"),
    Bad(_event(timestamp="2026-13-45T10:11:12Z"), "bad_time at timestamp"),
    Bad(_event(source=True), "wrong_type at source"),
    Bad(_event(without="source"), "missing at source"),
    Bad(_event(tenant_id={"id": SECRET}), "wrong_type at tenant_id"),
    Bad(_event(tenant_id=SECRET), "bad_scope at tenant_id"),
    Bad(_event(tenant_id="*"), "bad_scope at tenant_id"),
)
BAD_PAYLOADS = (
    Bad(_event(data=SECRET), "missing at data.stream_buffer"),
    Bad(_event(without="data"), "missing at data.stream_buffer"),
    Bad(_data(stream_buffer=[SECRET]), "wrong_type at data.stream_buffer"),
    Bad(_data(stream_buffer=SECRET), "wrong_type at data.stream_buffer"),
)
BAD_HEADERS = (Bad(b"{", "not_json", (("tenant_id", b"\xff\xfe"), ("source", SECRET.encode()), ("", b""))),)
BAD = BAD_JSON + BAD_ENVELOPES + BAD_PAYLOADS + BAD_HEADERS
