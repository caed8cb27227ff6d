"""Compiles the tables of one channel file."""

from signalman.catalog.findings import Findings
from signalman.catalog.models import ConditionShape, TableShape
from signalman.catalog.names import seconds, suggestion
from signalman.catalog.pack import Pack, by_level, repeated
from signalman.channel import Condition, Table


def compile_table(name: str, file: TableShape, pack: Pack, findings: Findings) -> Table:
    """Check what several keys say together, and compile."""
    repeated(file.columns, "column", findings.at("columns"))
    repeated(file.key, "column", findings.at("key"))
    _check_listed(file, findings)
    levels = [level.name for level in pack.levels]
    own = by_level(file.scope, levels, findings.at("scope"), complete=False)
    return Table(
        name=name,
        title=file.title,
        source=file.source,
        scope=tuple(own.get(level, column) for level, column in zip(levels, pack.columns, strict=True)),
        scope_types=tuple(level.type for level in pack.levels),
        key=file.key,
        columns=file.columns,
        version=file.version,
        where=tuple(_condition(where, findings.at("where", index)) for index, where in enumerate(file.where)),
        max_rows=file.max_rows,
        expose=frozenset(file.expose),
    )


def _check_listed(file: TableShape, findings: Findings) -> None:
    """Key, version and exposed columns are among the columns that a subscriber sees."""
    for key, names in (("key", file.key), ("expose", file.expose)):
        for index, name in enumerate(names):
            if name not in file.columns:
                findings.add(f'column "{name}" is not listed in `columns`{suggestion(name, file.columns)}', key, index)
    if file.version is not None and file.version not in file.columns:
        hint = suggestion(file.version, file.columns)
        findings.add(f'column "{file.version}" is not listed in `columns`{hint}', "version")


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
