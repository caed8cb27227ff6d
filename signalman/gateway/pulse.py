"""Watches whether anybody publishes at all: a feed without news looks the same whether platform or relay rests."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from signalman.cancelling import end_if_cancelled
from signalman.errors import BackendUnavailable
from signalman.gateway.hub import Hub
from signalman.metrics import Metrics
from signalman.ports import Bus

log = structlog.get_logger(__name__)

EVERY = 2.0
"""Seconds between questions."""

IN_A_ROW = 4
"""So many must be answered with no: a bus that was emptied, or has just come back, hears of relays a beat later."""


class Pulse:
    """Tells everybody when the source is away and when it is back."""

    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._hub = hub
        self._up = metrics.backend_up.labels("source")
        self._sleep = sleep
        self._silent = 0

    async def run(self) -> None:
        """Look every few seconds, for ever. Not at once: relay and gateway of one process start together."""
        while True:
            end_if_cancelled()
            await self._sleep(EVERY)
            await self.look()

    async def look(self) -> None:
        """Ask once. While the bus itself is away nothing is known of the source, and what was known holds."""
        try:
            fed = None if self._hub.bus_lost else await self._bus.is_fed()
        except BackendUnavailable as error:
            log.info("source_unknown", detail=str(error))
            return
        if fed is None or self._hub.bus_lost:
            self._silent = 0
            return
        self._silent = 0 if fed else self._silent + 1
        if fed:
            self._up.set(1)
            self._hub.fresh("source")
        elif self._silent >= IN_A_ROW:
            self._up.set(0)
            self._hub.stale("source")
