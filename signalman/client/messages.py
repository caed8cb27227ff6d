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
class Disconnected:
    """The socket is gone, or could not be opened. Everything held is stale until the next `CaughtUp`."""

    reason: str
    retry_in: float
    """Seconds until the next attempt."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription begins, or begins anew: whatever was held for it will be replaced."""

    subscription: Subscription
    scope: Scope
    epoch: str | None
    seq: int
    tables: tuple[str, ...]
    """Names of the tables whose rows follow."""


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


@dataclass(frozen=True, slots=True)
class Events:
    """Events that follow what came before without a hole."""

    subscription: Subscription
    prev: int
    seq: int
    events: tuple[dict[str, Json], ...]


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """All that there was at the beginning has been delivered; from here on the subscription is live."""

    subscription: Subscription
    seq: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Something was missed; the subscription begins anew by itself."""

    subscription: Subscription
    reason: str
    """The server's ``gap``, ``epoch``, ``slow`` or ``snapshot``; or ``hole``: a frame came whose ``prev`` was not where
    this client stood."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Live events may be late or missing from now on."""

    backend: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """Live events are complete again."""

    backend: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A subscription will not come: not allowed, unknown, or asked for wrongly."""

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
    Connected | Disconnected | Subscribed | Snapshot | Events | CaughtUp | Reset | Stale | Fresh | Refused | Trouble
)
