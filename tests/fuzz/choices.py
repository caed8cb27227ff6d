"""Where the fuzzer's and hypothesis's decisions come from: whole numbers within bounds, one after the other.

Whoever builds something asks for nothing else, so that the same builder serves a search guided by coverage, one that
shrinks what it finds, and the repetition of a finding without either.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Choices(Protocol):
    """Decides."""

    def integer(self, low: int, high: int) -> int:
        """A number from *low* to *high*, both included."""
        ...


class Bytes:
    """Decides by the bytes of an input, as few as possible for each decision. At its end everything is the lowest."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def integer(self, low: int, high: int) -> int:
        """See `Choices.integer`."""
        number = 0
        for _ in range(((high - low).bit_length() + 7) // 8):
            number = number << 8 | (self._data[self._at] if self._at < len(self._data) else 0)
            self._at += 1
        return low + number % (high - low + 1)


class Drawn:
    """Decides by hypothesis."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """See `Choices.integer`."""
        return self._draw(st.integers(low, high))


def choose(choices: Choices, among: Sequence[T]) -> T:
    """One of *among*."""
    return among[choices.integer(0, len(among) - 1)]


def some(choices: Choices, among: Sequence[T]) -> list[T]:
    """Some of *among*, in their order: any number of them."""
    return [each for each in among if choices.integer(0, 1)]


def once_in(choices: Choices, times: int) -> bool:
    """Whether something happens that happens once in so many *times*; it does not where nothing is left to decide."""
    return choices.integer(0, times - 1) == times - 1
