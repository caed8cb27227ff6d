"""What becomes of a record that cannot be understood: a letter in the platform's own dead-letter format.

The letter carries the record itself, in base64 for the operator who has access to that topic, and a reason without any
value of it, for everybody who reads logs and dashboards.
"""

import base64
from datetime import UTC, datetime, timedelta

import orjson

from signalman.errors import DecodeError
from signalman.event import Json, Record
from signalman.relay.scope import LONGEST

MAX_VALUE_BYTES = 8 * 1024 * 1024
"""A larger value is left out of its letter; topic, partition and offset still say where it is."""

MAX_SIDE_BYTES = 64 * 1024
"""The same for the key, and for all headers together."""

MAX_LETTER_BYTES = 12 * 1024 * 1024
"""No letter is longer: 4/3 of the value and the key, six times the headers (control characters as ``\\u0000``)."""

_LIFTED = ("tenant_id", "event_id", "event_type")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def letter(record: Record, error: DecodeError, consumer: str, *, with_value: bool = True) -> bytes:
    """The dead letter of *record* as JSON.

    Args:
        record: What could not be understood; anything may be wrong with it.
        error: Why not: its text is a reason and a place.
        consumer: Who says so, by the pack's name for this topic's consumer.
        with_value: False leaves the value out whatever its size, for a topic that refuses the whole letter.

    Returns:
        At most `MAX_LETTER_BYTES`. Where the value is left out, ``value_base64`` is empty and ``value_omitted_bytes``
        says how long the value was.
    """
    headers = _headers(record)
    lifted = _lifted(headers, record.value)
    members: dict[str, Json] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": _rfc3339(record.timestamp_ms),
        **lifted,
    }
    if record.key is not None and len(record.key) <= MAX_SIDE_BYTES:
        members["key_base64"] = _base64(record.key)
    value = record.value or b""
    members["value_base64"] = _base64(value) if with_value and len(value) <= MAX_VALUE_BYTES else ""
    if value and not members["value_base64"]:
        members["value_omitted_bytes"] = len(value)
    if headers or lifted:
        members["headers"] = {**headers, **lifted}
    return orjson.dumps({**members, "error": str(error), "consumer": consumer})


def _headers(record: Record) -> dict[str, str]:
    if sum(len(name) + len(value) for name, value in record.headers) > MAX_SIDE_BYTES:
        return {}
    # Whatever a producer put there, the letter is JSON text: foreign bytes become U+FFFD.
    return {name.encode(errors="replace").decode(): value.decode(errors="replace") for name, value in record.headers}


def _lifted(headers: dict[str, str], value: bytes | None) -> dict[str, str]:
    body = _body(value)
    candidates = {name: headers.get(name) or body.get(name) for name in _LIFTED}
    return {name: text for name, text in candidates.items() if isinstance(text, str) and 0 < len(text) <= LONGEST}


def _body(value: bytes | None) -> dict[str, Json]:
    if not value or len(value) > MAX_VALUE_BYTES:
        return {}
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _rfc3339(timestamp_ms: int) -> str:
    try:
        time = _EPOCH + timedelta(milliseconds=timestamp_ms)
    except OverflowError:
        time = _EPOCH
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
