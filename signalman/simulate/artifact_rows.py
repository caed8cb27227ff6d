"""Rows of artifacts and of their copies on nodes."""

from collections.abc import Iterator

from signalman.simulate.reported import Reported, Row, internal, state

ARTIFACTS = "artifact_state_current"
COPIES = "artifact_node_copy_current"

_PROGRESS = {"requested": 0, "uploading": 10, "processing": 50, "completed": 100, "failed": 0, "deleted": 0}
"""Where a video does not tell how far it is."""


def _artifact(event: Reported, content_type: str, request_id: str, stage: str) -> Row:
    nulls = ("filename", "clip_start_unix", "clip_stop_unix", "segment_count", "manifest_path")
    return {
        "tenant_id": event.tenant_id,
        "stream_id": event.stream(),
        "request_id": request_id,
        "internal_name": internal(event.text("stream_internal_name")),
        "content_type": content_type,
        "stage": stage,
        "progress_percent": 0,
        "error_message": event.text("error") or None,
        "requested_at": event.time,
        "started_at": event.moment("started_at"),
        "completed_at": event.moment("completed_at"),
        **dict.fromkeys(nulls),
        "file_path": event.text("file_path") or None,
        "s3_url": event.text("s3_url") or None,
        "size_bytes": event.whole("size_bytes") or None,
        "processing_node_id": event.text("node_id") or event.node() or None,
        "updated_at": event.moment_ms("source_updated_at_ms"),
        "expires_at": event.moment("expires_at"),
        "storage_location": event.text("storage_location") or None,
        "sync_status": event.text("sync_status") or None,
        **{name: event.payload.get(name) for name in ("is_synced", "is_finalized", "has_local_copy")},
    }


def clip_lifecycle(event: Reported) -> Iterator[tuple[str, Row]]:
    """A clip, which is known by its request as long as it has no hash."""
    key = event.text("clip_hash") or event.text("request_id")
    row = _artifact(event, "clip", key, state(event.text("stage")))
    row["progress_percent"] = event.whole("progress_percent")
    row["clip_start_unix"] = event.whole("start_unix") or None
    row["clip_stop_unix"] = event.whole("stop_unix") or None
    row["processing_node_id"] = event.text("node_id") or None
    yield ARTIFACTS, row


def dvr_lifecycle(event: Reported) -> Iterator[tuple[str, Row]]:
    """A recording of a live stream."""
    row = _artifact(event, "dvr", event.text("dvr_hash"), state(event.text("status")))
    row["completed_at"] = event.moment("ended_at")
    row["segment_count"] = event.whole("segment_count") or None
    row["file_path"] = row["manifest_path"] = event.text("manifest_path") or None
    yield ARTIFACTS, row


def vod_lifecycle(event: Reported) -> Iterator[tuple[str, Row]]:
    """An uploaded video."""
    digest, stage = event.text("vod_hash"), state(event.text("status"))
    row = _artifact(event, "vod", digest, stage)
    progress = event.maybe("progress_pct")
    row["internal_name"] = digest
    row["filename"] = event.text("filename") or None
    row["progress_percent"] = _PROGRESS.get(stage, 0) if progress is None else progress
    yield ARTIFACTS, row


def node_copy(event: Reported) -> Iterator[tuple[str, Row]]:
    """A node has a copy of an artifact, or has it no longer. What cannot be understood changes nothing."""
    role, transition, version = event.text("role"), event.text("transition"), event.whole("version")
    if role not in {"origin", "cache"} or transition not in {"GAINED", "LOST", "UPDATED"} or version <= 0:
        return
    row: Row = {
        "tenant_id": event.tenant_id,
        "artifact_hash": event.text("artifact_hash"),
        "node_id": event.text("node_id"),
        "role": role,
        "present": transition != "LOST",
        "is_complete": bool(event.payload.get("is_complete")),
        "size_bytes": event.whole("size_bytes") or None,
        "version": version,
        "updated_at": event.moment_ms("timestamp_ms"),
    }
    yield COPIES, row
