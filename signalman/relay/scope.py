"""Ids of scope levels in their one canonical form, so that equal scopes are equal text in every key and comparison."""

import re

from signalman.errors import DecodeError
from signalman.event import PLATFORM
from signalman.fields import FieldType

LONGEST = 256
"""Characters of an id, a type or a source. What is longer is no name but an accident or an attack on memory."""

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""In its one canonical form."""


def canonical(text: str, kind: FieldType, where: str) -> str:
    """*text* as an id of a scope level: a UUID in lower case, any other id as it is.

    Raises:
        DecodeError: ``bad_scope`` at *where*, when a UUID is not written as one (RFC 9562 §4), and for the name of what
            belongs to the platform itself, which is nobody's id.
    """
    if text in PLATFORM:
        raise DecodeError("bad_scope", where)
    if kind != "uuid":
        return text
    lowered = text.lower()
    if not UUID.fullmatch(lowered):
        raise DecodeError("bad_scope", where)
    return lowered
