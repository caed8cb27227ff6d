"""Whether a table in ClickHouse is what the pack takes it for. Pure.

Two kinds of things can be wrong. A fault means that rows cannot be read, or that clients would put them together
wrongly: the table is not read at all until it is mended. A warning means that a value looks one way in rows of the
snapshot and another way in rows of events; the table is read, and whoever wrote the pack should know.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from signalman.channel import Channel
from signalman.table import ColumnType, Setting, Table

_NULLABLE = re.compile(r"Nullable\((?P<inner>.*)\)")
_WRAPPED = re.compile(r"LowCardinality\((?P<low>.*)\)|SimpleAggregateFunction\(\w+(?:\([^)]*\))?, (?P<simple>.*)\)")

_FORMS: Mapping[ColumnType, re.Pattern[str]] = {
    "text": re.compile(r"String|FixedString\(\d+\)|Enum(8|16)\(.*\)|UUID|IPv4|IPv6"),
    "integer": re.compile(r"U?Int(8|16|32)"),
    "integer64": re.compile(r"U?Int64"),
    "number": re.compile(r"Float64"),
    "number32": re.compile(r"Float32"),
    "bool": re.compile(r"Bool"),
    "flag": re.compile(r"U?Int8"),
    "uuid": re.compile(r"UUID"),
    "time": re.compile(r"DateTime(32)?(\(.*\))?"),
    "time_ms": re.compile(r"DateTime64\(3(, .*)?\)"),
}
"""Types whose values look, as JSON, like the values that events have for a column of this kind."""

_MOMENT = re.compile(r"DateTime(32|64)?(\(.*\))?")
_AGED = re.compile(r"Date(32)?|" + _MOMENT.pattern)
_COUNTED = re.compile(r"U?Int\d+|Float(32|64)|Decimal.*|Bool|Enum(8|16)\(.*\)|" + _MOMENT.pattern)


@dataclass(frozen=True, slots=True)
class Fit:
    """What is wrong with one table, in sentences for those who run Signalman."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def fit(channel: Channel, table: Table, columns: Mapping[str, str] | None) -> Fit:
    """Compare *table* of *channel* with the *columns* of its source, column → ClickHouse type; None: there is none."""
    if columns is None:
        return Fit((f"{table.name}: there is no table '{table.source}', or its user may not read it",))
    problems = [*_missing(table, columns), *_unreadable(table, columns), *_misleading(channel, table, columns)]
    return Fit(_said(table, problems), _said(table, _unlike(channel, table, columns)))


def _said(table: Table, problems: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{table.name}: {problem}" for problem in problems))


def _missing(table: Table, columns: Mapping[str, str]) -> Iterator[str]:
    for column in table.scope:
        if column not in columns:
            yield (
                f"column '{column}' is not in '{table.source}', and it alone tells whose a row is:"
                " nothing of this table can be shown to anybody"
            )
    named = (*table.key, *table.columns, *filter(None, [table.version]), *(each.column for each in table.where))
    for column in dict.fromkeys(named):
        if column not in columns and column not in table.derived and column not in table.scope:
            yield f"column '{column}' is not in '{table.source}'"


def _unreadable(table: Table, columns: Mapping[str, str]) -> Iterator[str]:
    """Columns whose types the query cannot be asked over."""
    for column, kind in zip(table.scope, table.scope_types, strict=True):
        if kind == "uuid":  # a text is compared with columns of many types
            yield from _unless(_FORMS["uuid"], columns, column, "cannot be compared with a scope, which is a UUID")
    for condition in table.where:
        if condition.test == "newer_than":
            yield from _unless(_AGED, columns, condition.column, "has no age: it is not a time")
        elif condition.test in {"equals", "differs"} and not isinstance(condition.value, str):
            yield from _unless(_COUNTED, columns, condition.column, "cannot be compared with a number")


def _misleading(channel: Channel, table: Table, columns: Mapping[str, str]) -> Iterator[str]:
    """Columns by which clients decide what a row is: read in another form, they would decide wrongly."""
    for rule in table.clock:
        yield from _unless(_MOMENT, columns, rule.column, "is not a time, which the table's clock goes by")
    version = _settings(channel, table).get(table.version or "") if table.compared else None
    if version is not None:
        yield from _unless(_FORMS[version.type], columns, version.column, "is the version of rows, and unlike events'")


def _unlike(channel: Channel, table: Table, columns: Mapping[str, str]) -> Iterator[str]:
    for column, setting in _settings(channel, table).items():
        if column not in columns:
            continue
        yield from _unless(_FORMS[setting.type], columns, column, f"is not what events have there: {setting.type}")
        _, nullable = _plain(columns[column])
        if nullable != setting.nullable:
            may = "may be null" if nullable else "cannot be null"
            yield f"column '{column}' {may} in '{table.source}', unlike in events"


def _unless(wanted: re.Pattern[str], columns: Mapping[str, str], column: str, problem: str) -> Iterator[str]:
    if column in columns and not wanted.fullmatch(_plain(columns[column])[0]):
        yield f"column '{column}' of type {columns[column]} {problem}"


def _settings(channel: Channel, table: Table) -> dict[str, Setting]:
    """What events set in rows of *table*, by column."""
    return {
        setting.column: setting
        for event in channel.events.values()
        for change in event.rows
        if change.table == table.name
        for setting in (*change.columns, *change.given, *change.initial)
        if setting.column not in table.derived
    }


def _plain(type_: str) -> tuple[str, bool]:
    """A ClickHouse type out of what is wrapped around it, and whether it can be null."""
    nullable = False
    while True:
        if found := _NULLABLE.fullmatch(type_):
            nullable, type_ = True, found["inner"]
        elif found := _WRAPPED.fullmatch(type_):
            type_ = found["low"] or found["simple"]
        else:
            return type_, nullable
