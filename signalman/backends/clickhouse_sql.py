"""What is asked of ClickHouse, as SQL with bound parameters. Pure.

Nothing that a client or an event brought becomes part of a statement's text: values are bound as ``{name:Type}``, which
the server parses by type, and identifiers come from the compiled pack and are checked again here. The scope is asked
for twice, by the WHERE clause and by ``additional_table_filters``, which the server applies to the table wherever it is
read, so that a mistake in the statement's text cannot show the rows of somebody else.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from signalman.errors import BadMessage
from signalman.ports import SnapshotQuery
from signalman.table import Condition, Table

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_OUTPUT: Mapping[str, str] = {
    # Rows as subscribers get them, whatever the columns' types; times in UTC whatever the server's zone.
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": "1",
    "output_format_json_quote_denormals": "0",
    "output_format_json_escape_forward_slashes": "0",
    # A String column may hold any bytes.
    "output_format_json_validate_utf8": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one query may cost the server."""

    seconds: float = 5.0
    memory_bytes: int = 1 << 30
    threads: int = 4


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT, without its FORMAT, and what is sent beside it."""

    sql: str
    parameters: dict[str, Any]
    """Values of ``{name:Type}`` in the text."""
    settings: dict[str, Any] = field(repr=False)


def select_rows(query: SnapshotQuery, database: str, limits: Limits) -> Statement:
    """The listed columns of the rows of *query*, in key order: one row more than ``max_rows`` when it has no limit.

    Raises:
        BadMessage: ``invalid_request`` when scope or ``after`` do not fit the table, or a value is not Unicode text.
    """
    table = query.table
    limit = table.max_rows + 1 if query.limit is None else query.limit
    where = _Where(query)
    where.after()
    sql = (
        f"SELECT {', '.join(map(_name, table.columns))}"  # noqa: S608 # checked names only; values are bound
        f" FROM {_name(database)}.{_name(table.source)} FINAL WHERE {where}"
        f" ORDER BY {', '.join(map(_text, table.key))} LIMIT {{limit:UInt64}}"
    )
    parameters = {**where.parameters, "limit": limit}
    return Statement(sql, parameters, _settings(query, database, limits, max_rows=limit))


def count_rows(query: SnapshotQuery, database: str, limits: Limits) -> Statement:
    """One row with one column ``total``: how many rows *query* has whatever its ``after`` and ``limit``.

    Raises:
        BadMessage: As `select_rows`.
    """
    where = _Where(query)
    source = f"{_name(database)}.{_name(query.table.source)}"
    sql = f"SELECT count() AS total FROM {source} FINAL WHERE {where}"  # noqa: S608 # as above
    return Statement(sql, where.parameters, _settings(query, database, limits, max_rows=1))


def select_columns(table: Table, database: str, limits: Limits) -> Statement:
    """Name and type of each column of the table's source, as far as the user may read it: no row where there is none.

    A user sees of ``system.columns`` what he may read, and needs no other right than that.
    """
    sql = (
        "SELECT name, type FROM system.columns"
        " WHERE database = {database:String} AND table = {source:String} ORDER BY position"
    )
    return Statement(sql, {"database": database, "source": table.source}, {**_OUTPUT, **_bounds(limits)})


def scope_of(query: SnapshotQuery) -> Iterator[tuple[str, str, str]]:
    """Column, ClickHouse type and value of each scope level; a UUID in its canonical form.

    Raises:
        BadMessage: ``invalid_request`` unless there is exactly one non-empty value of the right form per level.
    """
    table = query.table
    if len(query.scope) != len(table.scope) or not all(query.scope):
        raise BadMessage("invalid_request", f"Table '{table.name}' is read for one complete scope.")
    for column, type_, value in zip(table.scope, table.scope_types, query.scope, strict=True):
        if type_ == "uuid":
            yield column, "UUID", _uuid(value)
        else:
            yield column, "String", _encodable(value)


class _Where:
    """The conditions of a query, joined by AND; each says its own text and binds its own values."""

    def __init__(self, query: SnapshotQuery) -> None:
        self._query = query
        self._conditions: list[str] = []
        self.parameters: dict[str, Any] = {}
        for column, type_, value in scope_of(query):
            self._add(f"{_name(column)} = {self._bind('scope', type_, value)}")
        for condition in query.table.where:
            self._add(self._test(condition))
        # By the text of any type of column: a bound array has one type, and these columns may be UUID, Enum or String.
        for column, values in query.filters:
            accepted = [_encodable(value) for value in values]
            self._add(f"has({self._bind('filter', 'Array(String)', accepted)}, {_text(column)})")

    def after(self) -> None:
        """Only rows beyond the query's ``after``, by the very expressions that order them."""
        key, after = self._query.table.key, self._query.after
        if after is None:
            return
        if len(after) != len(key):
            raise BadMessage("invalid_request", "The position to go on after is not a key of this table.")
        bound = ", ".join([self._bind("after", "String", _encodable(value)) for value in after])
        self._add(f"tuple({', '.join(map(_text, key))}) > tuple({bound})")

    def __str__(self) -> str:
        return " AND ".join(self._conditions)

    def _add(self, condition: str) -> None:
        self._conditions.append(condition)

    def _bind(self, what: str, type_: str, value: Any) -> str:
        name = f"{what}_{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{type_}}}"

    def _test(self, condition: Condition) -> str:
        column = _name(condition.column)
        match condition.test:
            case "unset":
                return _is_unset(column)
            case "set":
                return f"NOT {_is_unset(column)}"
            case "equals":
                return f"ifNull({self._equals(condition)}, false)"
            case "differs":
                return f"NOT ifNull({self._equals(condition)}, false)"
            case "newer_than":
                return f"{column} > now64(3) - toIntervalSecond({self._bind('age', 'UInt32', condition.value)})"

    def _equals(self, condition: Condition) -> str:
        match condition.value:
            case bool():
                return f"{_name(condition.column)} = {self._bind('value', 'Bool', condition.value)}"
            case int():
                return f"{_name(condition.column)} = {self._bind('value', 'Int64', condition.value)}"
            case _:
                return f"{_text(condition.column)} = {self._bind('value', 'String', condition.value)}"


def _settings(query: SnapshotQuery, database: str, limits: Limits, *, max_rows: int) -> dict[str, Any]:
    return {
        **_OUTPUT,
        "additional_table_filters": {f"{database}.{query.table.source}": _scope_filter(query)},
        # Before FINAL a condition on anything but the sorting key would bring old versions of a row back to life.
        "optimize_move_to_prewhere_if_final": "0",
        # LIMIT keeps within it; this is for the statement that would not.
        "max_result_rows": str(max_rows),
        "result_overflow_mode": "throw",
        **_bounds(limits),
    }


def _bounds(limits: Limits) -> dict[str, str]:
    return {
        "max_execution_time": str(limits.seconds),
        "timeout_overflow_mode": "throw",
        "max_memory_usage": str(limits.memory_bytes),
        "max_threads": str(limits.threads),
        "readonly": "2",
        "log_comment": "signalman",
    }


def _scope_filter(query: SnapshotQuery) -> str:
    """The scope as an SQL expression, for a setting that takes no parameters: hence text as hexadecimal digits."""
    return " AND ".join(
        f"{_name(column)} = " + (f"toUUID('{value}')" if type_ == "UUID" else f"unhex('{value.encode().hex()}')")
        for column, type_, value in scope_of(query)
    )


def _is_unset(column: str) -> str:
    return f"ifNull({column} = defaultValueOfArgumentType(assumeNotNull({column})), true)"


def _name(identifier: str) -> str:
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"not an SQL name: {identifier!r}")
    return f"`{identifier}`"


def _text(column: str) -> str:
    return f"toString({_name(column)})"


def _encodable(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadMessage("invalid_request", "A value is not Unicode text.") from None
    return value


def _uuid(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise BadMessage("invalid_request", "The scope is not a UUID.") from None
