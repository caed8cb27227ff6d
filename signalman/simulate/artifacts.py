"""Artifacts: clips, recordings of live streams (DVR) and uploaded videos (VOD), where they lie, and their copies."""

from dataclasses import dataclass
from typing import Any

from signalman.simulate.identity import hexadecimal
from signalman.simulate.nodes import Node
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.tenants import Tenant
from signalman.simulate.timeline import Life
from signalman.simulate.wire import Owner

KEPT = 900.0
"""Seconds of the world that an artifact lives, about."""


@dataclass(slots=True, eq=False)
class Artifact:
    """One file, or one playlist of files."""

    kind: str
    """``clip``, ``dvr`` or ``vod``."""
    digest: str
    tenant: Tenant
    node: Node
    """Where it is made."""
    stream: Stream | None
    began: int
    """Unix seconds."""
    size: int = 0

    @property
    def owner(self) -> Owner:
        """Whose it is: the stream's owner, or the tenant without a stream."""
        return self.stream.owner if self.stream else Owner(self.tenant.tenant_id, self.tenant.user_id)

    @property
    def path(self) -> str:
        """Where the node keeps it."""
        return f"/srv/{self.node.node_id}/{self.kind}/{self.digest}.mp4"

    @property
    def manifest(self) -> str:
        """Where the node keeps the playlist."""
        return f"/srv/{self.node.node_id}/{self.kind}/{self.digest}/index.m3u8"

    @property
    def url(self) -> str:
        """Where the vault keeps it."""
        return f"s3://vault-{self.node.cluster_id}-media/{self.kind}/{self.digest}.mp4"


def made(scene: Scene, kind: str, tenant: Tenant, node: Node, stream: Stream | None = None) -> Artifact:
    """A new artifact, still empty."""
    return Artifact(kind, hexadecimal(scene.dice, 32), tenant, node, stream, scene.second)


def common(scene: Scene, artifact: Artifact, *, stored: bool = False) -> dict[str, Any]:
    """What lifecycle messages of all three kinds say."""
    return {
        "size_bytes": artifact.size or None,
        "started_at": artifact.began,
        "node_id": artifact.node.node_id,
        "tenant_id": artifact.tenant.tenant_id,
        "user_id": artifact.tenant.user_id,
        "expires_at": artifact.began + 30 * 86_400,
        "origin_cluster_id": artifact.node.cluster_id,
        "serving_cluster_id": artifact.node.cluster_id,
        "storage_location": "s3" if stored else "local",
        "sync_status": "synced" if stored else "pending",
        "has_local_copy": artifact.size > 0,
        "is_synced": stored,
        "is_finalized": stored,
        "source_updated_at_ms": int(scene.now * 1000),
    }


def storage_event(scene: Scene, artifact: Artifact, action: str, **more: Any) -> None:
    """Something happened to where the artifact lies."""
    values = {
        "action": f"ACTION_{action}",
        "asset_type": artifact.kind,
        "asset_hash": artifact.digest,
        "tenant_id": artifact.tenant.tenant_id,
        "internal_name": artifact.stream.internal_name if artifact.stream else artifact.digest,
        "stream_id": artifact.stream.stream_id if artifact.stream else None,
        "size_bytes": artifact.size,
        "s3_url": artifact.url,
        "local_path": artifact.path,
        "node_id": artifact.node.node_id,
        "cluster_id": artifact.node.cluster_id,
        "origin_cluster_id": artifact.node.cluster_id,
        "dtsh_included": True,
    }
    scene.trigger("storage_lifecycle_data", values | more, artifact.owner, artifact.node.origin)


def copy_event(scene: Scene, artifact: Artifact, node: Node, transition: str) -> None:
    """A node has a copy, or has it no longer."""
    values = {
        "artifact_hash": artifact.digest,
        "node_id": node.node_id,
        "role": "origin" if node is artifact.node else "cache",
        "transition": transition,
        "is_complete": transition != "LOST",
        "size_bytes": artifact.size,
        "timestamp_ms": int(scene.now * 1000),
        "version": int(scene.now * 1_000_000),
    }
    scene.service(
        "artifact_node_copy",
        source="foghorn",
        tenant_id=artifact.tenant.tenant_id,
        message="ArtifactNodeCopyEvent",
        values=values,
        resource=("artifact", artifact.digest),
    )


def kept(scene: Scene, artifact: Artifact, other: Node) -> Life:
    """What happens to a finished artifact: to the vault, to another node's cache, and out of it again."""
    copy_event(scene, artifact, artifact.node, "GAINED")
    storage_event(scene, artifact, "SYNC_STARTED")
    yield scene.dice.uniform(2.0, 8.0)
    storage_event(scene, artifact, "SYNCED", duration_ms=scene.dice.randrange(900, 7000))
    yield scene.dice.uniform(10.0, 60.0)
    storage_event(scene, artifact, "CACHE_STARTED", node_id=other.node_id)
    yield scene.dice.uniform(1.0, 5.0)
    if scene.dice.random() < 0.15:
        fault = f"GET {artifact.url} from {other.address}: connection reset"
        reason = "CACHE_REASON_DOWNLOAD_ERROR"
        storage_event(scene, artifact, "CACHE_FAILED", node_id=other.node_id, error=fault, reason=reason)
        return
    storage_event(scene, artifact, "CACHED", node_id=other.node_id, warm_duration_ms=scene.dice.randrange(200, 4000))
    copy_event(scene, artifact, other, "GAINED")
    yield scene.dice.uniform(60.0, 300.0)
    storage_event(scene, artifact, "EVICTED", node_id=other.node_id)
    copy_event(scene, artifact, other, "LOST")
