"""What a section of the bench finds out, and how it is shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. More takes longer and varies less."""

    rounds: int = 15
    """Times that everything is measured."""
    seconds: float = 120.0
    """Of the simulated platform's life that are relayed."""


class Figure(NamedTuple):
    """One line of the table."""

    what: str
    number: float
    unit: str
    ratio: float | None = None
    """To the section's baseline."""


class LeftOut(Exception):
    """A section cannot be measured here; the text says why."""


Section = Callable[[Effort], Iterable[Figure]]
"""Measures. Its first figure may be a baseline. Raises `LeftOut`."""


def line(figure: Figure) -> str:
    """*figure* for a person."""
    digits = 0 if figure.number >= 1_000 else 2
    ratio = "" if figure.ratio is None else f"{figure.ratio:8.2f} x"
    return f"  {figure.what:<44} {figure.number:>12,.{digits}f} {figure.unit:<12}{ratio}".rstrip()
