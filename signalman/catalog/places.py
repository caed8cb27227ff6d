"""How a path lies to the paths that a keep list keeps whole."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two paths that may lead to the same place, or one of them to a place below the other's."""

    path: str
    """The other path."""
    depth: int
    """How many names lower this path leads; 0 for the same place, negative where the other one leads lower."""
    narrower: bool
    """Whether this path names a key where the other one has every key of a map."""
    wider: bool
    """Whether the other one does, and this path has every key."""


def names(path: str) -> tuple[str, ...]:
    """The names in *path*: whether one is a list is not said by a name."""
    return tuple(path.replace("[]", "").split("."))


def meet(path: str, other: str) -> Meeting | None:
    """How *path* lies to *other*, or None where no value is at or below both."""
    own, others = names(path), names(other)
    pairs = [pair for pair in zip(own, others, strict=False) if pair[0] != pair[1]]
    if any("*" not in pair for pair in pairs):
        return None
    return Meeting(
        path=other,
        depth=len(own) - len(others),
        narrower=any(theirs == "*" for _, theirs in pairs),
        wider=any(mine == "*" for mine, _ in pairs),
    )


def meetings(path: str, others: Iterable[str]) -> list[Meeting]:
    """How *path* lies to each of *others* that it meets."""
    return [met for other in others if (met := meet(path, other))]
