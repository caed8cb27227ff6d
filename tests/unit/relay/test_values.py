"""Values as rows have them, and never anything else."""

import struct
from datetime import UTC, datetime
from typing import Any, cast, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman import clock
from signalman.relay.values import CONVERT, ZERO, Unreadable, from_unix, millis, seconds
from signalman.table import ColumnType

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KINDS: tuple[ColumnType, ...] = get_args(ColumnType)
SHAPES: dict[ColumnType, type | tuple[type, ...]] = {
    "text": str,
    "integer": int,
    "integer64": str,
    "number": (int, float, type(None)),
    "number32": (int, float, type(None)),
    "bool": bool,
    "flag": int,
    "uuid": str,
    "time": str,
    "time_ms": str,
}


@pytest.mark.parametrize("kind", KINDS)
@given(value=JSON)
def test_any_value_is_read_or_refused(kind: ColumnType, value: Any) -> None:
    """Whatever a producer sends, a column gets a value of its shape, which reading again does not change, or none."""
    try:
        read = CONVERT[kind](value)
    except Unreadable:
        return
    assert isinstance(read, SHAPES[kind])
    assert read is None or CONVERT[kind](read) == read
    if isinstance(read, int):
        return  # of any size: JSON has no limit, and the column's is the platform's to keep
    orjson.dumps(read)


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_are_values_of_their_type(kind: ColumnType) -> None:
    """What stands where nothing is said has the very shape of what is said."""
    assert CONVERT[kind](ZERO[kind]) == ZERO[kind]


@given(st.integers(min_value=-(2**63), max_value=2**64 - 1))
def test_64_bits_are_text(number: int) -> None:
    """Whether they come as text, as the platform sends them, or as a number."""
    assert CONVERT["integer64"](str(number)) == CONVERT["integer64"](number) == str(number)


@pytest.mark.parametrize(("written", "read"), [("007", "7"), ("-0", "0"), ("0", "0")])
def test_one_way_to_write_a_number(written: str, read: str) -> None:
    """Versions are compared, and rows with those of snapshots."""
    assert CONVERT["integer64"](written) == read


@pytest.mark.parametrize(
    "wrong", ["", " 1", "1_0", "\N{ARABIC-INDIC DIGIT ONE}", "1e3", "x" * 30, "9" * 30, True, 1.5, [], {}]
)
def test_no_numbers(wrong: object) -> None:
    """Only digits are a number; nobody means anything by the rest."""
    with pytest.raises(Unreadable):
        CONVERT["integer"](wrong)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float32_has_its_own_digits(number: float) -> None:
    """Fewer than a 64-bit float, and yet the very same number when read as what it is."""
    read = CONVERT["number32"](number)
    assert struct.pack("<f", read) == struct.pack("<f", number) or read == number == 0


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (29.97, b"29.97"),
        (struct.unpack("<f", struct.pack("<f", 29.97))[0], b"29.97"),
        (30.0, b"30"),
        (1 / 3, b"0.33333334"),
    ],
)
def test_digits(number: float, written: bytes) -> None:
    """As ClickHouse writes a Float32."""
    assert orjson.dumps(CONVERT["number32"](number)) == written


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2106, 1, 1)), st.integers(0, 999))  # noqa: DTZ001 # in UTC, below
def test_times_are_cut(moment: datetime, nanoseconds: int) -> None:
    """An event's time and the same moment in a field, in seconds and in milliseconds: always the same text, earlier by
    less than what was cut.
    """
    moment = moment.replace(tzinfo=UTC)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}{nanoseconds:03}Z"
    unix_ms = int(moment.timestamp()) * 1000 + moment.microsecond // 1000
    assert seconds(stamp) == CONVERT["time"](stamp) == (from_unix(str(unix_ms // 1000), "s", "time") or ZERO["time"])
    assert millis(stamp) == CONVERT["time_ms"](stamp) == (from_unix(unix_ms, "ms", "time_ms") or ZERO["time_ms"])
    told, kept = clock.moment(stamp), clock.moment(millis(stamp))
    assert told is not None
    assert kept is not None
    assert kept.ms == told.ms


@pytest.mark.parametrize("wrong", [-1, "4294967296", "soon", 1.5, None, [], True])
def test_moments_that_no_column_can_hold(wrong: object) -> None:
    """Before 1970, after 2106, or not a number."""
    with pytest.raises(Unreadable):
        from_unix(wrong, "s", "time")


@pytest.mark.parametrize(
    "wrong", ["2026-08-20", "2026-08-20T10:11:12", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+01:00", "now", 5, None]
)
def test_no_times(wrong: object) -> None:
    """A time without its zone is no moment."""
    with pytest.raises(Unreadable):
        CONVERT["time"](cast("Any", wrong))
