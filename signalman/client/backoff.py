"""When to come back: soon after the first failure, later after each further one, and never all clients at once."""

import random
from collections.abc import Callable, Iterator

FIRST = 0.5
"""Shortest wait, seconds."""

LONGEST = 30.0
"""Longest wait, seconds."""

Uniform = Callable[[float, float], float]
"""A number between two others, each equally likely."""


def delays(
    uniform: Uniform = random.uniform,
    *,
    first: float = FIRST,
    longest: float = LONGEST,
) -> Iterator[float]:
    """Seconds to wait before each attempt in turn, without end.

    Each is drawn from the whole span between *first* and a bound that doubles up to *longest*: clients that were cut
    off together come back spread out, however often they fail.
    """
    bound = 2 * first
    while True:
        yield uniform(first, min(bound, longest))
        bound = min(2 * bound, longest)
