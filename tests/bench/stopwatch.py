"""Processor time of several things, measured in turn so that all meet the same machine."""

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import ParamSpec, TypeVar

A = TypeVar("A")
B = TypeVar("B")
P = ParamSpec("P")
T = TypeVar("T")


class Stopwatch:
    """Remembers what each step of a round takes.

    A machine that does other things slows steps down and never speeds them up. So the seconds told are those of a round
    of which each step went as well as it ever did; ratios are of medians, since both sides were slowed down alike.
    """

    def __init__(self) -> None:
        self._steps: dict[str, list[list[float]]] = defaultdict(list)
        self._at: Counter[str] = Counter()

    @contextmanager
    def round(self) -> Iterator[None]:
        """One round; each takes the same steps."""
        gc.collect()
        self._at.clear()
        yield

    def of(self, what: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work*, the next step of *what*."""
        begin = time.process_time()
        done = work(*args, **kwargs)
        took = time.process_time() - begin
        steps, at = self._steps[what], self._at[what]
        self._at[what] += 1
        if at == len(steps):
            steps.append([])
        steps[at].append(took)
        return done

    def seconds(self, what: str) -> float:
        """Of processor time that all steps of *what* take, undisturbed."""
        return sum(map(min, self._steps[what]))

    def ratio(self, what: str, baseline: str) -> float:
        """Of *what* to *baseline*, as they usually were."""
        return sum(map(median, self._steps[what])) / sum(map(median, self._steps[baseline]))


def each(work: Callable[[A], B], values: Sequence[A]) -> list[B]:
    """What *work* makes of each of *values*."""
    return [work(value) for value in values]
