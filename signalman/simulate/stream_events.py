"""What a stream's nodes report about it."""

from typing import Any

import orjson

from signalman.simulate.identity import uuid4
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Broadcast, Stream
from signalman.simulate.tracks import tracks

ISSUES = {
    "DRY": "video track is starving: frames arrive slower than they play",
    "EMPTY": "no media left to play",
}
"""Buffer state → what is wrong, in the platform's words."""


def push_rewrite(scene: Scene, stream: Stream) -> None:
    """A publisher connects, and may."""
    home, place = stream.nodes[0], stream.publisher_place
    digest = uuid4(scene.dice).replace("-", "")
    values = {
        "push_url": f"rtmp://{home.node_id}.ingest.example.net:1935/live/sk#{digest}",
        "hostname": stream.publisher,
        "stream_name": stream.name,
        "protocol": "RTMP",
        "encoder": stream.quality.encoder,
        "stream_settings": f"?passphrase={digest[:16]}&latency=120",
        "node_id": home.node_id,
        "latitude": home.place.latitude,
        "longitude": home.place.longitude,
        "location": home.place.city,
        "publisher_country_code": place.country,
        "publisher_city": place.city,
        "publisher_latitude": place.latitude,
        "publisher_longitude": place.longitude,
        "publisher_bucket": place.bucket,
        "node_bucket": home.place.bucket,
        "stream_id": stream.stream_id,
        "pid": scene.dice.randrange(1000, 60_000),
        "trigger_uuid": uuid4(scene.dice),
        "trigger_unix_millis": int(scene.now * 1000),
    }
    _emit(scene, stream, "push_rewrite", values)


def stream_source(scene: Scene, stream: Stream) -> None:
    """A node asks where to fetch the stream."""
    _emit(scene, stream, "stream_source", {"stream_name": stream.name, "stream_id": stream.stream_id})


def track_list(scene: Scene, stream: Stream, broadcast: Broadcast) -> None:
    """The tracks have changed."""
    quality = stream.quality
    values = {
        "stream_name": stream.name,
        "tracks": tracks(quality, scene.dice, _elapsed_ms(scene, broadcast)),
        "total_tracks": 2,
        "video_track_count": 1,
        "audio_track_count": 1,
        "quality_tier": quality.tier,
        "primary_width": quality.width,
        "primary_height": quality.height,
        "primary_fps": quality.fps,
        "primary_video_bitrate": quality.kbps,
        "primary_video_codec": quality.codec,
        "primary_audio_bitrate": quality.audio_kbps,
        "primary_audio_codec": quality.audio_codec,
        "primary_audio_channels": quality.channels,
        "primary_audio_sample_rate": quality.sample_rate,
        "stream_id": stream.stream_id,
    }
    _emit(scene, stream, "track_list", values)


def stream_buffer(scene: Scene, stream: Stream, broadcast: Broadcast) -> None:
    """The buffer has changed its state."""
    issue = ISSUES.get(broadcast.buffer)
    values = {
        "stream_name": stream.name,
        "buffer_state": broadcast.buffer,
        "tracks": tracks(stream.quality, scene.dice, _elapsed_ms(scene, broadcast), healthy=issue is None),
        "has_issues": issue is not None,
        "issues_description": issue,
        "track_count": 2,
        "quality_tier": stream.quality.tier,
        "stream_buffer_ms": scene.dice.randrange(8000, 12_000) if issue is None else scene.dice.randrange(900),
        "stream_jitter_ms": scene.dice.randrange(2, 30),
        "mist_issues": f"VeryLowBuffer! {issue}" if issue else None,
        "max_keepaway_ms": 1200,
        "stream_id": stream.stream_id,
    }
    _emit(scene, stream, "stream_buffer", values)


def stream_end(scene: Scene, stream: Stream, broadcast: Broadcast) -> None:
    """The stream is over."""
    home = stream.nodes[0]
    values = {
        "stream_name": stream.name,
        "downloaded_bytes": stream.sent(scene.now),
        "uploaded_bytes": stream.received(scene.now),
        "total_viewers": broadcast.visitors,
        "total_inputs": 1,
        "total_outputs": broadcast.visitors,
        "viewer_seconds": int(broadcast.viewer_seconds),
        "node_id": home.node_id,
        "stream_id": stream.stream_id,
        "trigger_unix_millis": int(scene.now * 1000),
        "trigger_uuid": uuid4(scene.dice),
    }
    _emit(scene, stream, "stream_end", values)


def push_input_close(scene: Scene, stream: Stream) -> None:
    """The publisher's connection is closed."""
    values = {
        "stream_name": stream.name,
        "remote_host": stream.publisher,
        "binary_name": "MistInRTMP",
        "pid": scene.dice.randrange(1000, 60_000),
        "machine_reason": "CLEAN_EOF",
        "human_reason": f"connection closed by {stream.publisher}",
        "tracks_json": "[]",
        "node_id": stream.nodes[0].node_id,
        "stream_id": stream.stream_id,
        "trigger_unix_millis": int(scene.now * 1000),
        "trigger_uuid": uuid4(scene.dice),
    }
    _emit(scene, stream, "push_input_close", values)


def stream_update(scene: Scene, stream: Stream) -> None:
    """Every node of the stream says how it is, whether it is live or has just ended."""
    broadcast = stream.broadcast
    state = {"status": "offline", "buffer_state": "EMPTY"} if broadcast is None else _live(scene, stream, broadcast)
    for replica, node in enumerate(_reporting(stream)):
        values = {
            "node_id": node.node_id,
            "tenant_id": stream.tenant.tenant_id,
            "internal_name": stream.internal_name,
            "timestamp": scene.second,
            "stream_id": stream.stream_id,
            "replicated": replica > 0,
            **state,
        }
        scene.trigger("stream_lifecycle_update", values, stream.owner, node.origin)


def _reporting(stream: Stream) -> tuple[Any, ...]:
    # An end is reported once, when it is the end on all nodes.
    several = stream.broadcast is not None and stream.number % 2 == 0
    return stream.nodes if several else stream.nodes[:1]


def _live(scene: Scene, stream: Stream, broadcast: Broadcast) -> dict[str, Any]:
    quality, now, dice = stream.quality, scene.now, scene.dice
    packets = int((now - broadcast.since) * quality.fps * 4)
    issue = ISSUES.get(broadcast.buffer)
    lost = packets // (5000 if issue is None else 90)
    return {
        "status": "live",
        "buffer_state": broadcast.buffer,
        "uploaded_bytes": stream.received(now),
        "downloaded_bytes": stream.sent(now),
        "total_viewers": len(stream.visits),
        "total_inputs": 1,
        "viewer_seconds": int(broadcast.viewer_seconds + stream.present_seconds(now)),
        "stream_details": orjson.dumps({"health": {"buffer": broadcast.buffer, "tracks": 2}}).decode(),
        "has_issues": issue is not None,
        "issues_description": issue,
        "track_count": 2,
        "quality_tier": quality.tier,
        "primary_width": quality.width,
        "primary_height": quality.height,
        "primary_fps": quality.fps,
        "primary_codec": quality.codec,
        "primary_bitrate": quality.kbps + dice.randrange(-80, 80),
        "started_at": int(broadcast.since),
        "packets_sent": packets,
        "packets_lost": lost,
        "packets_retransmitted": lost * 9 // 10,
        "buffer_ms": dice.randrange(8000, 12_000) if issue is None else dice.randrange(900),
        "jitter_ms": dice.randrange(2, 30),
        "max_keepaway_ms": 1200,
        "track_details_json": orjson.dumps([{"type": "video", "codec": quality.codec}]).decode(),
        "audio_channels": quality.channels,
        "audio_sample_rate": quality.sample_rate,
        "audio_codec": quality.audio_codec,
        "audio_bitrate": quality.audio_kbps,
        "video_buffer_ms": dice.randrange(8000, 12_000),
        "video_jitter_ms": dice.randrange(2, 30),
    }


def _elapsed_ms(scene: Scene, broadcast: Broadcast) -> int:
    return int((scene.now - broadcast.since) * 1000)


def _emit(scene: Scene, stream: Stream, payload: str, values: dict[str, Any]) -> None:
    scene.trigger(payload, values, stream.owner, stream.nodes[0].origin)
