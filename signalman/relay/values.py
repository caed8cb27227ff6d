"""Values of an event as rows have them: in the very form in which snapshots come from ClickHouse.

That is: 64-bit integers as text, smaller ones as numbers, times as RFC 3339 in UTC to the column's precision, UUIDs in
lower case, a Float32 with no more digits than it has. A value that is not what its column holds is `Unreadable`.
"""

import re
import struct
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from signalman.event import Json
from signalman.relay.scope import UUID
from signalman.table import ColumnType

NO_UUID = "00000000-0000-0000-0000-000000000000"

_WHOLE = re.compile(r"-?[0-9]{1,20}")
_DENORMAL = frozenset({"NaN", "Infinity", "-Infinity"})
_LATEST = 0xFFFF_FFFF
"""Seconds: the last moment that a DateTime can hold."""

_LIMIT = 2**63
_EXACT = 1e15
"""Below it ClickHouse writes a whole number without point and exponent."""


class Unreadable(ValueError):
    """A value that does not fit its column. Without text: it would quote the payload."""


def _text(value: Json) -> Json:
    if isinstance(value, str):
        return value
    raise Unreadable


def whole(value: Json) -> int:
    """*value*, a whole number of at most 64 bits or the text of one.

    Raises:
        Unreadable: It is something else.
    """
    kind = type(value)
    if kind is int or (kind is float and value == value // 1) or (kind is str and _WHOLE.fullmatch(value)):
        number = int(value)
        if -_LIMIT <= number < 2 * _LIMIT:
            return number
    raise Unreadable


def _integer64(value: Json) -> Json:
    return str(whole(value))


def _number(value: Json) -> Json:
    if isinstance(value, float):
        # Two returns: a choice between a number of each kind is one of the wider kind to a compiler.
        if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    # ClickHouse writes null for these, as JSON has no such numbers.
    if isinstance(value, str) and value in _DENORMAL:
        return None
    raise Unreadable


def _number32(value: Json) -> Json:
    number = _number(value)
    return None if number is None else _shortest(number)


# Frame rates, loads in percent: a column of this type has few values.
@lru_cache(maxsize=4096)
def _shortest(number: float) -> Json:
    """The nearest 32-bit float, by the fewest digits that tell it from its neighbours, as `_number` has it."""
    try:
        packed = struct.pack("<f", number)
    except OverflowError:
        raise Unreadable from None
    [nearest] = struct.unpack("<f", packed)
    candidates = (float(f"{nearest:.{digits}g}") for digits in range(6, 9))
    shortest = next((each for each in candidates if struct.pack("<f", each) == packed), float(f"{nearest:.9g}"))
    return _number(shortest)


def _bool(value: Json) -> Json:
    if isinstance(value, bool):
        return value
    return whole(value) != 0


def _flag(value: Json) -> Json:
    if type(value) is bool:
        return 1 if value else 0
    return int(whole(value) != 0)


def _uuid(value: Json) -> Json:
    """A text that is no UUID is what the platform's tables have for none: all zeros."""
    if type(value) is str:
        return _lowered(value)
    raise Unreadable


# The ids of what lives now come again with every report.
@lru_cache(maxsize=4096)
def _lowered(text: str) -> str:
    lowered = text.lower()
    return lowered if UUID.fullmatch(lowered) else NO_UUID


def seconds(stamp: str) -> str:
    """An event's time, RFC 3339, as a DateTime column has it: in UTC, cut to seconds.

    Raises:
        Unreadable: It is a leap second, which ClickHouse cannot hold, or no time.
    """
    if stamp[-1] == "Z" and stamp[10] == "T" and stamp[17] != "6":
        return stamp[:19] + "Z"
    return _moment(stamp).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis(stamp: str) -> str:
    """An event's time, RFC 3339, as a DateTime64(3) column has it: in UTC, cut to milliseconds.

    Raises:
        Unreadable: As `seconds`.
    """
    fraction = stamp[20:-1] if stamp[-1] == "Z" else ""
    if stamp[10] == "T" and stamp[17] != "6" and fraction:
        return f"{stamp[:20]}{fraction[:3]:0<3}Z"
    return _precise(_moment(stamp))


def _moment(stamp: Json) -> datetime:
    try:
        moment = datetime.fromisoformat(stamp.upper())
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        pass
    raise Unreadable


def _precise(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def from_unix(value: Json, unit: str, kind: ColumnType) -> str | None:
    """*value*, in seconds (``s``) or milliseconds (``ms``) since 1970, for a column of type *kind*, a time; None for 0.

    Raises:
        Unreadable: It is no whole number, or no moment that a DateTime can hold.
    """
    if not isinstance(value, str | int):
        raise Unreadable
    return _from_unix(value, unit, kind)


# The same few moments come with every report: when a stream began, when an artifact expires.
@lru_cache(maxsize=4096)
def _from_unix(value: str | int, unit: str, kind: ColumnType) -> str | None:
    moment = whole(value)
    whole_seconds, rest = (moment, 0) if unit == "s" else divmod(moment, 1000)
    if not 0 <= whole_seconds <= _LATEST:
        raise Unreadable
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole_seconds))
    fraction = f".{rest:03}" if kind == "time_ms" else ""
    return f"{text}{fraction}Z" if moment else None


Convert = Callable[[Json], Json]
"""A field's value, neither null nor empty, to the row's. Raises `Unreadable`."""

CONVERT: Mapping[ColumnType, Convert] = {
    "text": _text,
    "integer": whole,
    "integer64": _integer64,
    "number": _number,
    "number32": _number32,
    "bool": _bool,
    "flag": _flag,
    "uuid": _uuid,
    "time": lambda value: _moment(value).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "time_ms": lambda value: _precise(_moment(value)),
}
"""Column type → its conversion."""

AS_IT_IS: Mapping[ColumnType, type] = {"text": str, "integer": int, "bool": bool}
"""Column type → type of JSON values that need no conversion."""

ZERO: Mapping[ColumnType, Json] = {
    "text": "",
    "integer": 0,
    "integer64": "0",
    "number": 0,
    "number32": 0,
    "bool": False,
    "flag": 0,
    "uuid": NO_UUID,
    "time": "1970-01-01T00:00:00Z",
    "time_ms": "1970-01-01T00:00:00.000Z",
}
"""Column type → what a column that cannot be null has where nothing is said."""
