"""Rows of a pack's statements → who they are about. Pure. Whatever is not as it should be is nobody."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from signalman.access_ports import Holder, Looked

_TEXT, _LIST, _SECONDS = "text", "text[]", "float8"

_HOLDER = {
    "key": _TEXT,
    "id": _TEXT,
    "scope": _LIST,
    "roles": _LIST,
    "permissions": _LIST,
    "user_id": _TEXT,
    "expires_at": _SECONDS,
}

_YEAR_10000 = 253_402_300_800.0
"""Unix seconds: what RFC 3339 cannot write any more, `infinity` among them, is no expiry."""


class Row(Protocol):
    """One row, by the names of its columns."""

    def __getitem__(self, column: str, /) -> Any: ...


class UnfitError(Exception):
    """A statement does not ask for, or does not return, what it should. The text is safe to show: it has no values."""


class _UnusableError(Exception):
    """A row cannot be understood. Names the column; the value is nobody's business."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


def check_statement(name: str, parameters: Sequence[str], columns: Sequence[tuple[str, str]]) -> None:
    """Hold statement *name* with these types of *parameters* and *columns*, names with types, against what it is for.

    Raises:
        UnfitError: It is not fit; all that is wrong is said at once.
    """
    faults = []
    if [each.replace("varchar", "text") for each in parameters] != [_LIST]:
        faults.append("it needs one parameter, $1::text[]")
    names = [each for each, _ in columns]
    types = dict(columns)
    for column, wanted in _columns(name).items():
        if column not in types:
            faults.append(f"column {column} is missing")
        elif names.count(column) > 1:
            faults.append(f"column {column} is there more than once")
        elif types[column].replace("varchar", "text") != wanted:
            faults.append(f"column {column} is {types[column]}, write {column}::{wanted}")
    if faults:
        raise UnfitError("; ".join(faults))


def _columns(name: str) -> Mapping[str, str]:
    if name.startswith("scopes."):
        return {"scope": _TEXT}
    return {**_HOLDER, "secret_hash": _TEXT} if name == "keys" else _HOLDER


def read_holders(name: Looked, rows: Iterable[Row], asked: Collection[str]) -> tuple[dict[str, Holder], frozenset[str]]:
    """Whom *rows* of statement *name* tell of, by what was *asked*; and the columns in which rows could not be used.
    Of two rows for one key that differ, neither is.
    """
    found: dict[str, Holder] = {}
    conflicts: set[str] = set()
    unusable: set[str] = set()
    for row in rows:
        try:
            key = _text(row, "key", among=asked)
            holder = _holder(name, row)
        except _UnusableError as error:
            unusable.add(error.column)
            continue
        if found.setdefault(key, holder) != holder:
            conflicts.add(key)
            unusable.add("key")
    return {key: holder for key, holder in found.items() if key not in conflicts}, frozenset(unusable)


def read_scopes(rows: Iterable[Row]) -> frozenset[str]:
    """The ids of a ``scopes.…`` statement's rows."""
    return frozenset(row["scope"] for row in rows if isinstance(row["scope"], str))


def _holder(name: Looked, row: Row) -> Holder:
    return Holder(
        id=_text(row, "id"),
        scope=tuple(_ids(row, "scope")),
        roles=frozenset(_names(row, "roles") or ()),
        permissions=None if (names := _names(row, "permissions")) is None else frozenset(names),
        user_id=None if row["user_id"] is None else _text(row, "user_id"),
        expires_at=_moment(row, "expires_at"),
        secret_hash=_text(row, "secret_hash") if name == "keys" else None,
    )


def _text(row: Row, column: str, *, among: Collection[str] | None = None) -> str:
    value = row[column]
    if not isinstance(value, str) or not value or (among is not None and value not in among):
        raise _UnusableError(column)
    return value


def _ids(row: Row, column: Literal["scope"]) -> Iterator[str]:
    value = row[column]
    if not isinstance(value, list) or not value:
        raise _UnusableError(column)
    for each in value:
        if not isinstance(each, str) or not each:
            raise _UnusableError(column)
        yield each


def _names(row: Row, column: str) -> list[str] | None:
    """A name that is NULL or empty is none; what is no list of names at all opens nothing."""
    value = row[column]
    if value is None:
        return None
    if not isinstance(value, list) or not all(each is None or isinstance(each, str) for each in value):
        raise _UnusableError(column)
    return [each for each in value if each]


def _moment(row: Row, column: str) -> float | None:
    value = row[column]
    if value is None:
        return None
    if not isinstance(value, float) or not value >= 0.0:
        raise _UnusableError(column)
    return value if value < _YEAR_10000 else None
