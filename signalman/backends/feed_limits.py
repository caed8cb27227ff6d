"""How much of a feed a bus keeps, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """Limits of one feed; the defaults are those of configuration's ``[history]``.

    The newest publication is kept even where it alone is beyond ``events`` or ``bytes``.
    """

    seconds: float = 120.0
    """Age of the history's oldest publication, about."""
    events: int = 50_000
    """Events in the history."""
    bytes: int = 32 * 1024 * 1024
    """Size of the history's messages."""
    idle_seconds: float = 86_400.0
    """A feed without publications for so long is forgotten."""
    repeat_seconds: float = 600.0
    """An event's identity is remembered for at least so long, unless there are too many; and for at most twice that."""
    repeat_events: int = 100_000
    """At least so many of the newest identities are remembered, unless they are too old; at most twice as many."""
    spare_seconds: float = 30.0
    """A feed whose epoch is younger is not retired."""
