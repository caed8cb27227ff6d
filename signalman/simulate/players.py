"""What players tell about themselves: how playback began, and how it goes."""

from typing import Any

from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream, Visit
from signalman.simulate.timeline import Life

BEACON_EVERY = 30.0


def boot(scene: Scene, stream: Stream, visit: Visit) -> None:
    """How long it took until something was seen."""
    wait = scene.dice.randrange(200, 900)
    manifest = {
        "kind": "manifest",
        "url": visit.person.url(visit.node.base_url, stream.name),
        "ttfb_ms": wait // 4,
        "duration_ms": wait // 3,
        "transfer_size": 1800,
        "encoded_body_size": 1500,
        "decoded_body_size": 1500,
        "cache_status": "HIT",
    }
    values = _session(scene, stream, visit) | {
        "trace_id": visit.trace_id,
        "total_ttf_ms": wait,
        "gateway_resolve_ms": wait // 5,
        "mist_hydrate_ms": wait // 5,
        "player_select_ms": wait // 10,
        "connect_ms": wait // 5,
        "prebuffer_ms": wait // 4,
        "outcome": "playing",
        "resources": [manifest],
    }
    scene.trigger("playback_boot_trace", values, stream.owner, visit.node.origin)


def quality_beacons(scene: Scene, stream: Stream, visit: Visit) -> Life:
    """How playback went in the last half minute, as long as it goes on."""
    number = 0
    while stream.visits.get(visit.session_id) is visit:
        number += 1
        played = int(visit.seconds(scene.now) * 1000)
        values = _session(scene, stream, visit) | {
            "beacon_seq": number,
            "flush_reason": "interval",
            "played_ms": played,
            "rebuffer_ms": scene.dice.randrange(400),
            "rebuffer_count": scene.dice.randrange(2),
            "frame_stats_supported": True,
            "frames_decoded": int(played * stream.quality.fps / 1000),
            "first_frame": True,
            "bitrate_bps_seconds": played * stream.quality.kbps,
            "play_intent": True,
            "live_edge_latency_ms": scene.dice.randrange(2000, 9000),
            "retention_buckets": [0, 1, 2],
            "retention_seconds_watched": [10.0, 10.0, 7.5],
            "max_bucket_reached": 2,
        }
        scene.trigger("playback_session_qoe", values, stream.owner, visit.node.origin)
        yield BEACON_EVERY


def _session(scene: Scene, stream: Stream, visit: Visit) -> dict[str, Any]:
    return {
        "tenant_id": stream.tenant.tenant_id,
        "stream_id": stream.stream_id,
        "internal_name": stream.internal_name,
        "node_id": visit.node.node_id,
        "serving_cluster_id": visit.node.cluster_id,
        "origin_cluster_id": stream.nodes[0].cluster_id,
        "cluster_attributed": True,
        "content_id": stream.stream_id,
        "session_id": visit.session_id,
        "client_timestamp_ms": int(scene.now * 1000),
        "player_type": "hls.js",
        "protocol": visit.person.connector,
        "content_type": "live",
        "is_live": True,
        "connection_type": "4g",
        "player_version": "3.2.0",
    }
