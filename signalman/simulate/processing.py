"""Transcoding of live streams and uploads, as it is billed: every five seconds of work."""

from collections.abc import Sequence

from signalman.simulate.identity import hexadecimal
from signalman.simulate.nodes import Node
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.timeline import Life
from signalman.simulate.wire import Owner

BILLED_EVERY = 5.0
_RESTARTS = 0.03
"""How often the media server asks anew what to do with the stream."""


def transcoding(scene: Scene, streams: Sequence[Stream]) -> Life:
    """A tenant's first streams are transcoded whenever they are live."""
    while True:
        for stream in streams[:2]:
            if stream.broadcast is not None:
                bill(scene, stream.owner, stream.nodes[0], stream.name)
                _restart(scene, stream)
        yield BILLED_EVERY


def _restart(scene: Scene, stream: Stream) -> None:
    if scene.dice.random() < _RESTARTS:
        scene.trigger("stream_process", {"stream_name": stream.name}, stream.owner, stream.nodes[0].origin)


def bill(scene: Scene, owner: Owner, node: Node, stream_name: str, *, final: bool = False) -> None:
    """Five seconds of work are done."""
    dice = scene.dice
    frames, size = 150 + dice.randrange(-5, 5), dice.randrange(1_500_000, 3_500_000)
    now_ms = int(scene.now * 1000)
    values = {
        "node_id": node.node_id,
        "stream_name": stream_name,
        "process_type": "Livepeer",
        "duration_ms": 5000,
        "timestamp": scene.second,
        "tenant_id": owner.tenant_id,
        "stream_id": owner.stream_id,
        "input_codec": "H264",
        "output_codec": "H264",
        "track_type": "video",
        "segment_number": int(scene.now / BILLED_EVERY) % 100_000,
        "width": 1280,
        "height": 720,
        "rendition_count": 3,
        "broadcaster_url": f"https://{node.address}:8935/live",
        "upload_time_us": dice.randrange(20_000, 90_000),
        "livepeer_session_id": hexadecimal(dice, 16),
        "segment_start_ms": now_ms - 5000,
        "input_bytes": size,
        "output_bytes_total": size * 2 // 3,
        "attempt_count": 1,
        "turnaround_ms": dice.randrange(600, 2400),
        "speed_factor": round(dice.uniform(1.5, 6.0), 3),
        "renditions_json": '[{"name":"720p","width":1280},{"name":"480p","width":854}]',
        "input_frames": frames,
        "output_frames": frames * 3,
        "decode_us_per_frame": dice.randrange(200, 700),
        "transform_us_per_frame": dice.randrange(100, 300),
        "encode_us_per_frame": dice.randrange(900, 2500),
        "is_final": final,
        "input_frames_delta": frames,
        "output_frames_delta": frames * 3,
        "source_timestamp_ms": now_ms - 1800,
        "sink_timestamp_ms": now_ms,
        "rtf_in": 1.0,
        "rtf_out": round(dice.uniform(0.9, 1.1), 3),
        "pipeline_lag_ms": dice.randrange(400, 1800),
        "output_bitrate_bps": size,
        "cluster_id": node.cluster_id,
        "origin_cluster_id": node.cluster_id,
        "processing_product": "transcode",
        "execution_backend": "livepeer",
        "provider_tenant_id": node.tenant.tenant_id,
        "provider_cluster_id": node.cluster_id,
        "meter_quantities": [
            {"meter": "transcode", "unit": "seconds", "quantity": 5.0, "dimensions": {"codec": "h264", "rung": "720p"}}
        ],
    }
    scene.trigger("process_billing", values, owner, node.origin)
