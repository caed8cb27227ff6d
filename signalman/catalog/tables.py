"""Compiles the tables of one channel file."""

from collections.abc import Iterable, Mapping, Sequence

from signalman.catalog.clock import compile_clock
from signalman.catalog.findings import Findings
from signalman.catalog.models import ConditionShape, TableShape
from signalman.catalog.names import quoted, seconds, suggestion
from signalman.catalog.pack import Pack, by_level, repeated
from signalman.catalog.redactions import Shown, Target, check_reserved, compile_redactions
from signalman.catalog.values import column_type
from signalman.channel import EventType, Filter
from signalman.fields import Operation
from signalman.table import ClockRule, ColumnType, Condition, Table

_TYPES: Mapping[Operation, tuple[ColumnType, ...]] = {
    "mask": ("text",),
    "hash": ("text", "uuid", "integer", "integer64"),
    "centroid": ("number", "number32"),
    "url": ("text",),
    "json": ("text",),
    "scan": ("text",),
}
"""Operator → types of columns that it is for. ``null`` is for any."""


def compile_table(
    name: str, file: TableShape, pack: Pack, events: Iterable[EventType], filters: Iterable[Filter], findings: Findings
) -> Table:
    """Check what several keys say together, and compile. *events* and *filters* are the channel's."""
    repeated(file.columns, "column", findings.at("columns"))
    repeated(file.key, "column", findings.at("key"))
    _check_listed(file, findings)
    levels = [level.name for level in pack.levels]
    own = by_level(file.scope, levels, findings.at("scope"), complete=False)
    where = tuple(_condition(where, findings.at("where", index)) for index, where in enumerate(file.where))
    changing = [event for event in events if any(change.table == name for change in event.rows)]
    constant = frozenset({*file.key, *file.constant})
    _check_filters(constant, changing, filters, findings)
    if changing:
        _check_ages(where, file, findings.at("where"))
    clock = compile_clock(file, where, findings)
    redactions = compile_redactions(file, Shown(file.columns, "columns"), pack, findings)
    _check_redacted(redactions.targets, file, filters, clock)
    return Table(
        name=name,
        title=file.title,
        source=file.source,
        scope=tuple(own.get(level, column) for level, column in zip(levels, pack.columns, strict=True)),
        scope_types=tuple(level.type for level in pack.levels),
        key=file.key,
        columns=file.columns,
        version=file.version,
        where=where,
        max_rows=file.max_rows,
        expose=frozenset(file.expose),
        compared=file.compared,
        final=file.final,
        clock=clock,
        constant=constant,
        changed_by=frozenset(event.name for event in changing),
        derived=file.derived,
        redact=redactions.redact,
        about=file.about,
        drop=redactions.drop,
        why=redactions.why,
    )


def _check_redacted(
    targets: Sequence[Target], file: TableShape, filters: Iterable[Filter], clock: Iterable[ClockRule]
) -> None:
    """Rows are told apart, compared, filtered and aged by some columns, after redaction as before it."""
    timed = {column for rule in clock for column in (rule.column, *rule.unless, *rule.set)}
    check_reserved(targets, file.key, 'is part of the key, which may only be "hash"ed', but="hash")
    check_reserved(targets, {file.version} if file.version else (), "is the version: rows could not be compared")
    check_reserved(targets, {each.name for each in filters}, "is a filter: subscribers could not give its values")
    check_reserved(targets, timed - {*file.key, file.version}, "is in a clock rule, which goes by its value")
    for path, operation, place in targets:
        typed = column_type(file, path)
        if typed is not None and typed[0] not in _TYPES.get(operation, typed):
            wanted = quoted(_TYPES[operation])
            place.add(f'operator "{operation}" is for columns of type {wanted}, and this one\'s is "{typed[0]}"')


def _check_listed(file: TableShape, findings: Findings) -> None:
    """Whatever is said of a column is said of one that a subscriber sees."""
    for key, names in (("key", file.key), ("expose", file.expose), ("constant", file.constant)):
        for index, name in enumerate(names):
            if name not in file.columns:
                findings.add(f'column "{name}" is not listed in `columns`{suggestion(name, file.columns)}', key, index)
    if file.version is not None and file.version not in file.columns:
        hint = suggestion(file.version, file.columns)
        findings.add(f'column "{file.version}" is not listed in `columns`{hint}', "version")
    for name in file.types:
        if name not in file.columns:
            findings.add(f"is not listed in `columns`{suggestion(name, file.columns)}", "types", name)
    if file.compared and file.version is None:
        findings.add("has no meaning without `version`", "compared")


def _check_filters(
    constant: frozenset[str], changing: Iterable[EventType], filters: Iterable[Filter], findings: Findings
) -> None:
    """A subscription with a filter keeps a table current only if each event that changes a row passes by the row's own
    value: a constant column that is a filter must be the very field of the data.
    """
    for name in sorted(constant & {each.name for each in filters}):
        for event in changing:
            if event.keep.get(name, ()) is not None:
                what = f'column "{name}" is a filter and constant, and event type "{event.name}", which changes rows,'
                findings.add(f"{what} does not keep that field")


def _check_ages(where: tuple[Condition, ...], file: TableShape, findings: Findings) -> None:
    for index, each in enumerate(where):
        if each.test == "newer_than" and each.column not in file.columns:
            reason = "is not listed in `columns`: subscribers could not tell when a row is too old"
            findings.add(f'column "{each.column}" {reason}', index, "column")


def _condition(file: ConditionShape, findings: Findings) -> Condition:
    return Condition(file.column, file.test, _value(file, findings))


def _value(file: ConditionShape, findings: Findings) -> str | int | bool | None:
    """The value in the form that the test needs."""
    if file.test in {"unset", "set"}:
        if file.value is not None:
            findings.add(f'has no meaning with test "{file.test}"', "value")
        return None
    if file.value is None:
        findings.add(f'is required with test "{file.test}"', "value")
        return None
    if file.test != "newer_than":
        return file.value
    age = seconds(file.value) if isinstance(file.value, str) else None
    if age is None:
        findings.add('must be an age as text, such as "90s", "15m", "4h" or "7d"', "value")
    return age
