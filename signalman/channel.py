"""What a pack says, compiled: topics, channels, event types, filters and tables, as frozen values.

`signalman.catalog` reads these out of a pack's TOML files; relay and gateway only ever see this form. The file format
is described in `channels/README.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signalman.event import Json

FieldType = Literal["uuid", "string"]
"""What a scope level or filter value must look like."""

KeepTree = Mapping[str, "KeepTree | None"]
"""Allow-list of a payload's fields: name → None keeps the whole value, name → tree descends into an object or into each
object of a list. The name ``*`` stands for every key of a map. What the tree does not name is dropped."""


@dataclass(frozen=True, slots=True)
class ScopeLevel:
    """One level of a scope, widest first."""

    name: str
    type: FieldType
    claim: str
    """JWT claim that holds a principal's id at this level."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where the parts of an event lie in a record's JSON object.

    Every path is dotted; it may name several candidates, ``a.b|c`` (no spaces), of which the first non-empty one wins.
    """

    id: str
    type: str
    time: str
    source: str
    scope: tuple[str, ...]
    """One path per scope level, widest level first."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic of the platform."""

    name: str
    """Logical name within the pack, used by event types and by configuration (``kafka.topics.<name>``)."""
    default: str
    """Kafka name unless configuration gives another."""
    consumer: str
    """Name written into dead letters, ``signalman-analytics``."""
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Expand:
    """A batch event: each item of a list inside the payload becomes an event of its own."""

    items: str
    """Path of the list, relative to the payload."""
    type: str
    """Event type of each item; it is declared in the same channel."""
    id: str
    """Path of the item's own id, relative to the item; an item without one gets ``<batch id>-<index>``."""
    inherit: tuple[str, ...]
    """Payload fields that an item takes over from the batch where it lacks them itself."""


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


ColumnType = Literal["text", "integer", "integer64", "number", "number32", "bool", "flag", "uuid", "time", "time_ms"]
"""What a column's values look like in rows, whether they come from ClickHouse or out of an event."""


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


Operation = Literal["drop", "null", "mask", "hash", "centroid", "url", "json", "scan"]
"""What may be done to a kept value, see `signalman.redaction`."""

SlowReader = Literal["reset", "skip"]
"""What a client gets that has fallen out of a view's log: ``reset`` everything anew, ``skip`` the newest only."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is done to the value at one kept path, before the net."""

    path: str
    """As in keep lists: ``a.b``, ``a[].b`` for each object of a list, ``a.*`` for every key of a map. Where it leads to
    a list of texts, each of them is meant."""
    operation: Operation
    longitude: str | None = None
    """For ``centroid``: the field beside the last of ``path``, which is the latitude."""
    resolution: int = 5
    """For ``centroid``: of the H3 cell, 0 (continents) to 15; 5 is about 250 km²."""
    keep: KeepTree = field(default_factory=dict, hash=False)
    """For ``json``: allow-list inside the text's JSON."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a channel one event and one request may be."""

    event_bytes: int = 256 * 1024
    """A larger event, as JSON, is not published: its record goes to the dead letters."""
    filter_values: int = 100
    """Values that a subscription may give for one filter."""


@dataclass(frozen=True, slots=True)
class EventType:
    """What to do with one event type of the platform."""

    name: str
    topic: str
    payload: str
    """Path of the payload object within the record's JSON; the record of an event type without one has no payload."""
    lift: Mapping[str, tuple[str, ...]]
    """Data field ← candidate paths in the record's JSON, first non-empty wins; a lifted field beats the payload's own,
    which is the fallback when no candidate is there."""
    require: tuple[str, ...]
    """Data fields without which the record cannot be understood."""
    keep: KeepTree
    """Empty for a batch (`expand`): only its items are sent, each by the rules of its own event type."""
    expose: frozenset[str]
    """Dotted paths, ``[]`` for list items, that may hold addresses although the net would remove them."""
    subject: str | None
    """Data field that becomes the CloudEvents ``subject``."""
    expand: Expand | None = None
    rows: tuple[RowChange, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other names that the platform has for it; it is published under its own."""
    redact: tuple[Redaction, ...] = ()
    """No two for one place. Includes a ``drop`` for each path of `drop` that lies below something kept."""
    about: str = ""
    """What it tells, in a sentence for people."""
    drop: Mapping[str, str] = field(default_factory=dict)
    """Paths that are known and deliberately not shown → why. Whatever is not kept is not shown either."""
    why: Mapping[str, str] = field(default_factory=dict)
    """Kept paths that need a word → why they may be shown as they are."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A field that subscriptions may filter by: ``data.<name>`` of events, column ``<name>`` of table rows."""

    name: str
    type: FieldType
    title: str


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


@dataclass(frozen=True, slots=True)
class Channel:
    """A named kind of feed."""

    name: str
    title: str
    description: str
    permissions: frozenset[str]
    """Any one of these lets an API token read the channel."""
    events: Mapping[str, EventType]
    filters: Mapping[str, Filter]
    tables: Mapping[str, Table]
    limits: Limits = Limits()
    slow_reader: SlowReader = "reset"


@dataclass(frozen=True, slots=True)
class Catalog:
    """A pack, compiled."""

    pack: str
    title: str
    levels: tuple[ScopeLevel, ...]
    topics: Mapping[str, Topic]
    channels: Mapping[str, Channel]
    ignored: frozenset[str]
    """Event types that the pack knows and deliberately sends nowhere."""
    routes: Mapping[tuple[str, str], tuple[str, EventType]] = field(repr=False, default_factory=dict)
    """(logical topic, event type or alias of it) → (channel name, what to do with it)."""
