"""Tables of a channel, compiled: what their rows are in ClickHouse, what events do to them, and what time does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signalman.event import Json
from signalman.fields import FieldType, Redaction

ColumnType = Literal["text", "integer", "integer64", "number", "number32", "bool", "flag", "uuid", "time", "time_ms"]
"""What a column's values look like in rows, whether they come from ClickHouse or out of an event."""


@dataclass(frozen=True, slots=True)
class ClockRule:
    """What time alone does to a row of a table, with no event: it changes, or it goes.

    The rule holds for a row once ``after_ms`` have passed since the time in ``column``, unless one of the columns in
    ``unless`` has one of the values there. A row without that time is left alone.
    """

    column: str
    after_ms: int
    # Tables are parts of dictionary keys; mappings have no hash.
    unless: Mapping[str, tuple[Json, ...]] = field(default_factory=dict, hash=False)
    set: Mapping[str, Json] = field(default_factory=dict, hash=False)
    """Columns that change. Empty: the row goes."""


@dataclass(frozen=True, slots=True)
class When:
    """A condition on an event's data: the field has one of some values, or none of them, or anything at all."""

    path: str
    one_of: tuple[Json, ...] = ()
    none_of: tuple[Json, ...] = ()
    """With neither it holds where the field is there and is not null, false, 0, ``"0"`` or empty."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value of a row may come from: a field of the data, a constant, or the event's time."""

    path: str | None = None
    """Dotted path within the data as routed, before redaction."""
    value: Json = None
    time: bool = False
    enum: str | None = None
    """The field is an enum's name: its text without this prefix, in lower case. ``UNSPECIFIED`` says nothing."""
    map: Mapping[str, Json] = field(default_factory=dict)
    """Text of the field → value. Other texts say nothing."""
    unix: Literal["s", "ms"] | None = None
    """The field is a time in seconds or milliseconds since 1970; 0 says nothing."""
    divide: int = 1
    at_least: int | None = None
    when: When | None = None
    """Where this does not hold, the source says nothing."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One column's value: that of the first source that says something."""

    column: str
    type: ColumnType
    nullable: bool
    """Whether the column can be null: it is where no source says anything, else it is the type's zero."""
    keep_zero: bool = False
    """Whether zero is a value in a column that can be null; otherwise zero becomes null there."""
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class RowChange:
    """What an event does to one row of a table of its channel."""

    table: str
    op: Literal["upsert", "delete"]
    when: tuple[When, ...] = ()
    """All must hold."""
    columns: tuple[Setting, ...] = ()
    """Always set, the key and the version among them. A delete has these two only."""
    given: tuple[Setting, ...] = ()
    """Set only where a source says something; else the row keeps what it has."""
    initial: tuple[Setting, ...] = ()
    """Set only where the row is new, or has null there."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A fixed restriction of a table's rows. ``test`` is one of a closed set, so that no SQL comes from a file.

    ``unset`` holds for NULL and for the column type's zero (the epoch, the empty text); ``set`` is its opposite.
    """

    column: str
    test: Literal["unset", "set", "equals", "differs", "newer_than"]
    value: str | int | bool | None = None
    """For ``equals``/``differs`` the value, for ``newer_than`` an age in seconds, else None."""


@dataclass(frozen=True, slots=True)
class Table:
    """A keyed current-state set of a channel, backed by one ClickHouse table."""

    name: str
    title: str
    source: str
    """ClickHouse table, without the database."""
    scope: tuple[str, ...]
    """One column per scope level."""
    scope_types: tuple[FieldType, ...]
    key: tuple[str, ...]
    """Columns that identify a row within its scope; the order of pages."""
    columns: tuple[str, ...]
    """Every column a subscriber sees, key columns included. Nothing else is ever selected."""
    version: str | None
    """Column that rises with each change of a row."""
    where: tuple[Condition, ...]
    max_rows: int
    """A snapshot with more rows is refused as too large rather than cut."""
    expose: frozenset[str] = frozenset()
    """Columns that may hold addresses."""
    compared: bool = False
    """Whether ``version`` is by the same clock in rows and in events, so that the older of two is known by it. Without
    that only the order of the log counts: the log overrides the snapshot, what comes later overrides what came before.
    """
    final: bool = False
    """Whether a row that was deleted stays deleted: a later upsert of the same key does not bring it back."""
    clock: tuple[ClockRule, ...] = ()
    """Each takes effect at its moment, one after the other: `signalman.clock`."""
    constant: frozenset[str] = frozenset()
    """Columns that never change for a key, the key columns among them."""
    changed_by: frozenset[str] = frozenset()
    """Event types that change rows. Empty: live events say nothing about this table."""
    derived: Mapping[str, Json] = field(default_factory=dict, hash=False)
    """Columns that are in no store, with the value that every row has there until a clock rule changes it."""
    redact: tuple[Redaction, ...] = ()
    """What is done to values of columns, in snapshots and in row changes alike. A key column is only ever hashed."""
    about: str = ""
    """What a row is, in a sentence for people."""
    drop: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Columns of the source that are known and deliberately not shown → why."""
    why: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Listed columns that need a word → why they may be shown as they are."""
