"""Compiles a table's clock rules and the columns that are derived from them."""

from signalman.catalog.findings import Findings
from signalman.catalog.models import ClockShape, TableShape
from signalman.catalog.names import seconds, suggestion
from signalman.catalog.values import NO_TYPE, column_type, in_row, misfit
from signalman.event import Json
from signalman.table import ClockRule, Condition


def compile_clock(file: TableShape, where: tuple[Condition, ...], findings: Findings) -> tuple[ClockRule, ...]:
    """The table's own rules, after those that follow from *where*: what leaves the snapshot by its age leaves the
    subscribers' copies by the same rule.
    """
    implied = tuple(
        ClockRule(each.column, each.value * 1000)
        for each in where
        if each.test == "newer_than" and isinstance(each.value, int) and each.column in file.columns
    )
    _check_derived(file, findings.at("derived"))
    own = tuple(_rule(rule, file, findings.at("clock", index)) for index, rule in enumerate(file.clock))
    return (*implied, *own)


def _rule(file: ClockShape, table: TableShape, findings: Findings) -> ClockRule:
    _check_time(file.column, table, findings)
    if bool(file.set) == bool(file.remove):
        findings.add("must have either `set` or `remove`")
    unless = {
        column: tuple(
            _constant(column, value, table, findings.at("unless", column, index)) for index, value in enumerate(values)
        )
        for column, values in file.unless.items()
        if _is_shown(column, table, findings.at("unless", column))
    }
    changed = {
        column: _constant(column, value, table, findings.at("set", column))
        for column, value in file.set.items()
        if _may_change(column, table, findings.at("set", column))
    }
    return ClockRule(file.column, (seconds(file.after) or 0) * 1000, unless, changed)


def _check_time(column: str, table: TableShape, findings: Findings) -> None:
    if column not in table.columns:
        findings.add(f'column "{column}" is not listed in `columns`{suggestion(column, table.columns)}', "column")
        return
    typed = column_type(table, column)
    if typed is not None and typed[0] not in {"time", "time_ms"}:
        findings.add(f'column "{column}" is no time: its type is "{typed[0]}"', "column")


def _is_shown(column: str, table: TableShape, findings: Findings) -> bool:
    shown = [*table.columns, *table.derived]
    if column not in shown:
        findings.add(f"is not listed in `columns` of the table{suggestion(column, shown)}")
    return column in shown


def _may_change(column: str, table: TableShape, findings: Findings) -> bool:
    if column in table.key or column == table.version:
        findings.add("is the row's key or its version, which time does not change")
        return False
    return _is_shown(column, table, findings)


def _constant(column: str, value: Json, table: TableShape, findings: Findings) -> Json:
    typed = column_type(table, column)
    if typed is None:
        if column not in table.derived:
            findings.add(NO_TYPE)
        return value
    if reason := misfit(value, typed[0]):
        findings.add(reason)
    return in_row(value, typed[0])


def _check_derived(file: TableShape, findings: Findings) -> None:
    moved = {column for rule in file.clock for column in rule.set}
    for column in file.derived:
        if column in file.columns:
            findings.add("is a column of the source: it is listed in `columns`", column)
        elif column not in moved:
            findings.add("never changes: no clock rule sets it", column)
