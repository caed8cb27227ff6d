"""Whether a permission that somebody holds is one that a channel asks for. Pure.

Platforms write permissions as segments with colons between them, ``logs:read`` or ``logs:read:tenant``.
"""

from collections.abc import Collection, Iterable
from typing import Literal

Match = Literal["exact", "segments"]
"""``exact``: the same text. ``segments``: segment by segment, where ``*`` as a whole segment of what is held stands for
any one; never for several, so that neither ``*`` nor ``logs:*`` opens ``logs:read:tenant``, and a permission with more
segments opens none with fewer.
"""


def opens(held: Collection[str] | None, wanted: Iterable[str], match: Match) -> bool:
    """Whether one of the permissions *held* is one of those *wanted*. None held, or no list of them at all, opens
    nothing, and neither does anything where none is wanted.
    """
    if not held:
        return False
    if match == "segments":
        return any(_covers(mine.split(":"), theirs.split(":")) for theirs in wanted for mine in held)
    return any(theirs in held for theirs in wanted)


def _covers(held: list[str], wanted: list[str]) -> bool:
    if len(held) != len(wanted) or not all(wanted):
        return False
    return all(map(_stands_for, held, wanted))


def _stands_for(mine: str, theirs: str) -> bool:
    return mine in ("*", theirs)
