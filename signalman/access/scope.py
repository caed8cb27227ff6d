"""Ids of scope levels as credentials and clients bring them, in the one form that feeds are named by. Pure."""

import re
from collections.abc import Mapping, Sequence

from signalman.channel import ScopeLevel
from signalman.event import PLATFORM, Scope
from signalman.fields import FieldType

LONGEST = 256
"""Characters of an id; the relay takes none that is longer."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NIL_UUID = "00000000-0000-0000-0000-000000000000"
"""What a Go service writes where it has no id: nobody's, never everybody's."""


def level_id(value: object, kind: FieldType) -> str | None:
    """*value* as an id of a level of type *kind*: a UUID in lower case, any other id as it is. None for what is
    absent, empty or no id, and for the name of what belongs to the platform itself.
    """
    text = text_id(value)
    if text is None or kind != "uuid":
        return text
    lowered = text.lower()
    return lowered if _UUID.fullmatch(lowered) and lowered != _NIL_UUID else None


def text_id(value: object) -> str | None:
    """*value* as an id that is any text. None for what is absent, empty or no id, as for `level_id`."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    # Unprintable are also the halves of characters, which no JSON text can carry.
    return value if value.strip() and value.isprintable() and value not in PLATFORM else None


def complete_scope(ids: Sequence[object], levels: Sequence[ScopeLevel]) -> Scope | None:
    """*ids* as a scope with every one of *levels*, or None when one is missing, empty or wrong, or one is too many."""
    if len(ids) != len(levels):
        return None
    found = list(map(level_id, ids, (level.type for level in levels)))
    scope = tuple(value for value in found if value is not None)
    return scope if scope and len(scope) == len(levels) else None


def prefix_scope(ids: Sequence[object], levels: Sequence[ScopeLevel]) -> Scope | None:
    """*ids* as a scope that is complete, or ends above a level that is optional.

    None among *ids* says that a level is absent. An id that is empty or wrong is not absent: then, as where a level is
    absent that is not optional, or one below an absent level is not, the result is None.
    """
    there = len(ids)
    while there and ids[there - 1] is None:
        there -= 1
    if there < len(levels) and not levels[there].optional:
        return None
    return complete_scope(ids[:there], levels[:there])


def claimed_scope(claims: Mapping[str, object], levels: Sequence[ScopeLevel]) -> Scope | None:
    """The scope that a token's *claims* name, under the same condition as `prefix_scope`. A claim that is null is
    absent.
    """
    return prefix_scope([claims.get(level.claim) for level in levels], levels)


def within(scope: Scope, prefix: Scope) -> bool:
    """Whether *scope* is *prefix* or lies below it. Nothing lies within a prefix that is empty or has an empty id, and
    within the platform's own nothing but itself.
    """
    if prefix == PLATFORM:
        return scope == PLATFORM
    return bool(prefix) and all(prefix) and scope[: len(prefix)] == prefix
