"""Who is connected, and what it may read."""

from dataclasses import dataclass
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
    """The widest scope that it may read at all."""
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] | None = None
    """Permission names of an API token; None where the platform does not limit by permission (JWT users)."""
    expires_at: float | None = None
    """Unix seconds after which the credential is worth nothing."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One channel that a principal may read, within a scope prefix."""

    channel: str
    scope: Scope
