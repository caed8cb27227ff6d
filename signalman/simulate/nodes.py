"""Nodes: the machines of a cluster, what they carry, and how they report it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from signalman.simulate.addresses import node_address
from signalman.simulate.ledger import Ledger
from signalman.simulate.places import ASHBURN, FRANKFURT, LEIDEN, SINGAPORE, WARSAW, Place
from signalman.simulate.tenants import Tenant
from signalman.simulate.wire import Origin


@dataclass(slots=True, eq=False)
class Node:
    """One machine. Counters grow, the rest wanders."""

    node_id: str
    cluster_id: str
    region: str
    place: Place
    tenant: Tenant
    """Owner of the cluster."""
    address: str
    cpu_tenths: int = 220
    bytes_in: int = 0
    bytes_out: int = 0
    mode: str = "NODE_OPERATIONAL_MODE_NORMAL"
    reports: int = 0
    roles: tuple[str, ...] = field(default=("ingest", "edge", "storage", "processing"))

    @property
    def origin(self) -> Origin:
        """The node as events name it."""
        return Origin(self.node_id, self.cluster_id, self.region)

    @property
    def base_url(self) -> str:
        """Where its media server answers."""
        return f"https://{self.node_id}.media.example.net:4433/{self.cluster_id}"


# node id, cluster, region, place
_DEMO = (
    ("edge-node-1", "demo-media", "eu-west", LEIDEN),
    ("central-node-1", "central-primary", "eu-west", FRANKFURT),
    ("edge-ashburn", "demo-media", "us-east", ASHBURN),
    ("edge-singapore", "demo-media", "ap-south", SINGAPORE),
)


def built(tenant: Tenant, ledger: Ledger) -> tuple[Node, ...]:
    """The nodes of a tenant's clusters. The demo tenant's also carry streams of others."""
    name = tenant.name
    own = (
        (f"{name}-node-1", f"{name}-edge", "eu-west", WARSAW),
        (f"{name}-node-2", f"{name}-edge", "us-east", ASHBURN),
    )
    nodes = tuple(_node(tenant, index, row) for index, row in enumerate(_DEMO if tenant.number == 1 else own))
    _keep_secret(ledger, nodes)
    return nodes


def _node(tenant: Tenant, index: int, row: tuple[str, str, str, Place]) -> Node:
    node_id, cluster_id, region, place = row
    return Node(node_id, cluster_id, region, place, tenant, node_address(tenant.number * 4 + index))


def _keep_secret(ledger: Ledger, nodes: Iterable[Node]) -> None:
    for node in nodes:
        ledger.add(node.address, node.base_url)
