"""Transcoding gateways of clusters, and the orchestrators that they find and use."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from signalman.simulate.addresses import client_address
from signalman.simulate.identity import hexadecimal
from signalman.simulate.nodes import Node
from signalman.simulate.places import CITIES, Place
from signalman.simulate.scene import Scene
from signalman.simulate.timeline import Life
from signalman.simulate.wire import rfc3339

EACH = 3
"""Orchestrators that a gateway knows."""


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """Somebody on the internet who transcodes. `ledger_address` names it publicly; it is no network address."""

    ledger_address: str
    network_address: str
    place: Place

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://{self.ledger_address[2:12]}.orch.example:8935"


def gateway(scene: Scene, node: Node) -> Life:
    """A node's gateway: looks around each half minute, and hands out work in between."""
    known = [_orchestrator(scene.dice) for _ in range(EACH)]
    named = {
        "gateway_id": f"gateway-{node.node_id}",
        "gateway_region": node.region,
        "cluster_id": node.cluster_id,
        "cluster_owner_tenant_id": node.tenant.tenant_id,
        "stream_tenant_id": node.tenant.tenant_id,
    }
    while True:
        for orchestrator in known:
            _look(scene, orchestrator, named)
        for _ in range(3):
            yield 10.0
            _work(scene, known, named)


def _orchestrator(dice: Random) -> Orchestrator:
    return Orchestrator(f"0x{hexadecimal(dice, 40)}", client_address(dice), dice.choice(CITIES))


def _look(scene: Scene, orchestrator: Orchestrator, named: dict[str, str]) -> None:
    reachable = scene.dice.random() < 0.95
    observed = {
        "orch_addr": orchestrator.ledger_address,
        "orch_url": orchestrator.url,
        "advertised_node_url": f"{orchestrator.url}/node",
        "discovery_latency_ms": scene.dice.randrange(20, 300) if reachable else 0,
        "reachable": reachable,
        "compatible": reachable,
        "score": round(scene.dice.random(), 4),
        "failure_reason": "" if reachable else "no answer in time",
        "failure_kind": "" if reachable else "timeout",
        "vantage": _vantage(scene, orchestrator),
    }
    scene.orchestrator("orchestrator_discovery_observed", "OrchestratorDiscoveryObserved", observed, named)
    state = {
        "orch_addr": orchestrator.ledger_address,
        "canonical_url": orchestrator.url,
        "advertised_node_urls": [f"{orchestrator.url}/node"],
        "capabilities": ["h264", "hevc"],
        "price_per_unit": 1200,
        "pixels_per_unit": 1,
        "hardware": "2x L4",
        "source": "gateway_pool",
        "vantage": _vantage(scene, orchestrator),
        "capability_price_entries": [
            {"capability": "h264", "position": 0, "price_per_unit": 1200, "pixels_per_unit": 1},
            {"capability": "hevc", "position": 1, "price_per_unit": 1900, "pixels_per_unit": 1},
        ],
    }
    scene.orchestrator("orchestrator_state_update", "OrchestratorStateUpdate", state, named)


def _vantage(scene: Scene, orchestrator: Orchestrator) -> dict[str, Any]:
    place = orchestrator.place
    return {
        "resolved_ip": orchestrator.network_address,
        "dialed": True,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "city": place.city,
        "country_code": place.country,
        "geo_source": "geoip",
        "geo_resolved_at": rfc3339(scene.second),
    }


def _work(scene: Scene, known: Sequence[Orchestrator], named: dict[str, str]) -> None:
    orchestrator, wait = scene.dice.choice(known), scene.dice.randrange(200, 1500)
    outcome = {
        "orch_addr": orchestrator.ledger_address,
        "orch_url": orchestrator.url,
        "session_id": hexadecimal(scene.dice, 16),
        "manifest_id_hash": hexadecimal(scene.dice, 32),
        "seq_no": scene.second % 100_000,
        "success": True,
        "latency_score": round(wait / 2000, 3),
        "upload_ms": wait // 4,
        "transcode_ms": wait,
        "overall_ms": wait * 5 // 4,
        "pixels": 1280 * 720 * 60,
        "profiles": ["720p", "480p"],
        "resolved_ip": orchestrator.network_address,
    }
    scene.orchestrator("orchestrator_transcode_outcome", "OrchestratorTranscodeOutcome", outcome, named)
