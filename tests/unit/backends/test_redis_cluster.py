"""What nodes say about their cluster, and which node is asked and used."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.backends import redis_cluster
from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_cluster import AnyNode, Masters, Topology, parse_moved, parse_topology
from signalman.errors import BackendUnavailable

SEED = RedisAddress(host="seed", password="word")
A, B, C = (SEED.at(f"10.0.0.{number}", 6379) for number in (1, 2, 3))


def test_the_answer_to_cluster_slots() -> None:
    """Each slot has its master, the first that is named; replicas are known. A node that does not know its address is
    where it was asked, and one that should have a name and has none is left out.
    """
    answer: list[Any] = [
        [0, 1, [b"10.0.0.1", 6379, b"id-a", []], [b"10.0.0.3", 6379, b"id-c"]],
        [5, 5, [b"10.0.0.2", 6379, b"id-b", [b"hostname", b"b"]]],
        [6, 6, [b"", 7000, b"id-d"]],
        [7, 7, [None, 7001, b"id-e"]],
        [8, 8, [b"?", 7002, b"id-f"]],
    ]
    topology = parse_topology(answer, asked=SEED)
    here = (SEED.at("seed", 7000), SEED.at("seed", 7001))
    assert topology.owners == {0: A, 1: A, 5: B, 6: here[0], 7: here[1]}
    assert topology.nodes == {A, B, C, *here}


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(-5, 5), st.binary(max_size=3)), lambda inner: st.lists(inner, max_size=4)
    )
)
def test_any_other_answer_is_refused(answer: Any) -> None:
    """Whatever a server says, it is a topology or `BackendUnavailable`."""
    try:
        topology = parse_topology(answer, asked=SEED)
    except BackendUnavailable:
        return
    assert all(node.password == "word" for node in topology.nodes)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("MOVED 3999 10.0.0.1:6379", (3999, A)),
        ("MOVED 3999 fe80::1:6379", (3999, SEED.at("fe80::1", 6379))),
        ("MOVED 3999 :6380", (3999, SEED.at("seed", 6380))),
        ("MOVED 3999 10.0.0.1", None),
        ("MOVED x 10.0.0.1:6379", None),
        ("MOVED 3999", None),
        ("CLUSTERDOWN Hash slot not served", None),
        ("", None),
    ],
)
def test_where_a_slot_has_moved(text: str, moved: tuple[int, RedisAddress] | None) -> None:
    """Only a complete MOVED names a slot and a node."""
    assert parse_moved(text, asked=SEED) == moved


class Nodes:
    """Stands for the network: what each node would tell, and who was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tell: Mapping[RedisAddress, Topology] = {}
        self.asked: list[RedisAddress] = []
        monkeypatch.setattr(redis_cluster, "read_topology", self._read)

    async def _read(self, node: RedisAddress, *, within: float) -> Topology:
        self.asked.append(node)
        if node not in self.tell:
            raise BackendUnavailable("redis", "away")
        return self.tell[node]


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Nodes:
    """The network."""
    return Nodes(monkeypatch)


TOPOLOGY = Topology({0: A, 1: B}, frozenset({A, B, C}))


async def test_masters_ask_those_who_should_know(nodes: Nodes) -> None:
    """At first the seed; then a node that was named, then those that are alive, and the dead ones last."""
    masters = Masters(SEED, timeout=1)
    assert masters.node_of(0) is None
    nodes.tell = {SEED: TOPOLOGY}
    assert await masters.refresh([])
    assert (masters.node_of(0), masters.node_of(1), masters.node_of(2)) == (A, B, None)
    assert not await masters.refresh([])

    nodes.asked.clear()
    nodes.tell = {}
    masters.moved(0, C)
    assert masters.node_of(0) is None
    with pytest.raises(BackendUnavailable):
        await masters.refresh([B])
    assert nodes.asked[:3] == [C, B, SEED]
    assert set(nodes.asked[3:]) == {A, C}

    nodes.tell = {B: TOPOLOGY}
    assert await masters.refresh([B]), "what was gone is to be placed again, be it where it was"
    assert masters.node_of(0) == A


async def test_any_node_stays_where_it_is(nodes: Nodes) -> None:
    """The first that answers is the home, as long as it answers; then it is another one, the old one asked last when
    it is not even alive.
    """
    home = AnyNode(SEED, timeout=1)
    nodes.tell = {SEED: TOPOLOGY, A: TOPOLOGY}
    assert await home.refresh([])
    assert home.home == home.node_of(7) == SEED
    assert not await home.refresh([SEED])

    nodes.tell = {A: TOPOLOGY}
    assert await home.refresh([SEED])
    assert home.home == A
    nodes.asked.clear()
    nodes.tell = {}
    with pytest.raises(BackendUnavailable):
        await home.refresh([])
    assert nodes.asked[-1] == A
    assert home.home == A
