"""What a pack says, compiled: topics, channels, event types and filters, as frozen values.

`signalman.catalog` reads these out of a pack's TOML files; relay and gateway only ever see this form. The file format
is described in `channels/README.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signalman.access_rules import AccessRules, SignalRule
from signalman.fields import FieldType, KeepTree, Redaction
from signalman.table import RowChange, Table


@dataclass(frozen=True, slots=True)
class ScopeLevel:
    """One level of a scope, widest first."""

    name: str
    type: FieldType
    claim: str
    """JWT claim that holds a principal's id at this level."""
    optional: bool = False
    """Whether a credential may lack this level and those below it: then it reaches everything within the levels above.
    An empty or malformed id is refused all the same."""
    why: str = ""
    """Why it may, for people."""


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


SlowReader = Literal["reset", "skip"]
"""What a client gets that has fallen out of a view's log: ``reset`` everything anew, ``skip`` the newest only."""


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
    platform: bool = False
    """Whether a record of it without any scope is the platform's own, `signalman.event.PLATFORM`. Otherwise such a
    record goes to nobody."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A field that subscriptions may filter by: ``data.<name>`` of events, column ``<name>`` of table rows."""

    name: str
    type: FieldType
    title: str


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
    roles: frozenset[str] = frozenset()
    """Any one of these lets a person read the channel. Empty: nobody reads it by role."""


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
    access: AccessRules = field(default_factory=AccessRules)
    signals: Mapping[tuple[str, str], SignalRule] = field(default_factory=dict)
    """(logical topic, event type) → whose access it is about. None of them is in `routes`."""
