"""The gateway of one process: what every connection shares."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from signalman.access.grants import grants
from signalman.access_ports import Access, Directory
from signalman.channel import Catalog
from signalman.errors import BackendUnavailable
from signalman.event import Json
from signalman.gateway.admission import Admission, Visitor
from signalman.gateway.binding import channel_versions
from signalman.gateway.connection import Connection
from signalman.gateway.hearing import Hearing, follow
from signalman.gateway.hub import Hub
from signalman.gateway.inspection import Inspection
from signalman.gateway.joins import Joins
from signalman.gateway.lag import Windows
from signalman.gateway.late import LATE_MS
from signalman.gateway.log import LogLimits
from signalman.gateway.measure import Measure
from signalman.gateway.pulse import Pulse
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.gateway.standing import Standing
from signalman.gateway.stats import stats
from signalman.gateway.view import Frame
from signalman.metrics import Metrics
from signalman.ports import Bus
from signalman.principal import Principal

HISTORY = LogLimits(seconds=120.0, events=50_000, bytes=32 * 1024 * 1024)
"""How much of a feed's past is held unless told otherwise."""


class Gateway:
    """Catalog, access, feeds and snapshots of one process, and the connections that use them.

    Its ``keep_time``, ``watch_source``, ``watch_tables`` and ``watch_access`` are to be run, each for ever.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        admission: Admission,
        bus: Bus,
        snapshots: SharedSnapshots,
        metrics: Metrics,
        limits: SessionLimits,
        directory: Directory | None = None,
        recheck_seconds: float = 30.0,
        close_seconds: float = 1.0,
        max_connections: int = 10_000,
        view_frames: int = 4096,
        view_bytes: int = 8 * 1024 * 1024,
        history: LogLimits = HISTORY,
        bookmark_seconds: float = 15.0,
        part_rows: int = 500,
        part_bytes: int = 64 * 1024,
        share_seconds: float = 1.0,
        replay_floor_seconds: float = 30.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.catalog = catalog
        self.access = access
        self.admission = admission
        self.snapshots = snapshots
        self.metrics = metrics
        self.limits = limits
        self.close_seconds = close_seconds
        self.clock = clock
        self.sleep = sleep
        self.hub = Hub(
            bus,
            metrics,
            versions=channel_versions(catalog),
            history=history,
            max_frames=view_frames,
            max_bytes=view_bytes,
            sleep=sleep,
        )
        self.standing = Standing(access, metrics, every=recheck_seconds, clock=clock, sleep=sleep)
        self._hearing = Hearing(bus, partial(self.standing.notice, source="relay"), sleep=sleep)
        self.hub.overhear(self._hearing)
        self._directory = directory
        most_ms = max(0, round(history.seconds * 1000) - LATE_MS)
        self.measure = Measure(Windows(floor_ms=round(replay_floor_seconds * 1000), most_ms=most_ms), metrics, clock)
        self.joins = Joins(
            snapshots,
            self.measure,
            clock=clock,
            now_ms=self.hub.now_ms,
            part_rows=part_rows,
            part_bytes=part_bytes,
            share=share_seconds,
        )
        self.inspection = Inspection(catalog, snapshots, metrics, clock=clock, sleep=sleep)
        self.draining = False
        self._bus = bus
        self._pulse = Pulse(bus, self.hub, metrics, sleep)
        self._bookmark_seconds = bookmark_seconds
        self._max_connections = max_connections
        self.connections: set[Connection] = set()
        """Those that are open."""
        metrics.backend_up.labels("bus").set(1)

    @property
    def heard(self) -> int:
        """How many notices about access were heard: read it before a credential is checked, for `connect`."""
        return self.standing.heard

    @property
    def full(self) -> bool:
        """Whether another connection must be turned away: no room, or on the way out."""
        return self.draining or len(self.connections) >= self._max_connections

    def connect(
        self,
        wake: Callable[[], None],
        visitor: Visitor,
        principal: Principal | None = None,
        *,
        heard: int | None = None,
        abort: Callable[[], None] | None = None,
    ) -> Connection:
        """A client has arrived, with *principal* where the handshake already carried a credential: see `Connection`.

        The caller has asked `Visitor.known` then, and lets *visitor* leave when the socket is gone.
        """
        connection = Connection(self, wake, visitor, principal, heard=heard, abort=abort)
        self.connections.add(connection)
        self.metrics.connections.set(len(self.connections))
        return connection

    async def disconnect(self, connection: Connection) -> None:
        """The client's socket is gone."""
        self.connections.discard(connection)
        self.metrics.connections.set(len(self.connections))
        await connection.finish()

    def delivered(self, channel: str, frames: Sequence[Frame]) -> None:
        """Count *frames* of *channel* as handed to one socket."""
        self.metrics.deliveries.labels(channel).inc(sum(frame.count for frame in frames))
        now_ms = self.hub.now_ms()
        for frame in frames:
            if frame.count:  # a bookmark is as old as the silence before it
                self.metrics.delivery_seconds.observe(max(0, now_ms - frame.published_ms) / 1000)

    async def keep_time(self) -> None:
        """Let time pass for every connection, once a second, for ever: one timer for all of them."""
        silence = 0.0
        while True:
            await self.sleep(1.0)
            for connection in list(self.connections):
                connection.tick()
            silence += 1.0
            if silence >= self._bookmark_seconds:
                silence = 0.0
                self.hub.pass_time()

    async def watch_source(self) -> None:
        """Tell clients, for ever, when nobody publishes the platform's events any more, and when somebody does."""
        await self._pulse.run()

    async def watch_tables(self) -> None:
        """Look, for ever, whether the store has the tables of all channels as the catalog describes them."""
        await self.inspection.run()

    async def watch_access(self) -> None:
        """Look, for ever, whether those who are connected still may be."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.standing.run(), name="standing")
            tasks.create_task(self._hearing.run(), name="notices")
            if self._directory is not None:
                told = partial(self.standing.notice, source="directory")
                tasks.create_task(follow(self._directory, told, self.sleep), name="directory-changes")

    async def drain(self, seconds: float, retry_after_ms: int = 1000) -> None:
        """Take no new clients, ask all to come back elsewhere, and wait until they have gone, *seconds* at most."""
        self.draining = True
        for connection in list(self.connections):
            connection.goodbye("restart", retry_after_ms)
        steps = round(seconds / 0.05)
        while self.connections and steps:
            steps -= 1
            await self.sleep(0.05)

    def readable_channels(self, principal: Principal) -> frozenset[str]:
        """Names of the channels that *principal* may read somewhere."""
        return frozenset(grant.channel for grant in grants(principal, self.catalog))

    def stats(self) -> dict[str, Json]:
        """How many of what there are now, for operators: see `gateway.stats`."""
        return stats(self)

    async def ready(self) -> None:
        """Return when clients can be served.

        Raises:
            BackendUnavailable: The bus does not answer, or this gateway is on its way out.
        """
        if self.draining:
            raise BackendUnavailable("gateway", "is draining")
        if self.hub.bus_lost:
            raise BackendUnavailable("bus", "is away")
        await self._bus.ping()
