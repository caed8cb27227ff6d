"""Compiles the row changes of one event type."""

from collections.abc import Mapping, Sequence

from signalman.catalog.findings import Findings
from signalman.catalog.models import RowShape, TableShape, ValueShape
from signalman.catalog.names import suggestion
from signalman.catalog.values import NO_TYPE, column_type, compile_setting, compile_when
from signalman.table import RowChange, Setting


def compile_rows(
    files: Sequence[RowShape], tables: Mapping[str, TableShape], findings: Findings, *, whole: bool
) -> tuple[RowChange, ...]:
    """What an event type does to *tables*. Without *whole*, tables may be missing for their own faults."""
    changes = []
    for index, file in enumerate(files):
        place = findings.at("rows", index)
        table = tables.get(file.table)
        if table is not None:
            changes.append(_Compiler(file, table, place).change())
        elif whole:
            place.add(f'unknown table "{file.table}"{suggestion(file.table, tables)}', "table")
    return tuple(changes)


def fields_read(changes: Sequence[RowChange]) -> frozenset[str]:
    """Top-level fields of the data that *changes* look at, shown or not."""
    settings = [each for change in changes for each in (*change.columns, *change.given, *change.initial)]
    sources = [source for setting in settings for source in setting.sources]
    conditions = [*(when for change in changes for when in change.when), *(each.when for each in sources if each.when)]
    paths = [*(each.path for each in sources if each.path), *(each.path for each in conditions)]
    return frozenset(path.partition(".")[0] for path in paths)


class _Compiler:
    """One row change of one table."""

    def __init__(self, file: RowShape, table: TableShape, findings: Findings) -> None:
        self._file = file
        self._table = table
        self._findings = findings

    def change(self) -> RowChange:
        """Check what several keys say together, and compile."""
        file = self._file
        needed = [*self._table.key, *([self._table.version] if self._table.version else [])]
        self._check_needed(needed)
        if file.op == "delete":
            self._check_delete(needed)
        self._check_once()
        cleared = tuple(
            setting
            for index, column in enumerate(file.clear)
            if (setting := self._cleared(column, self._findings.at("clear", index)))
        )
        return RowChange(
            table=file.table,
            op=file.op,
            when=tuple(compile_when(when, self._findings.at("when", index)) for index, when in enumerate(file.when)),
            columns=(*self._settings(file.columns, "columns"), *cleared),
            given=self._settings(file.given, "given"),
            initial=(*self._settings(file.initial, "initial"), *self._unsaid()),
        )

    def _unsaid(self) -> tuple[Setting, ...]:
        """The columns that the change does not set: a row that is new has them all the same, null or zero."""
        file = self._file
        if file.op == "delete":
            return ()
        said = {*file.columns, *file.clear, *file.initial}
        # One without a type is told of where it is set.
        said |= file.given.keys() - self._table.types.keys()
        return tuple(
            setting
            for column in self._table.columns
            if column not in said and (setting := self._empty(column, self._findings.at("columns", column)))
        )

    def _settings(self, file: Mapping[str, ValueShape], part: str) -> tuple[Setting, ...]:
        settings = []
        for column, value in file.items():
            place = self._findings.at(part, column)
            if self._is_listed(column, place):
                settings.append(compile_setting(column, value, self._table, place))
        return tuple(setting for setting in settings if setting is not None)

    def _cleared(self, column: str, place: Findings) -> Setting | None:
        return self._empty(column, place) if self._is_listed(column, place) else None

    def _empty(self, column: str, place: Findings) -> Setting | None:
        typed = column_type(self._table, column)
        if typed is None:
            place.add(NO_TYPE)
            return None
        return Setting(column, *typed)

    def _is_listed(self, column: str, place: Findings) -> bool:
        if column in self._table.columns:
            return True
        if column in self._table.derived:
            place.add("is derived: every change gives it its first value again")
        else:
            hint = suggestion(column, self._table.columns)
            place.add(f"is not listed in `columns` of the table{hint}")
        return False

    def _check_needed(self, needed: Sequence[str]) -> None:
        for column in needed:
            if column not in self._file.columns and column in self._table.columns:
                what = "part of the key" if column in self._table.key else "the version"
                self._findings.add(f'lacks "{column}", which is {what} of the table', "columns")

    def _check_delete(self, needed: Sequence[str]) -> None:
        for column in self._file.columns:
            if column not in needed and column in self._table.columns:
                self._findings.add("has no effect on a delete: key and version are enough", "columns", column)
        for part in ("given", "initial", "clear"):
            if getattr(self._file, part):
                self._findings.add("has no effect on a delete", part)

    def _check_once(self) -> None:
        file = self._file
        for column in (*file.given, *file.initial):
            if column in file.columns or column in file.clear:
                part = "given" if column in file.given else "initial"
                self._findings.add("has no effect: the column is always set", part, column)
        for index, column in enumerate(file.clear):
            if column in file.columns or column in file.clear[:index]:
                self._findings.add(f'column "{column}" is set already', "clear", index)
