"""The pretend platform as a whole: who there is, and what happens."""

from collections.abc import Sequence

from signalman.simulate import node_reports
from signalman.simulate.accounts import account
from signalman.simulate.broadcasts import channel, present
from signalman.simulate.clips import clipping
from signalman.simulate.conversations import investigations, support
from signalman.simulate.dvrs import recorder
from signalman.simulate.federation import pulls
from signalman.simulate.nodes import Node, built
from signalman.simulate.orchestrators import gateway
from signalman.simulate.people import crowd
from signalman.simulate.processing import transcoding
from signalman.simulate.pushes import recordings, syndication
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream, planned
from signalman.simulate.tenants import Tenant, founded
from signalman.simulate.timeline import Life
from signalman.simulate.truth import Truth
from signalman.simulate.vods import uploads
from signalman.simulate.wire import Emitted

WARM_UP = 300.0
"""Seconds of the world that have passed before its start, so that it starts in full life."""


class World:
    """Tenants, nodes, streams, viewers. Pure: the same arguments give the same records, byte for byte, however the
    time is cut into steps.

    Args:
        start: Unix seconds at which stepping begins.
        seed: Of all chance.
        tenants: How many; the first is the demo tenant (`tenant_ids`).
        streams_per_tenant: Of which most are live at any time, and the last is pulled rather than pushed.
        viewers_per_stream: About so many watch a live stream.
        speed: How many seconds of the world pass in one second; timestamps stay those of the clock.
    """

    def __init__(
        self,
        *,
        start: float,
        seed: int = 1,
        tenants: int = 3,
        streams_per_tenant: int = 4,
        viewers_per_stream: int = 12,
        speed: float = 1.0,
    ) -> None:
        self.start = start
        self._scene = scene = Scene(seed, start - WARM_UP / speed, speed)
        self._tenants = founded(tenants)
        self._nodes = {tenant: built(tenant, scene.ledger) for tenant in self._tenants}
        self._streams = {tenant: self._planned(tenant, streams_per_tenant) for tenant in self._tenants}
        self.truth = Truth(self._all_streams())
        for tenant in self._tenants:
            self._begin(tenant, viewers_per_stream)
        scene.timeline.run(start)
        self._history = scene.take()
        self._present()

    def step(self, until: float) -> list[Emitted]:
        """Let time pass until *until*, Unix seconds. Everything emitted meanwhile, in the order of time.

        The first step tells of every node and every live stream, so that whoever listens sees them at once.
        """
        self._scene.timeline.run(until)
        return self._scene.take()

    def history(self) -> list[Emitted]:
        """What was emitted before the start, for the ingest alone. Once: it is forgotten by telling."""
        history, self._history = self._history, []
        return history

    def secrets(self) -> frozenset[str]:
        """Every address, credential, message, internal name, personal id and storage location issued so far."""
        return self._scene.ledger.secrets()

    def _planned(self, tenant: Tenant, count: int) -> tuple[Stream, ...]:
        scene, shared = self._scene, self._nodes[self._tenants[0]]
        return planned(tenant, count, self._nodes[tenant], shared, scene.dice, scene.ledger)

    def _begin(self, tenant: Tenant, viewers: int) -> None:
        scene, streams, nodes = self._scene, self._streams[tenant], self._nodes[tenant]
        people = crowd(scene.dice, scene.ledger, max(40, 2 * viewers * len(streams)))
        lives: tuple[Life, ...] = (
            *(channel(scene, stream, people, viewers) for stream in streams),
            *(gateway(scene, node) for node in nodes[:1]),
            syndication(scene, streams),
            recordings(scene, streams),
            clipping(scene, streams, nodes),
            recorder(scene, streams, nodes),
            uploads(scene, tenant, nodes),
            transcoding(scene, streams),
            pulls(scene, streams),
            support(scene, tenant),
            investigations(scene, tenant),
            account(scene, tenant, streams),
        )
        for life in lives:
            scene.start(life, scene.dice.uniform(0.0, 5.0))
        for node in nodes:
            self._begin_node(node)

    def _begin_node(self, node: Node) -> None:
        scene, streams = self._scene, self._all_streams()
        scene.start(node_reports.updates(scene, node, streams), scene.dice.uniform(0.0, node_reports.UPDATE_EVERY))
        # The rest of the hour passes after the start, so that somebody who watches for some minutes sees one.
        soon = WARM_UP + scene.dice.uniform(5.0, 120.0)
        scene.start(node_reports.storage(scene, node, self._tenants), soon)

    def _present(self) -> None:
        scene, streams = self._scene, self._all_streams()
        nodes = [node for nodes in self._nodes.values() for node in nodes]
        for node in nodes:
            scene.start(node_reports.present(scene, node, streams))
        for stream in streams:
            scene.start(present(scene, stream))

    def _all_streams(self) -> Sequence[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]
