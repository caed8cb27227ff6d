"""Processor time of several things, measured in turn so that all meet the same machine."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import ParamSpec, TypeVar

A = TypeVar("A")
B = TypeVar("B")
P = ParamSpec("P")
T = TypeVar("T")


class Stopwatch:
    """Adds up what each thing takes in a round, and tells the median of the rounds."""

    def __init__(self) -> None:
        self._rounds: list[dict[str, float]] = []

    @contextmanager
    def round(self) -> Iterator[None]:
        """One round: everything that is measured in it is added up."""
        gc.collect()
        self._rounds.append(defaultdict(float))
        yield

    def of(self, what: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work* and count it as *what*."""
        begin = time.process_time()
        done = work(*args, **kwargs)
        self._rounds[-1][what] += time.process_time() - begin
        return done

    def seconds(self, what: str) -> float:
        """Of processor time that *what* took in a round."""
        return median(each[what] for each in self._rounds)

    def ratio(self, what: str, baseline: str) -> float:
        """Of *what* to *baseline*, round by round."""
        return median(each[what] / each[baseline] for each in self._rounds)


def each(work: Callable[[A], B], values: Sequence[A]) -> list[B]:
    """What *work* makes of each of *values*."""
    return [work(value) for value in values]
