"""What a pack says about access, compiled: who somebody is by his credential, and which events are about that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Claims:
    """Which claims of a JWT say who somebody is; the scope's are named by its levels."""

    user: str = "sub"
    roles: tuple[str, ...] = ()
    """Each holds one role or a list of them; all of them count."""
    permissions: str | None = None
    """Holds a list of permission names. None: people are not limited by permission, only by role."""


@dataclass(frozen=True, slots=True)
class TokenScheme:
    """One form of API token that the platform gives out.

    ``hashed``: a text of many random bits, known by its SHA-256. ``split``: ``<id><separator><secret>``, where the
    directory has an Argon2id hash of the secret under the id.
    """

    kind: Literal["hashed", "split"]
    prefix: str
    """What the token, for ``split`` its id, begins with."""
    secret_prefix: str = ""
    """For ``split``: what the secret begins with; a part of the secret that is hashed."""
    separator: str = "."
    """For ``split``."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One question to the platform's accounts."""

    sql: str
    database: str | None
    """Logical database of the pack (``directory.databases.<name>``); None is the URL's own."""


@dataclass(frozen=True, slots=True)
class AccessRules:
    """How the platform says who somebody is and what he may do."""

    claims: Claims = Claims()
    tokens: tuple[TokenScheme, ...] = ()
    statements: Mapping[str, Statement] = field(default_factory=dict, hash=False)
    """The pack's own SQL by name (`channels/README.md`, "directory.sql"); empty: Signalman's own schema is asked."""
    match: Literal["exact", "segments"] = "exact"
    """How a permission that somebody holds is compared with one that a channel asks for."""
    operator_role: str | None = None
    """The role of people who run the platform."""


@dataclass(frozen=True, slots=True)
class SignalRule:
    """An event type of the platform that says whose access may have changed. It is told to gateways and to nobody else.

    Each part is a path in the record's JSON, ``a.b|c``; a part that is not there says nothing.
    """

    token: str | None = None
    user: str | None = None
    scope: tuple[str, ...] = ()
    """One path per level, widest first, perhaps without the lower ones."""
