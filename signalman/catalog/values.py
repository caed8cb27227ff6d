"""Compiles the values that row changes give to columns, and checks constants against the columns' types."""

import re
from collections.abc import Mapping
from typing import cast

from signalman.catalog.findings import Findings
from signalman.catalog.models import TableShape, ValueShape, WhenShape
from signalman.catalog.names import quoted
from signalman.event import Json
from signalman.table import ColumnType, Setting, Source, When

_KINDS: Mapping[ColumnType, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "text"),
    "integer": ((int,), "a whole number"),
    "integer64": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "number32": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "flag": ((bool,), "true or false"),
    "uuid": ((str,), "text"),
    "time": ((), "nothing that a file can say"),
    "time_ms": ((), "nothing that a file can say"),
}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIMES = ("time", "time_ms")
_WHOLE = ("integer", "integer64")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "enum": ("text",),
    "unix": _TIMES,
    "divide": ("number", "number32"),
    "at_least": _WHOLE,
}
"""Conversion → types of columns that it is for. ``map`` is for any."""


NO_TYPE = "has no type: `types` of the table must name it"
"""What to say of a column that is set, and of which the table does not say what it looks like."""


def column_type(table: TableShape, column: str) -> tuple[ColumnType, bool] | None:
    """Type of a *column*, and whether it can be null; None when the table does not say."""
    written = table.types.get(column)
    return None if written is None else (cast("ColumnType", written.removesuffix("?")), written.endswith("?"))


def compile_setting(column: str, file: ValueShape, table: TableShape, findings: Findings) -> Setting | None:
    """One column's value; None, and noted, where its table gives it no type."""
    typed = column_type(table, column)
    if typed is None:
        findings.add(NO_TYPE)
        return None
    kind, nullable = typed
    if file.keep_zero and not nullable:
        findings.add("has no effect: the column cannot be null", "keep_zero")
    return Setting(column, kind, nullable, bool(file.keep_zero), _sources(file, kind, findings))


def compile_when(file: WhenShape, findings: Findings) -> When:
    """A condition."""
    if file.one_of and file.none_of:
        findings.add("`one_of` and `none_of` exclude each other", "none_of")
    return When(file.path, file.one_of, file.none_of)


def misfit(value: Json, kind: ColumnType) -> str | None:
    """What to say about a constant that is not what a column of type *kind* holds; None when it is."""
    types, wanted = _KINDS[kind]
    fits = isinstance(value, types) and (isinstance(value, bool) == (bool in types))
    if fits and kind == "uuid" and not _UUID.fullmatch(value):
        return "must be a UUID in lower case"
    return None if fits else f"must be {wanted}, because the column's type is {quoted([kind])}"


def in_row(value: Json, kind: ColumnType) -> Json:
    """A fitting constant as rows have it."""
    if kind == "integer64":
        return str(value)
    return int(value) if kind == "flag" else value


def _sources(file: ValueShape, kind: ColumnType, findings: Findings) -> tuple[Source, ...]:
    if file.first is None:
        return (_source(file, kind, findings),)
    for key in _given(file) - {"first", "keep_zero"}:
        findings.add("belongs inside of `first`, to one of its values", key)
    for index, each in enumerate(file.first):
        for key in _given(each) & {"first", "keep_zero"}:
            findings.add("belongs outside of `first`, once", "first", index, key)
    return tuple(
        _source(each, kind, findings.at("first", index)) for index, each in enumerate(file.first) if each.first is None
    )


def _source(file: ValueShape, kind: ColumnType, findings: Findings) -> Source:
    given = _given(file)
    origins = sorted(given & {"path", "value", "time"})
    if len(origins) != 1:
        findings.add(f"must have exactly one of {quoted(['path', 'value', 'time', 'first'])}")
    _check_conversions(file, kind, given, findings)
    if file.value is not None and (reason := misfit(file.value, kind)):
        findings.add(reason, "value")
    if file.time and kind not in _TIMES:
        findings.add(f"is a time, and the column's type is {quoted([kind])}", "time")
    for text, value in file.map.items():
        if reason := misfit(value, kind):
            findings.add(reason, "map", text)
    return Source(
        path=file.path,
        value=file.value,
        time=bool(file.time),
        enum=file.enum,
        map=file.map,
        unix=file.unix,
        divide=file.divide or 1,
        at_least=file.at_least,
        when=compile_when(file.when, findings.at("when")) if file.when else None,
    )


def _check_conversions(file: ValueShape, kind: ColumnType, given: set[str], findings: Findings) -> None:
    conversions = sorted(given & {*_NEEDS, "map"})
    for key in conversions:
        if file.path is None:
            findings.add("has a meaning only with `path`", key)
        elif kind not in _NEEDS.get(key, (kind,)):
            findings.add(f"is for columns of type {quoted(_NEEDS[key])}, and this one's is {quoted([kind])}", key)
    if len(conversions) > 1:
        findings.add(f"cannot be combined with `{conversions[0]}`", conversions[1])


def _given(file: ValueShape) -> set[str]:
    return {key for key in file.model_fields_set if getattr(file, key) is not None}
