"""Who is connected, and what it may read."""

from dataclasses import dataclass, field
from typing import Literal

from signalman.event import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody authenticated."""

    kind: Literal["user", "token", "account"]
    """A person with a JWT, a program with an API token, or a static development account."""
    id: str
    """User id, token id or account name: safe to log, never the credential."""
    scope: Scope
    """The widest scope that it may read at all: complete, or the upper levels of one."""
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] | None = None
    """Permission names; None where the platform does not limit by permission (JWT users)."""
    expires_at: float | None = None
    """Unix seconds after which the credential is worth nothing."""
    user_id: str | None = None
    """The user whom it belongs to: itself for a user, the owner of an API token where that is known."""
    key: str | None = field(default=None, repr=False)
    """What the directory is asked by when its standing is looked at again: never the credential itself, and never
    logged. None where no directory knows it.
    """
    operator: bool = False
    """Whether it runs the platform, and configuration lets such people see what belongs to no tenant."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One channel that a principal may read, within a scope prefix."""

    channel: str
    scope: Scope
