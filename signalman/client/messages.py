"""What a `Client` is asked for, and what it tells its consumer.

Members keep the protocol's names and shapes (`docs/protocol.md`); events and rows are JSON objects as they came.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from signalman.event import Json, Scope


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel to follow."""

    channel: str
    scope: Scope | None = None
    """Narrower than what the credential grants; None for all of that."""
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """``type`` or a filter field of the channel → accepted values."""
    snapshot: bool = True
    """Whether to begin with the rows of the channel's tables."""


Choice = Callable[[Sequence[str]], Sequence[Subscription]]
"""What to follow, given the names of the channels that the credential may read."""


def every_channel(channels: Sequence[str]) -> list[Subscription]:
    """Follow all of *channels*, with their tables."""
    return [Subscription(name) for name in channels]


@dataclass(frozen=True, slots=True)
class Connected:
    """A socket is open and the credential was accepted."""

    principal: Mapping[str, Json]
    """``kind``, ``id``, ``scope``."""
    channels: tuple[str, ...]
    """Names that the credential may read."""
    expires_at: str | None
    """RFC 3339; None where the credential does not expire."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """The credential, and with it the connection, is about to end. A `Client` that can get another one does so."""

    expires_at: str
    """RFC 3339."""
    in_seconds: float


@dataclass(frozen=True, slots=True)
class Renewed:
    """The connection goes on with another credential, or what it may read has changed."""

    principal: Mapping[str, Json]
    """``kind``, ``id``, ``scope``."""
    channels: tuple[str, ...]
    """Names that may be read from now on. A subscription that may not go on is `Refused` with ``grant_ended``."""
    expires_at: str | None
    """RFC 3339; None where the credential does not expire."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The socket is gone, or could not be opened. Everything held is stale until the next `CaughtUp`."""

    reason: str
    retry_in: float
    """Seconds until the next attempt."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription begins or begins anew, and whatever was held for it will be replaced; or it goes on."""

    subscription: Subscription
    scope: Scope
    epoch: str | None
    """Opaque; equal where the same feed goes on."""
    seq: int
    tables: tuple[str, ...]
    """Names of the tables that it has. Their rows follow, unless it goes on."""
    recovered: bool = False
    """It goes on where it stood, on another connection or after a hole: what is held stays, no rows follow, and the
    next events are the ones that were missed."""
    partial: bool = False
    """The history does not reach back far enough to be sure that rows and events have everything between them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One part of a table's rows; together the parts replace what was held."""

    subscription: Subscription
    table: str
    key: tuple[str, ...]
    rows: tuple[dict[str, Json], ...]
    part: int
    """From 1."""
    last: bool
    as_of: str
    """RFC 3339: when the store was read."""
    lag_ms: int | None
    rules: Mapping[str, Json] = field(default_factory=dict, hash=False)
    """How events change these rows, ``version``, ``compared``, ``final`` and ``clock``; `signalman.client.tables` goes
    by them."""


@dataclass(frozen=True, slots=True)
class Events:
    """Events that follow what came before without a hole."""

    subscription: Subscription
    prev: int
    seq: int
    events: tuple[dict[str, Json], ...]
    repeated: frozenset[str] = frozenset()
    """Ids of those that were delivered before, and come again because tables that begin anew need them."""

    @property
    def news(self) -> tuple[dict[str, Json], ...]:
        """The others: whoever counts or prints these has each event once."""
        return (
            tuple(event for event in self.events if event["id"] not in self.repeated) if self.repeated else self.events
        )


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """All that there was at the beginning has been delivered; from here on the subscription is live."""

    subscription: Subscription
    seq: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Something was missed, or may have been; the subscription begins anew by itself."""

    subscription: Subscription
    reason: str
    """One of `signalman.protocol.ResetReason`; or ``hole``: frames came that did not join one another, twice in a
    row."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """This client read too slowly, and the channel is one that goes on without what was left out meanwhile."""

    subscription: Subscription
    from_: int
    """``from`` of the protocol: the ``seq`` of the last that came before."""
    to: int
    """The ``seq`` from which it goes on."""
    count: int
    """Events that are missing."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Live events may be late or missing from now on."""

    backend: str
    """``bus``, or ``source``: nobody reads the platform's events."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Live events are complete again."""

    backend: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A subscription will not come: not allowed, unknown, or asked for wrongly; or it has ended, because it is not
    allowed any more.
    """

    subscription: Subscription
    code: str
    """One of `signalman.protocol.ERRORS`."""
    detail: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something does not work now; the connection stays and it is tried again where that can help."""

    subscription: Subscription | None
    code: str
    """One of `signalman.protocol.ERRORS`."""
    detail: str
    retry_in: float | None
    """Seconds; None where the server has not said."""


Message = (
    Connected
    | Expiring
    | Renewed
    | Disconnected
    | Subscribed
    | Snapshot
    | Events
    | CaughtUp
    | Reset
    | Dropped
    | Stale
    | Fresh
    | Refused
    | Trouble
)
