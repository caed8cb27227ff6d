"""What nodes report about themselves: load every ten seconds, and what they store every hour."""

from collections.abc import Sequence
from typing import Any

import orjson

from signalman.simulate.nodes import Node
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.tenants import Tenant
from signalman.simulate.timeline import Life

UPDATE_EVERY = 10.0
STORAGE_EVERY = 3600.0
_GIB = 1 << 30
_CAPABILITIES = {"ingest": True, "edge": True, "storage": True, "processing": True}
_DRAINING, _NORMAL = "NODE_OPERATIONAL_MODE_DRAINING", "NODE_OPERATIONAL_MODE_NORMAL"


def updates(scene: Scene, node: Node, streams: Sequence[Stream]) -> Life:
    """A node says how it is, for ever. Now and then it is drained for a minute."""
    while True:
        report(scene, node, streams)
        if node.mode == _DRAINING:
            node.mode = _NORMAL if scene.dice.random() < 1 / 6 else _DRAINING
        elif scene.dice.random() < 1 / 180:
            node.mode = _DRAINING
        yield UPDATE_EVERY


def report(scene: Scene, node: Node, streams: Sequence[Stream]) -> None:
    """How the node is now, and all streams on it, whoever they belong to."""
    here = [stream for stream in streams if stream.broadcast is not None and node in stream.nodes]
    viewers = sum(visit.node is node for stream in here for visit in stream.visits.values())
    _work(scene, node, here, viewers)
    values = _machine(scene, node) | {
        "active_streams": len(here),
        "connections_current": viewers,
        "connections_inputs": len(here),
        "connections_outgoing": viewers,
        "streams": {stream.internal_name: _carried(scene, node, stream) for stream in here},
    }
    scene.trigger("node_lifecycle_update", values, node.tenant.owner, node.origin)


def present(scene: Scene, node: Node, streams: Sequence[Stream]) -> Life:
    """Once: how the node is."""
    report(scene, node, streams)
    yield from ()


def _work(scene: Scene, node: Node, here: Sequence[Stream], viewers: int) -> None:
    load = 80 + 25 * len(here) + 2 * viewers + scene.dice.randrange(-30, 60)
    node.cpu_tenths = max(10, min(990, (node.cpu_tenths * 2 + load) // 3))
    node.bytes_in += len(here) * 6_000_000
    node.bytes_out += viewers * 5_500_000
    node.reports += 1


def _carried(scene: Scene, node: Node, stream: Stream) -> dict[str, Any]:
    viewers = sum(visit.node is node for visit in stream.visits.values())
    return {
        "total": viewers,
        "inputs": 1,
        "bytes_up": stream.received(scene.now),
        "bytes_down": stream.sent(scene.now),
        "bandwidth": viewers * stream.quality.kbps,
        "replicated": node is not stream.nodes[0],
        "packet_counts": [int(scene.now) % 100_000, 3, 2],
        "total_connections": [viewers, 1],
    }


def _machine(scene: Scene, node: Node) -> dict[str, Any]:
    used = 40 * _GIB + scene.dice.randrange(8 * _GIB)
    outputs = {"HLS": f"{node.base_url}/hls/$/index.m3u8", "RTMP": f"rtmp://{node.address}/play/$"}
    return {
        "node_id": node.node_id,
        "cpu_tenths": node.cpu_tenths,
        "ram_max": 64 * _GIB,
        "ram_current": 12 * _GIB + scene.dice.randrange(4 * _GIB),
        "shm_total_bytes": 8 * _GIB,
        "shm_used_bytes": _GIB + scene.dice.randrange(_GIB),
        "disk_total_bytes": 960 * _GIB,
        "disk_used_bytes": used,
        "up_speed": node.bytes_out // 300,
        "down_speed": node.bytes_in // 300,
        "bw_limit": 1_250_000_000,
        "latitude": node.place.latitude,
        "longitude": node.place.longitude,
        "location": node.place.city,
        "base_url": node.base_url,
        "is_healthy": node.cpu_tenths < 950,
        "event_type": "node_lifecycle_update",
        "timestamp": scene.second,
        "capabilities": _CAPABILITIES | {"roles": list(node.roles)},
        "storage": {
            "local_path": f"/srv/{node.node_id}/recordings",
            "s3_bucket": f"vault-{node.cluster_id}-media",
            "s3_prefix": f"objects/{node.node_id}/",
        },
        "limits": {
            "storage_capacity_bytes": 900 * _GIB,
            "storage_used_bytes": used,
            "processing_classes": [{"class": "av", "slots_total": 4, "slots_used": 1, "ready": ["h264"]}],
        },
        "outputs_json": orjson.dumps(outputs).decode(),
        "tenant_id": node.tenant.tenant_id,
        "bandwidth_in_total": node.bytes_in,
        "bandwidth_out_total": node.bytes_out,
        "component_versions": [
            {"component": "mistserver", "version": "3.9"},
            {"component": "helmsman", "version": "1"},
        ],
        "triggers_json": orjson.dumps({"USER_NEW": [f"{node.base_url}/trigger"]}).decode(),
        "operational_mode": node.mode,
        "deploy_mode": "docker",
        "os": "linux",
        "arch": "amd64",
        "artifacts_report_seq": node.reports,
    }


def storage(scene: Scene, node: Node, tenants: Sequence[Tenant]) -> Life:
    """How much of whom the node stores: of all tenants, told to its owner."""
    while True:
        values = {
            "node_id": node.node_id,
            "timestamp": scene.second,
            "tenant_id": node.tenant.tenant_id,
            "location": node.place.city,
            "capabilities": _CAPABILITIES | {"roles": list(node.roles)},
            "usage": [_usage(scene, tenant) for tenant in tenants],
            "storage_scope": "hot",
            "storage_provider_tenant_id": node.tenant.tenant_id,
            "storage_provider_cluster_id": node.cluster_id,
            "storage_backend": "s3",
        }
        scene.trigger("storage_snapshot", values, node.tenant.owner, node.origin)
        yield STORAGE_EVERY


def _usage(scene: Scene, tenant: Tenant) -> dict[str, Any]:
    clips, dvrs, vods = (scene.dice.randrange(_GIB) for _ in range(3))
    return {
        "tenant_id": tenant.tenant_id,
        "total_bytes": clips + dvrs + vods,
        "file_count": scene.dice.randrange(5, 90),
        "dvr_bytes": dvrs,
        "clip_bytes": clips,
        "vod_bytes": vods,
        "frozen_vod_bytes": vods // 2,
    }
