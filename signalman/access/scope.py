"""Ids of scope levels as credentials and clients bring them, in the one form that feeds are named by."""

import re
from collections.abc import Mapping, Sequence

from signalman.channel import FieldType, ScopeLevel
from signalman.event import Scope

LONGEST = 256
"""Characters of an id; the relay takes none that is longer."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NIL_UUID = "00000000-0000-0000-0000-000000000000"
"""What a Go service writes where it has no id: nobody's, never everybody's."""


def level_id(value: object, kind: FieldType) -> str | None:
    """*value* as an id of a level of type *kind*: a UUID in lower case, any other id as it is. None for what is
    absent, empty or no id.
    """
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    if kind == "uuid":
        lowered = value.lower()
        return lowered if _UUID.fullmatch(lowered) and lowered != _NIL_UUID else None
    # Unprintable are also the halves of characters, which no JSON text can carry.
    return value if value.strip() and value.isprintable() else None


def complete_scope(ids: Sequence[object], levels: Sequence[ScopeLevel]) -> Scope | None:
    """*ids* as a scope with every one of *levels*, or None when one is missing, empty or wrong, or one is too many."""
    if len(ids) != len(levels):
        return None
    found = [level_id(value, level.type) for value, level in zip(ids, levels, strict=True)]
    scope = tuple(value for value in found if value is not None)
    return scope if scope and len(scope) == len(levels) else None


def claimed_scope(claims: Mapping[str, object], levels: Sequence[ScopeLevel]) -> Scope | None:
    """The scope that a token's *claims* name, under the same condition as `complete_scope`."""
    return complete_scope([claims.get(level.claim) for level in levels], levels)
