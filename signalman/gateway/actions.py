"""What a session wants done. Whoever owns the connection carries it out, in order."""

from dataclasses import dataclass
from typing import Literal

from signalman.channel import Channel
from signalman.event import Feed
from signalman.gateway.requests import Filter, Subscribe
from signalman.protocol import CloseCode

By = Literal["client", "grant_ended"]
"""Who ended a subscription: the client, or a grant that shrank."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write a frame."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Check a credential, then call `Session.authenticated` or `Session.refused`."""

    token: str

    def __repr__(self) -> str:
        """Without the token."""
        return "Authenticate(…)"


@dataclass(frozen=True, slots=True)
class Join:
    """Begin a subscription; every check has been passed."""

    request: Subscribe
    channel: Channel
    feed: Feed
    filter: Filter


@dataclass(frozen=True, slots=True)
class Leave:
    """End a subscription. Nothing more of it may be written."""

    id: str
    feed: Feed
    by: By


@dataclass(frozen=True, slots=True)
class Denied:
    """Note that somebody was not taken, or not let have what he asked for."""

    code: str
    """As the client was told; of a credential, why it was not taken."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Count that a limit has turned somebody away: the setting's name."""

    limit: str


@dataclass(frozen=True, slots=True)
class Close:
    """Write what is queued, then close."""

    code: CloseCode
    reason: str
    """The error's code, or why the close was planned."""


Action = Send | Authenticate | Join | Leave | Denied | Reached | Close
