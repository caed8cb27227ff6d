"""VOD: videos that a tenant uploads and the platform prepares."""

from collections.abc import Sequence
from typing import Any

from signalman.simulate.artifacts import KEPT, Artifact, common, copy_event, kept, made, storage_event
from signalman.simulate.identity import hexadecimal
from signalman.simulate.nodes import Node
from signalman.simulate.processing import bill
from signalman.simulate.scene import Scene
from signalman.simulate.tenants import Tenant
from signalman.simulate.timeline import Life

_TITLES = ("keynote", "match-highlights", "tutorial", "interview", "trailer", "town-hall", "lecture")


def uploads(scene: Scene, tenant: Tenant, nodes: Sequence[Node]) -> Life:
    """Somebody at a tenant uploads videos."""
    yield scene.dice.uniform(0.0, 60.0)
    while True:
        vod = made(scene, "vod", tenant, scene.dice.choice(nodes))
        scene.start(_upload(scene, vod, scene.dice.choice(nodes)))
        yield scene.dice.uniform(60.0, 180.0)


def _upload(scene: Scene, vod: Artifact, other: Node) -> Life:
    title = {
        "upload_id": f"up-{hexadecimal(scene.dice, 32)}",
        "filename": f"{scene.dice.choice(_TITLES)}-{scene.dice.randrange(1, 100)}.mp4",
        "content_type": "video/mp4",
        "file_path": vod.path,
    }
    _report(scene, vod, "REQUESTED", 0, **title)
    for percent in (5, 20, 35):
        yield scene.dice.uniform(2.0, 6.0)
        _report(scene, vod, "UPLOADING", percent, **title)
    vod.size = scene.dice.randrange(40_000_000, 900_000_000)
    for percent in (40, 55, 70, 85, 95):
        _report(scene, vod, "PROCESSING", percent, **title)
        bill(scene, vod.owner, vod.node, f"processing+{vod.digest}", final=percent == 95)
        yield 5.0
    if scene.dice.random() < 0.1:
        _report(scene, vod, "FAILED", 95, **title, error=f"cannot read {vod.url} at {vod.node.address}")
        return
    _report(scene, vod, "COMPLETED", 100, **title, **_prepared(scene, vod))
    yield from kept(scene, vod, other)
    yield scene.dice.uniform(KEPT, 2 * KEPT)
    _report(scene, vod, "DELETED", 100, **title)
    storage_event(scene, vod, "DELETED")
    copy_event(scene, vod, vod.node, "LOST")


def _prepared(scene: Scene, vod: Artifact) -> dict[str, Any]:
    return common(scene, vod, stored=True) | {
        "s3_url": vod.url,
        "completed_at": scene.second,
        "duration_ms": vod.size // 500,
        "resolution": "1920x1080",
        "video_codec": "H264",
        "audio_codec": "AAC",
        "bitrate_kbps": 4000,
        "processing_speed": {
            "ticks": 25,
            "speed_min": 2.0,
            "speed_avg": 5.5,
            "speed_max": 8.0,
            "regular_slow_ticks": 1,
        },
        "processing_wall_ms": 25_000,
    }


def _report(scene: Scene, vod: Artifact, status: str, percent: int, **more: Any) -> None:
    values = common(scene, vod) | {"status": f"STATUS_{status}", "vod_hash": vod.digest, "progress_pct": percent}
    scene.trigger("vod_lifecycle_data", values | more, vod.owner, vod.node.origin)
