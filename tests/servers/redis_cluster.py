"""A Redis Cluster: three masters, each with a third of the slots, and replicas where a test asks for them."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis as driver

from tests.servers.ports import free_port, wait_for
from tests.servers.redis import Redis, find_redis_7

SLOTS = 16_384
_MASTERS = 3
_PATIENCE = 60.0


class RedisNode(Redis):
    """One node. It keeps its data and its place in the cluster over `stop`, `kill` and `start`."""

    def __init__(self, folder: Path, program: Path) -> None:
        # By default it is the port and 10000, which another server may have.
        self.cluster_port = free_port()
        super().__init__(
            folder,
            appendonly=True,
            program=program,
            config={
                "cluster-enabled": "yes",
                "cluster-port": str(self.cluster_port),
                # How long a node is silent until it counts as gone: short, but a busy machine must not look like that.
                "cluster-node-timeout": "2000",
                # So that the death of one master does not silence the others.
                "cluster-require-full-coverage": "no",
                "cluster-allow-replica-migration": "no",
            },
        )

    def command(self, *words: object) -> Any:
        """Send one command, and return its answer."""
        with driver.Redis(self.host, self.port, decode_responses=True) as client:
            return client.execute_command(*words)

    @property
    def id(self) -> str:
        """By which the others know it."""
        return str(self.command("CLUSTER", "MYID"))

    def meet(self, other: "RedisNode") -> None:
        """Become of one cluster with *other*, which takes a moment."""
        self.command("CLUSTER", "MEET", other.host, other.port, other.cluster_port)

    def sees(self, nodes: int) -> bool:
        """Whether the cluster is whole in the eyes of this node, with so many *nodes*."""
        info = dict(line.split(":", 1) for line in self.command("CLUSTER", "INFO").split())
        return (info["cluster_state"], info["cluster_slots_assigned"], info["cluster_known_nodes"]) == (
            "ok",
            str(SLOTS),
            str(nodes),
        )


class RedisCluster:
    """Three masters. Also a context manager: started on entry, stopped on exit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = find_redis_7()
        self.nodes = [RedisNode(folder / str(number), self._program) for number in range(_MASTERS)]
        """The masters, and then the replicas that were added."""
        self._made = False

    @property
    def url(self) -> str:
        """A node where clients may begin."""
        return self.nodes[0].url

    def start(self) -> None:
        """Start all nodes that do not run, and return once each of them sees the whole cluster."""
        for node in self.nodes:
            node.start()
        if not self._made:
            self._made = True
            self._make()
        self.wait_whole()

    def stop(self) -> None:
        """Stop all nodes."""
        for node in self.nodes:
            node.stop()

    def wait_whole(self) -> None:
        """Return once every node that runs sees all nodes and all slots served."""
        for node in self.nodes:
            if node.running:
                wait_for(lambda node=node: node.sees(len(self.nodes)), within=_PATIENCE, what="a whole cluster")  # type: ignore[misc]  # mypy does not infer a lambda with defaults

    def owner(self, slot: int) -> RedisNode:
        """The master of *slot*, as a running node sees it."""
        asked = next(node for node in self.nodes if node.running)
        for first, last, (_, port, *_), *_ in asked.command("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise LookupError(f"nobody serves slot {slot}")

    def move(self, slots: Iterable[int], to: RedisNode) -> None:
        """Move *slots* with their keys to the master *to*, as an operator does while clients are served."""
        for slot in slots:
            source = self.owner(slot)
            if source is not to:
                to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
                source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
                while keys := source.command("CLUSTER", "GETKEYSINSLOT", slot, 100):
                    source.command("MIGRATE", to.host, to.port, "", 0, 5000, "KEYS", *keys)
                others = [node for node in self.nodes if node.running and node not in {to, source}]
                for node in (to, source, *others):
                    if node.command("ROLE")[0] == "master":
                        node.command("CLUSTER", "SETSLOT", slot, "NODE", to.id)

    def add_replica(self, master: RedisNode) -> RedisNode:
        """Start another node that takes over when *master* dies; return it once it has all that *master* has."""
        replica = RedisNode(self._folder / str(len(self.nodes)), self._program)
        self.nodes.append(replica)
        replica.start()
        replica.meet(master)
        self.wait_whole()
        replica.command("CLUSTER", "REPLICATE", master.id)
        wait_for(lambda: replica.command("ROLE")[3] == "connected", within=_PATIENCE, what="a replica")
        # Before all know whose it is, they would not vote for it.
        for node in self.nodes:
            wait_for(
                lambda node=node: f"slave {master.id}" in node.command("CLUSTER", "NODES"),  # type: ignore[misc]  # see above
                within=_PATIENCE,
                what="a replica that all know",
            )
        return replica

    def _make(self) -> None:
        bounds = [SLOTS * number // _MASTERS for number in range(_MASTERS + 1)]
        for number, node in enumerate(self.nodes):
            # Equal epochs would be sorted out by the nodes themselves, but not at once.
            node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        for node in self.nodes[1:]:
            self.nodes[0].meet(node)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
