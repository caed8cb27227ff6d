"""Which of two versions of a row is the newer one. Pure."""

import re

from signalman.clock import moment
from signalman.event import Json

_WHOLE = re.compile(r"-?[0-9]{1,40}")
"""64-bit integers are strings in JSON. Bounded, since longer ones would cost time and no counter has them."""


def is_newer(one: Json, other: Json) -> bool:
    """Whether version *one* is newer than version *other*.

    Two integers, or texts of integers, are compared as such; else two RFC 3339 times, to all of their digits; else
    their texts. No version at all is older than any.
    """
    if one is None or other is None:
        return one is not None
    if _alike(one, other):
        return bool(one > other)
    numbers = _whole(one), _whole(other)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0] > numbers[1]
    moments = moment(one), moment(other)
    if moments[0] is not None and moments[1] is not None:
        return moments[0] > moments[1]
    return str(one) > str(other)


def _alike(one: Json, other: Json) -> bool:
    """Whether both are texts in UTC of the same length: as nearly all times are, which then need not be understood."""
    return isinstance(one, str) and isinstance(other, str) and len(one) == len(other) and one[-1:] == other[-1:] == "Z"


def _whole(value: Json) -> int | None:
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
