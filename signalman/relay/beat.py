"""The relay's beat: gateways hear by way of the bus that events are being read and published, or notice that nobody
says so any more.
"""

import asyncio
from collections.abc import Callable

import structlog

from signalman.cancelling import end_if_cancelled
from signalman.errors import BackendUnavailable
from signalman.ports import Bus
from signalman.relay.patience import Sleep

log = structlog.get_logger(__name__)

EVERY = 5.0
"""Seconds between beats."""
HOLDS = 15.0
"""Seconds that a beat holds: two may be lost."""


async def keep_beating(is_flowing: Callable[[], bool], bus: Bus, sleep: Sleep = asyncio.sleep) -> None:
    """Tell *bus* for as long as *is_flowing* says so, for ever. A beat that fails is not repeated before the next."""
    while True:
        end_if_cancelled()
        if is_flowing():
            try:
                await bus.beat(HOLDS)
            except BackendUnavailable as error:
                log.debug("beat_failed", backend=error.backend, detail=error.detail)
        await sleep(EVERY)
