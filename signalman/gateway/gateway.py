"""The gateway of one process: what every connection shares."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import structlog

from signalman.access.grants import grants
from signalman.channel import Catalog
from signalman.errors import BackendUnavailable
from signalman.gateway.connection import Connection
from signalman.gateway.hub import Hub
from signalman.gateway.join import Joins
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.gateway.view import Frame
from signalman.metrics import Metrics
from signalman.ports import Bus
from signalman.principal import Principal

log = structlog.get_logger(__name__)

Authenticate = Callable[[str], Awaitable[Principal]]
"""Credential → principal; raises `NotAuthenticated` or `BackendUnavailable`."""


class Gateway:
    """Catalog, access, feeds and snapshots of one process, and the connections that use them."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        authenticate: Authenticate,
        bus: Bus,
        snapshots: SharedSnapshots,
        metrics: Metrics,
        limits: SessionLimits,
        max_connections: int = 10_000,
        view_frames: int = 4096,
        view_bytes: int = 8 * 1024 * 1024,
        part_rows: int = 500,
        part_bytes: int = 64 * 1024,
        share_seconds: float = 1.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.catalog = catalog
        self.authenticate = authenticate
        self.snapshots = snapshots
        self.metrics = metrics
        self.limits = limits
        self.clock = clock
        self.sleep = sleep
        self.hub = Hub(bus, metrics, max_frames=view_frames, max_bytes=view_bytes)
        self.joins = Joins(snapshots, clock, part_rows=part_rows, part_bytes=part_bytes, share=share_seconds)
        self.draining = False
        self._bus = bus
        self._max_connections = max_connections
        self._connections: set[Connection] = set()
        metrics.backend_up.labels("bus").set(1)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    @property
    def full(self) -> bool:
        """Whether another connection must be turned away: no room, or on the way out."""
        return self.draining or len(self._connections) >= self._max_connections

    def connect(self, wake: Callable[[], None], principal: Principal | None = None) -> Connection:
        """A client has arrived, with *principal* where the handshake already carried a credential."""
        connection = Connection(self, wake, principal)
        self._connections.add(connection)
        self.metrics.connections.set(len(self._connections))
        return connection

    async def disconnect(self, connection: Connection) -> None:
        """The client's socket is gone."""
        self._connections.discard(connection)
        self.metrics.connections.set(len(self._connections))
        await connection.finish()

    def delivered(self, channel: str, frames: Sequence[Frame]) -> None:
        """Count *frames* of *channel* as handed to one socket."""
        self.metrics.deliveries.labels(channel).inc(sum(frame.count for frame in frames))
        now_ms = self.clock() * 1000
        for frame in frames:
            self.metrics.delivery_seconds.observe(max(0.0, now_ms - frame.published_ms) / 1000)

    async def keep_time(self) -> None:
        """Let time pass for every connection, once a second, for ever: one timer for all of them."""
        while True:
            await self.sleep(1.0)
            for connection in list(self._connections):
                connection.tick()

    async def drain(self, seconds: float, retry_after_ms: int = 1000) -> None:
        """Take no new clients, ask all to come back elsewhere, and wait until they have gone, *seconds* at most."""
        self.draining = True
        for connection in list(self._connections):
            connection.goodbye("restart", retry_after_ms)
        steps = round(seconds / 0.05)
        while self._connections and steps:
            steps -= 1
            await self.sleep(0.05)

    def readable_channels(self, principal: Principal) -> frozenset[str]:
        """Names of the channels that *principal* may read somewhere."""
        return frozenset(grant.channel for grant in grants(principal, self.catalog))

    def stats(self) -> dict[str, object]:
        """How many of what there are now, for operators."""
        channels: Counter[str] = Counter()
        for connection in self._connections:
            channels.update(connection.channels)
        return {
            "connections": len(self._connections),
            "subscriptions": {name: channels[name] for name in sorted(self.catalog.channels)},
            "feeds": self.hub.feeds,
            "views": self.hub.views,
            "bus_lost": self.hub.bus_lost,
            "draining": self.draining,
        }

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
