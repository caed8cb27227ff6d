"""Many who ask at the same time, and few questions: when a thousand clients come back, a thousand look-ups are one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

Found = TypeVar("Found")

_AT_ONCE = 2
"""Questions under way: while one is slow the other goes on, and those who come meanwhile are one question together."""


class _Round(Generic[Found]):
    """One question, and how many wait for its answer."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.waiting = 0
        self.answer: asyncio.Future[Mapping[str, Found]] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None


class Gathering(Generic[Found]):
    """Puts questions together. Nobody gets the answer to a question that was sent before he asked: what changed in
    between is why he asks. A question for whose answer nobody waits any more is given up.

    Args:
        ask: Sends one question; may be cancelled.
        longest: At most so many keys in one question.
    """

    def __init__(self, ask: Callable[[list[str]], Awaitable[Mapping[str, Found]]], *, longest: int) -> None:
        self._ask = ask
        self._longest = longest
        self._next: deque[_Round[Found]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def find(self, asked: Collection[str]) -> Mapping[str, Found]:
        """What is found of *asked*, at most ``longest`` keys. Sets no limit of time; raises what asking raises."""
        joined = self._join(asked)
        try:
            found = await asyncio.shield(joined.answer)
        finally:
            joined.waiting -= 1
            if not joined.waiting:
                self._give_up(joined)
        return {key: found[key] for key in asked if key in found}

    def _join(self, asked: Collection[str]) -> _Round[Found]:
        if not self._next or len(self._next[-1].asked.union(asked)) > self._longest:
            self._next.append(_Round())
        joined = self._next[-1]
        joined.asked.update(asked)
        joined.waiting += 1
        self._go_on()
        return joined

    def _go_on(self) -> None:
        while self._next and len(self._under_way) < _AT_ONCE:
            begun = self._next.popleft()
            begun.task = asyncio.create_task(self._send(begun))
            self._under_way.add(begun.task)
            begun.task.add_done_callback(self._ended)

    async def _send(self, begun: _Round[Found]) -> None:
        try:
            found = await self._ask(sorted(begun.asked))
        except Exception as error:  # noqa: BLE001 # whoever waits is told
            if begun.waiting:
                begun.answer.set_exception(error)
        else:
            begun.answer.set_result(found)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._go_on()

    def _give_up(self, left: _Round[Found]) -> None:
        if left.task is not None:
            left.task.cancel()
        else:
            self._next.remove(left)
