"""Stored Argon2id hashes: which of them are checked at all, and one that no secret fits. Pure.

A hash in PHC form says itself how much memory and time its check takes. Whoever can write one into the platform's
database must not thereby be able to stop a gateway, so that each parameter has a ceiling.
"""

import base64
import re
import secrets
from dataclasses import dataclass

_FORM = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,3}),p=([1-9][0-9]{0,3})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
"""RFC 9106 in the PHC string format: Argon2id of version 1.3, a salt of 8 to 64 bytes, a hash of 16 to 64."""

MOST_PASSES = 16
MOST_LANES = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """What one check costs."""

    memory_kib: int
    passes: int
    lanes: int


USUAL = Cost(memory_kib=64 * 1024, passes=3, lanes=1)
"""RFC 9106 §4, the second recommended option, with one lane."""


def cost_of(stored: str) -> Cost | None:
    """What the check of a *stored* hash costs; None when it is no Argon2id hash as they are checked here."""
    match = _FORM.fullmatch(stored)
    if match is None:
        return None
    memory, passes, lanes = (int(number) for number in match.groups()[:3])
    # RFC 9106 §3.1: at least 8 KiB for each lane.
    if passes > MOST_PASSES or lanes > MOST_LANES or memory < 8 * lanes:
        return None
    return Cost(memory, passes, lanes)


def nobodys(cost: Cost) -> str:
    """A hash of nobody's secret, to be checked where there is none, at the same *cost* as the real ones."""
    salt, digest = _encoded(secrets.token_bytes(16)), _encoded(secrets.token_bytes(32))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
