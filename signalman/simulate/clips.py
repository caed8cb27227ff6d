"""Clips: pieces cut out of live streams."""

from collections.abc import Sequence
from typing import Any

from signalman.simulate.artifacts import KEPT, Artifact, common, copy_event, kept, made, storage_event
from signalman.simulate.identity import uuid4
from signalman.simulate.nodes import Node
from signalman.simulate.pushes import live_one
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.timeline import Life

_FAILS = 0.1


def clipping(scene: Scene, streams: Sequence[Stream], nodes: Sequence[Node]) -> Life:
    """Somebody at a tenant cuts clips."""
    while True:
        stream = live_one(scene, streams)
        if stream is not None:
            clip = made(scene, "clip", stream.tenant, stream.nodes[0], stream)
            scene.start(_clip(scene, clip, scene.dice.choice(nodes)))
        yield scene.dice.uniform(30.0, 90.0)


def _clip(scene: Scene, clip: Artifact, other: Node) -> Life:
    request_id, seconds = uuid4(scene.dice), scene.dice.randrange(10, 90)
    fails = scene.dice.random() < _FAILS

    def report(stage: str, **more: Any) -> None:
        scene.trigger(
            "clip_lifecycle_data",
            _values(scene, clip, stage, seconds) | {"request_id": request_id} | more,
            clip.owner,
            clip.node.origin,
        )

    report("REQUESTED", progress_percent=0)
    yield 0.5
    report("QUEUED", progress_percent=0)
    for percent in (10, 40, 75):
        yield scene.dice.uniform(1.0, 4.0)
        report("PROGRESS", progress_percent=percent)
    if fails:
        report("FAILED", error=f"upload to {clip.url} refused by {clip.node.address}")
        return
    clip.size = seconds * 600_000
    stored = {"file_path": clip.path, "s3_url": clip.url, "completed_at": scene.second, "progress_percent": 100}
    speed = {"ticks": 12, "speed_min": 1.5, "speed_avg": 4.25, "speed_max": 9.0, "ramp_ups": 2, "drain_ms": 40}
    report("DONE", **common(scene, clip, stored=True), **stored, processing_speed=speed, processing_wall_ms=6200)
    yield from kept(scene, clip, other)
    yield scene.dice.uniform(KEPT, 2 * KEPT)
    report("DELETED", source_updated_at_ms=int(scene.now * 1000))
    storage_event(scene, clip, "DELETED")
    copy_event(scene, clip, clip.node, "LOST")


def _values(scene: Scene, clip: Artifact, stage: str, seconds: int) -> dict[str, Any]:
    stream = clip.stream
    return common(scene, clip) | {
        "stage": f"STAGE_{stage}",
        "clip_hash": clip.digest,
        "stream_internal_name": stream.internal_name if stream else None,
        "stream_id": stream.stream_id if stream else None,
        "start_unix": clip.began - seconds,
        "stop_unix": clip.began,
        "start_ms": (clip.began - seconds) * 1000,
        "stop_ms": clip.began * 1000,
        "duration_sec": seconds,
        "clip_mode": "absolute",
    }
