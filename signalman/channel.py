"""What a pack says, compiled: topics, channels, event types, filters and tables, as frozen values.

`signalman.catalog` reads these out of a pack's TOML files; relay and gateway only ever see this form. The file format
is described in `channels/README.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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
    """(logical topic, event type) → (channel name, what to do with it)."""
