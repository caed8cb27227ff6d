"""Waiting for a backend that is away: try again, ever more slowly, until it takes what it is given."""

import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from signalman.cancelling import end_if_cancelled
from signalman.errors import BackendUnavailable

log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""

FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0
"""Seconds between attempts: short enough that recovery is not noticed, long enough to be no load."""

_Result = TypeVar("_Result")


class Patience:
    """Repeats calls to one backend until they succeed."""

    def __init__(self, name: str, sleep: Sleep) -> None:
        """Name the backend for the log; *sleep* waits between attempts."""
        self.name = name
        self.is_waiting = False
        """Whether the last attempt failed."""
        self._sleep = sleep

    async def insist(self, attempt: Callable[[int], Awaitable[_Result]]) -> _Result:
        """The result of the first of ``attempt(0)``, ``attempt(1)``, … that does not raise `BackendUnavailable`.

        The log has one line when the backend goes away and one when it is back, however many attempts lie between.
        """
        for number in itertools.count():
            end_if_cancelled()
            try:
                result = await attempt(number)
            except BackendUnavailable as error:
                self._note_absence(error)
                await self._sleep(delay_after(number))
            else:
                self._note_answer()
                return result
        raise AssertionError  # pragma: no cover  # itertools.count has no end

    def _note_absence(self, error: BackendUnavailable) -> None:
        if not self.is_waiting:
            log.warning("relay_waits", waiting_for=self.name, backend=error.backend, detail=error.detail)
        self.is_waiting = True

    def _note_answer(self) -> None:
        if self.is_waiting:
            log.info("relay_goes_on", waited_for=self.name)
        self.is_waiting = False


def delay_after(number: int) -> float:
    """Seconds to wait after attempt *number*: doubling from `FIRST_DELAY`, `LONGEST_DELAY` from the sixth on."""
    return min(FIRST_DELAY * 2.0 ** min(number, 16), LONGEST_DELAY)
