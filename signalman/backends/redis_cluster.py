"""Which server has which channels: the one there is, any node of a cluster, or the master of the channel's slot.

In a Redis Cluster a classic message reaches all nodes, so that one connection to any of them hears everything. A
sharded one stays with the nodes of its slot.
"""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_connection import RedisConnection
from signalman.errors import BackendUnavailable

_SLOTS = 16_384


@dataclass(frozen=True, slots=True)
class Topology:
    """The nodes of a cluster, as one of them sees it."""

    owners: Mapping[int, RedisAddress]
    """Slot → its master. A slot that nobody serves is not there."""
    nodes: frozenset[RedisAddress]
    """Masters and replicas."""


class Placement(Protocol):
    """Which node each channel belongs to."""

    home: RedisAddress | None
    """The node that a connection is kept to, wanted channels or not."""

    def node_of(self, slot: int) -> RedisAddress | None:
        """The node of a channel's slot; None when it is not known or nobody serves it."""
        ...

    def moved(self, slot: int, to: RedisAddress) -> None:
        """*slot* is not where it was thought to be; *to* knows more."""
        ...

    async def refresh(self, alive: Collection[RedisAddress]) -> bool:
        """Ask the cluster anew, preferring nodes that are *alive*. Whether channels may belong elsewhere now.

        Raises:
            BackendUnavailable: No node answers that belongs to the majority. What was known stays.
        """
        ...


class OneServer:
    """A Redis that is no cluster, or is seen as none: all channels are there."""

    def __init__(self, address: RedisAddress) -> None:
        self.home: RedisAddress | None = address

    def node_of(self, slot: int) -> RedisAddress | None:  # noqa: ARG002  it is the same for all
        """See `Placement`."""
        return self.home

    def moved(self, slot: int, to: RedisAddress) -> None:
        """See `Placement`. There is nowhere to move to."""

    async def refresh(self, alive: Collection[RedisAddress]) -> bool:  # noqa: ARG002  nobody has to be asked
        """See `Placement`."""
        return False


class _Cluster:
    """Knows nodes, and asks one after the other.

    Args:
        seed: Any node, which gives the credentials for all. Asked when no node answers that is known to be alive.
        timeout: Seconds that one node may take.
    """

    def __init__(self, seed: RedisAddress, *, timeout: float) -> None:
        self._seed = seed
        self._timeout = timeout
        self._topology = Topology({}, frozenset())

    async def _ask(self, order: Sequence[RedisAddress]) -> RedisAddress:
        """Read the topology from the first node of *order* that tells it; returns which it was."""
        failure = BackendUnavailable("redis", "no node of the cluster is known")
        for node in order:
            try:
                self._topology = await read_topology(node, within=self._timeout)
            except BackendUnavailable as error:
                failure = error
            else:
                return node
        raise failure

    def _by_chance(self, alive: Collection[RedisAddress]) -> list[RedisAddress]:
        """All nodes: those that are *alive*, the seed, and the rest, of which each may take its full time."""
        nodes = random.sample(sorted(self._topology.nodes, key=_place), len(self._topology.nodes))
        rest = [node for node in nodes if node not in alive]
        return [*(node for node in nodes if node in alive), self._seed, *rest]


class AnyNode(_Cluster):
    """Classic pub/sub: all channels on one node, and on another when that one is gone, or cut off from the others."""

    home: RedisAddress | None = None

    def node_of(self, slot: int) -> RedisAddress | None:  # noqa: ARG002  it is the same for all
        """See `Placement`."""
        return self.home

    def moved(self, slot: int, to: RedisAddress) -> None:
        """See `Placement`. A classic channel has no slot."""

    async def refresh(self, alive: Collection[RedisAddress]) -> bool:
        """See `Placement`. Whoever answers is the new home, and before all others the old one if it is alive."""
        order = self._by_chance(alive)
        if self.home is not None:
            others = [node for node in order if node != self.home]
            order = [self.home, *others] if self.home in alive else [*others, self.home]
        before, self.home = self.home, await self._ask(order)
        return self.home != before


class Masters(_Cluster):
    """Sharded pub/sub: each channel on the master of its slot."""

    home: RedisAddress | None = None

    def __init__(self, seed: RedisAddress, *, timeout: float) -> None:
        super().__init__(seed, timeout=timeout)
        self._hints: list[RedisAddress] = []
        self._gone: set[int] = set()

    def node_of(self, slot: int) -> RedisAddress | None:
        """See `Placement`."""
        return None if slot in self._gone else self._topology.owners.get(slot)

    def moved(self, slot: int, to: RedisAddress) -> None:
        """See `Placement`."""
        self._gone.add(slot)
        if to not in self._hints:
            self._hints.append(to)

    async def refresh(self, alive: Collection[RedisAddress]) -> bool:
        """See `Placement`. A node that was named as the one to ask is asked first."""
        hints, self._hints = self._hints, []
        before = self._topology
        await self._ask([*hints, *self._by_chance(alive)])
        changed = bool(self._gone) or self._topology != before
        self._gone.clear()
        return changed


async def read_topology(node: RedisAddress, *, within: float) -> Topology:
    """Ask *node* how the cluster looks. Connecting and answering may each take *within* seconds.

    Raises:
        BackendUnavailable: It does not answer or is no node of a cluster, or it is cut off from the majority: what it
            knows may be long out of date.
    """
    connection = await RedisConnection.open(node, within=within, silence_limit=within)
    try:
        async with asyncio.timeout(within):
            info, slots = await connection.ask((b"CLUSTER", b"INFO"), (b"CLUSTER", b"SLOTS"))
    except TimeoutError as error:
        raise BackendUnavailable("redis", f"no answer within {within:g} s") from error
    finally:
        connection.drop("done")
    if b"cluster_state:ok" not in info:
        raise BackendUnavailable("redis", "the cluster is not whole, or a node is cut off from it")
    return parse_topology(slots, asked=node)


def parse_topology(slots: Any, *, asked: RedisAddress) -> Topology:
    """Read the answer to CLUSTER SLOTS that *asked* gave.

    Raises:
        BackendUnavailable: It is no such answer.
    """
    owners: dict[int, RedisAddress] = {}
    nodes: set[RedisAddress] = set()
    try:
        for first, last, *places in slots:
            found = [_node(host, port, asked) for host, port, *_ in places]
            nodes.update(node for node in found if node is not None)
            slots_here = range(_SLOTS)[first : last + 1]
            if found[0] is not None:
                owners.update(dict.fromkeys(slots_here, found[0]))
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise BackendUnavailable("redis", "a node answered CLUSTER SLOTS with something else") from error
    return Topology(owners, frozenset(nodes))


def parse_moved(text: str, *, asked: RedisAddress) -> tuple[int, RedisAddress] | None:
    """The slot and its new node, from the error ``MOVED 3999 10.0.0.1:6381`` that *asked* gave. None: another error."""
    match text.split():
        case ["MOVED", slot, place] if slot.isdecimal():
            host, _, port = place.rpartition(":")
            return (int(slot), asked.at(host or asked.host, int(port))) if port.isdecimal() else None
    return None


def _node(host: bytes | None, port: int, asked: RedisAddress) -> RedisAddress | None:
    if host == b"?":
        # It should be called by a name and has none.
        return None
    # A node that does not know its own address leaves it out: it is where it was asked.
    return asked.at(host.decode() if host else asked.host, int(port))


def _place(node: RedisAddress) -> tuple[str, int]:
    return (node.host, node.port)
