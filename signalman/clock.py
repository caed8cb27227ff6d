"""What time alone does to rows: which clock rules of a table hold for a row, and when the next one will.

Gateways go by it for the rows of a snapshot and clients for the rows they hold, so that both have the same rows
whenever they look. Pure: the moment is passed in, Unix milliseconds by the server's clock.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from signalman.event import Json
from signalman.table import ClockRule

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})"
)


class Moment(NamedTuple):
    """A point in time to as many digits as were written. The later one is the greater."""

    seconds: int
    """Unix seconds, rounded down."""
    fraction: str
    """Digits after the point, without zeros at the end."""

    @property
    def ms(self) -> int:
        """Unix milliseconds, rounded down."""
        return self.seconds * 1000 + int(f"{self.fraction[:3]:0<3}")


def moment(value: Json) -> Moment | None:
    """The time that *value*, RFC 3339, says; None when it is no such text."""
    parts = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        return None
    whole, fraction, zone = parts.groups(default="")
    try:
        return Moment(int(datetime.fromisoformat(whole + zone).timestamp()), fraction.rstrip("0"))
    except ValueError:
        return None  # the 30th of February


def apply(row: Mapping[str, Json], rules: Sequence[ClockRule], now_ms: int) -> Mapping[str, Json] | None:
    """*row* as it is at *now_ms*: itself where time has done nothing to it, None where it is gone.

    Rules take effect one after the other, as time would have had it: by the moments from which on they hold, each on
    the row that those before it have left. Of two that set the same column the later one wins.
    """
    due = [(at, rule) for rule in rules if (at := _due(row, rule)) is not None and at <= now_ms]
    for _, rule in sorted(due, key=itemgetter(0)):
        if not rule.set and not _is_excepted(row, rule):
            return None
        if _changes(row, rule):
            row = {**row, **rule.set}
    return row


def next_due(row: Mapping[str, Json], rules: Sequence[ClockRule], after_ms: int | None = None) -> int | None:
    """When a rule changes *row* next, Unix milliseconds, and later than *after_ms*; None where none will."""
    moments = (_due(row, rule) for rule in rules if _changes(row, rule))
    return min((at for at in moments if at is not None and (after_ms is None or at > after_ms)), default=None)


def from_json(rule: Mapping[str, Json]) -> ClockRule:
    """A clock rule as `snapshot` frames have it (`docs/protocol.md`)."""
    unless = {column: tuple(values) for column, values in rule.get("unless", {}).items()}
    return ClockRule(rule["column"], rule["after_ms"], unless, rule.get("set", {}))


def _due(row: Mapping[str, Json], rule: ClockRule) -> int | None:
    began = moment(row.get(rule.column))
    return None if began is None else began.ms + rule.after_ms


def _changes(row: Mapping[str, Json], rule: ClockRule) -> bool:
    """Whether *rule*, once its time has come, leaves *row* other than it is."""
    if _is_excepted(row, rule):
        return False
    return not rule.set or any(not _same(row.get(column), value) for column, value in rule.set.items())


def _is_excepted(row: Mapping[str, Json], rule: ClockRule) -> bool:
    return any(_same(row.get(column), value) for column, values in rule.unless.items() for value in values)


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
