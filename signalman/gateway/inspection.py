"""Looks whether ClickHouse has the pack's tables as the pack describes them, at start and ever after.

What is at fault is said once, by channel, and not read: who asks for it is told so at once. The other tables and
channels know nothing of it. Nobody has to restart anything when it is mended.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from signalman.channel import Catalog, Channel
from signalman.errors import BackendUnavailable, TableFaulty
from signalman.gateway.fit import Fit, fit
from signalman.metrics import Metrics
from signalman.table import Table

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between looks while all is well: a column may go, or change, at any time."""

WHILE_FAULTY = 5.0
"""Seconds between looks while something is wrong: somebody is about to mend it."""

APART = 1.0
"""Seconds between two looks for those who are about to be refused, however many want the same table."""

RETRY = (2.0, 30.0)
"""First and longest wait while the store does not answer, seconds."""


class Columns(Protocol):
    """The part of `Snapshots` that is needed here."""

    async def columns(self, table: Table) -> Mapping[str, str] | None:
        """See `Snapshots.columns`."""
        ...


class Inspection:
    """Which tables of the catalog are sound, as far as is known. What was never looked at counts as sound: reading it
    tells. Nobody is refused for what was known before: the store is asked once more, if a moment later.

    Args:
        catalog: Its tables are looked at.
        store: Where they are.
        metrics: Of the process.
        clock: Seconds.
        sleep: Waits so many of them.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: Columns,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._looking = asyncio.Lock()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._faulty: frozenset[tuple[str, str]] = frozenset()
        self._told: dict[str, Fit] = {}

    async def run(self) -> None:
        """Look, for ever."""
        delay, longest = RETRY
        away = False
        while True:
            try:
                await self.look()
            except BackendUnavailable as error:
                if not away:
                    log.warning("channel_tables_unknown", detail=str(error))
                away, wait = True, delay
                delay = min(delay * 2, longest)
            else:
                away, delay = False, RETRY[0]
                wait = WHILE_FAULTY if self._faulty else EVERY
            await self._sleep(wait)

    async def look(self) -> None:
        """Ask for each table once.

        Raises:
            BackendUnavailable: The store does not answer. What is known of the channels not yet asked for still holds.
        """
        for channel in self._catalog.channels.values():
            async with self._looking:
                await self._look(channel)

    async def sound(self, channel: str, tables: Sequence[Table]) -> list[Table]:
        """Those of *tables* of *channel* that may be read."""
        if any((channel, table.name) in self._faulty for table in tables):
            await self.look_again(channel)
        return [table for table in tables if (channel, table.name) not in self._faulty]

    async def check(self, channel: str, table: Table) -> None:
        """Return when *table* of *channel* may be read.

        Raises:
            TableFaulty: It may not.
        """
        if not await self.sound(channel, [table]):
            raise TableFaulty(channel)

    async def look_again(self, channel: str) -> None:
        """Return when the tables of *channel* have been asked for after this was called: they could not be read, or are
        about to be refused for what was known before, when they may not have been there yet. All who wait share a look.
        While the store does not answer, what is known holds.
        """
        called = self._clock()
        if self._is_known_since(channel, called):
            return
        wait = self._ended.get(channel, called - APART) + APART - called
        if wait > 0:
            await self._sleep(wait)
        async with self._looking:
            if not self._is_known_since(channel, called):
                with suppress(BackendUnavailable):
                    await self._look(self._catalog.channels[channel])

    def _is_known_since(self, channel: str, moment: float) -> bool:
        return self._began.get(channel, moment - 1) >= moment

    async def _look(self, channel: Channel) -> None:
        tables, began = channel.tables.values(), self._clock()
        try:
            fits = {table.name: fit(channel, table, await self._store.columns(table)) for table in tables}
        finally:
            # Afterwards: a store that hangs would be asked by each of those who wait, one after the other.
            self._began[channel.name], self._ended[channel.name] = began, self._clock()
        self._judge(channel, fits)

    def _judge(self, channel: Channel, fits: Mapping[str, Fit]) -> None:
        others = {name for name in self._faulty if name[0] != channel.name}
        self._faulty = frozenset(others | {(channel.name, name) for name, each in fits.items() if each.faults})
        for name, each in fits.items():
            self._metrics.tables_faulty.labels(channel.name, name).set(bool(each.faults))
        now = Fit(
            tuple(fault for each in fits.values() for fault in each.faults),
            tuple(warning for each in fits.values() for warning in each.warnings),
        )
        before, self._told[channel.name] = self._told.get(channel.name, Fit()), now
        _tell(channel.name, before, now)


def _tell(channel: str, before: Fit, now: Fit) -> None:
    """One line for each channel, and none while nothing changes."""
    if now.faults and now.faults != before.faults:
        log.error("channel_tables_faulty", channel=channel, faults=list(now.faults))
    elif before.faults and not now.faults:
        log.info("channel_tables_sound", channel=channel)
    if now.warnings and now.warnings != before.warnings:
        log.warning("channel_tables_unlike_events", channel=channel, warnings=list(now.warnings))
