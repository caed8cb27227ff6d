"""Kills one thing after the other, and starts it again."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

Deed = Callable[[], Awaitable[None]]
"""Does some harm, and returns once it is made good again."""

CALM = (2.0, 6.0)
"""Shortest and longest wait between two deeds, seconds."""


async def wreak(
    deeds: Mapping[str, Deed], seconds: float, rng: random.Random, done: Counter[str], tell: Callable[[str], None]
) -> None:
    """Do *deeds* in random order for so many *seconds*, one at a time, each as often as the others; count them, and
    *tell* of each.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    over = began + seconds
    names: list[str] = []
    while loop.time() < over:
        if not names:
            names = rng.sample(sorted(deeds), len(deeds))
        name = names.pop()
        tell(f"{loop.time() - began:4.0f} s  {name}")
        await deeds[name]()
        done[name] += 1
        await asyncio.sleep(rng.uniform(*CALM))
