import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.errors import DecodeError
from signalman.event import Record
from signalman.relay.deadletter import MAX_LETTER_BYTES, MAX_SIDE_BYTES, MAX_VALUE_BYTES, letter
from tests.unit.relay.make import TENANT, body, record

ERROR = DecodeError("wrong_type", "event_id")


def read(source: Record, **others: bool) -> dict[str, Any]:
    """The letter of *source*, parsed."""
    parsed = orjson.loads(letter(source, ERROR, "signalman-analytics", **others))
    assert isinstance(parsed, dict)
    return parsed


def test_letter_is_in_the_platforms_format() -> None:
    """Position, time, ids, the record itself and what was wrong with it: all members the platform's tools read."""
    source = record(b'{"x":}', partition=2, offset=991, headers=[("source", b"foghorn"), ("event_type", b"t")])
    assert read(source) == {
        "topic": "analytics_events",
        "partition": 2,
        "offset": 991,
        "timestamp": "2026-08-20T10:11:12.123Z",
        "event_type": "t",
        "key_base64": base64.b64encode(b"key").decode(),
        "value_base64": base64.b64encode(b'{"x":}').decode(),
        "headers": {"source": "foghorn", "event_type": "t"},
        "error": "wrong_type at event_id",
        "consumer": "signalman-analytics",
    }


def test_ids_are_lifted_header_first() -> None:
    """Headers are believed before the body here, and the body's ids join the headers."""
    made = read(record(body(event_id="from the body"), headers=[("event_type", b"from a header")]))
    lifted = {"tenant_id": TENANT, "event_id": "from the body", "event_type": "from a header"}
    assert {name: made[name] for name in lifted} == lifted
    assert made["headers"] == lifted


def test_ids_of_other_types_are_not_lifted() -> None:
    """A letter about a malformed record is itself well-formed."""
    made = read(record(body(event_id=5, event_type=["x"], tenant_id="x" * 300)))
    assert not {"event_id", "event_type", "tenant_id", "headers"} & made.keys()


def test_bare_record() -> None:
    """A tombstone without key and headers has a letter too."""
    made = read(Record("t", 0, 0, -1, None, None))
    assert made["value_base64"] == ""
    assert made["timestamp"] == "1969-12-31T23:59:59.999Z"
    assert not {"key_base64", "headers", "value_omitted_bytes"} & made.keys()


def test_time_out_of_range() -> None:
    """A nonsensical timestamp does not break the letter."""
    assert read(Record("t", 0, 0, 2**63, None, b"x"))["timestamp"] == "1970-01-01T00:00:00.000Z"


def test_foreign_bytes_in_headers() -> None:
    """Header values that are no UTF-8 are shown as far as they are."""
    assert read(record(b"x", headers=[("h", b"a\xff")]))["headers"] == {"h": "a\ufffd"}


def test_value_of_five_megabytes_is_kept() -> None:
    """The operator gets the record itself."""
    assert len(read(record(b"x" * 5_000_000))["value_base64"]) == 6_666_668


def test_what_is_too_large_is_left_out() -> None:
    """A letter is bounded whatever the record is; its position still leads to the record."""
    key, headers = b"k" * (MAX_SIDE_BYTES + 1), (("h", b"v" * MAX_SIDE_BYTES),)
    made = read(Record("t", 0, 7, 0, key, b"x" * (MAX_VALUE_BYTES + 1), headers))
    assert (made["offset"], made["value_base64"], made["value_omitted_bytes"]) == (7, "", MAX_VALUE_BYTES + 1)
    assert not {"key_base64", "headers"} & made.keys()
    largest = Record(
        "t", 0, 7, 0, b"k" * MAX_SIDE_BYTES, b"x" * MAX_VALUE_BYTES, (("h", b"\0" * (MAX_SIDE_BYTES - 1)),)
    )
    assert len(letter(largest, ERROR, "c")) <= MAX_LETTER_BYTES


def test_value_can_be_left_out() -> None:
    """For a topic that refuses the whole letter."""
    made = read(record(b"abc"), with_value=False)
    assert (made["value_base64"], made["value_omitted_bytes"]) == ("", 3)


@given(
    value=st.none() | st.binary(max_size=100),
    key=st.none() | st.binary(max_size=20),
    headers=st.lists(st.tuples(st.text(max_size=10), st.binary(max_size=20)), max_size=4),
    stamp=st.integers(-(2**63), 2**63),
)
def test_any_record_has_a_letter(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]], stamp: int
) -> None:
    """Whatever a record is made of, its letter is JSON that gives key and value back."""
    made = read(Record("t", 0, 0, stamp, key, value, tuple(headers)))
    assert base64.b64decode(made["value_base64"]) == (value or b"")
    assert key is None or base64.b64decode(made["key_base64"]) == key


@pytest.mark.parametrize("name", ["\ud800", "é", ""])
def test_odd_header_names(name: str) -> None:
    """Names that are no proper text do not break it either."""
    assert len(read(record(b"x", headers=[(name, b"v")]))["headers"]) == 1
