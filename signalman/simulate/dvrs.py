"""DVR: recordings of live streams while they are live."""

from collections.abc import Sequence
from typing import Any

from signalman.simulate.artifacts import KEPT, Artifact, common, copy_event, kept, made, storage_event
from signalman.simulate.nodes import Node
from signalman.simulate.pushes import live_one
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.timeline import Life

PROGRESS_EVERY = 30.0
_LONGEST = 20
"""Reports until a recording is closed although the stream goes on."""


def recorder(scene: Scene, streams: Sequence[Stream], nodes: Sequence[Node]) -> Life:
    """One recording of a tenant at a time, of any live stream."""
    while True:
        stream = live_one(scene, streams)
        if stream is not None:
            dvr = made(scene, "dvr", stream.tenant, stream.nodes[0], stream)
            yield from _record(scene, dvr, stream)
            scene.start(_finish(scene, dvr, scene.dice.choice(nodes)))
        yield scene.dice.uniform(5.0, 30.0)


def _record(scene: Scene, dvr: Artifact, stream: Stream) -> Life:
    broadcast = stream.broadcast
    _report(scene, dvr, "STARTED", 0)
    yield 2.0
    for number in range(scene.dice.randrange(4, _LONGEST)):
        if stream.broadcast is not broadcast:
            return
        dvr.size += int(PROGRESS_EVERY) * stream.quality.kbps * 125
        _report(scene, dvr, "RECORDING", (number + 1) * 5)
        yield PROGRESS_EVERY


def _finish(scene: Scene, dvr: Artifact, other: Node) -> Life:
    segments = max(1, dvr.size // 3_000_000)
    if dvr.size == 0:
        _report(scene, dvr, "FAILED", 0, error=f"no input from {dvr.node.address}")
        return
    stored = common(scene, dvr, stored=True)
    _report(scene, dvr, "STOPPED", segments, **stored, ended_at=scene.second, manifest_path=dvr.manifest)
    yield from kept(scene, dvr, other)
    yield scene.dice.uniform(KEPT, 2 * KEPT)
    _report(scene, dvr, "DELETED", segments)
    storage_event(scene, dvr, "DELETED")
    copy_event(scene, dvr, dvr.node, "LOST")


def _report(scene: Scene, dvr: Artifact, status: str, segments: int, **more: Any) -> None:
    stream = dvr.stream
    values = common(scene, dvr) | {
        "status": f"STATUS_{status}",
        "dvr_hash": dvr.digest,
        "manifest_path": dvr.manifest,
        "segment_count": segments,
        "stream_internal_name": stream.internal_name if stream else None,
        "stream_id": stream.stream_id if stream else None,
    }
    scene.trigger("dvr_lifecycle_data", values | more, dvr.owner, dvr.node.origin)
