"""The ingest's mapping, event type by event type, with events made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from signalman.event import Json
from tests.unit.simulate.make import NOW, STREAM, TENANT, TIME, body, flat, rows

AT = datetime(2026, 8, 20, 10, 11, 12, 500_000, UTC)
SECONDS = 1_787_220_000
SINCE = datetime.fromtimestamp(SECONDS, UTC)
HASH = "a1b2c3d4e5f6789012345678901234ab"


def only(event: dict[str, Json], topic: str = "analytics") -> tuple[str, dict[str, Any]]:
    """The one row of *event*."""
    ((table, row),) = rows(event, topic)
    return table, row


def test_stream_update() -> None:
    """Every column has its source; the internal name loses its prefix; integers are no texts any more."""
    payload = {
        "node_id": "other", "internal_name": "live+abc", "status": "live", "buffer_state": "DRY", "total_viewers": 5,
        "total_inputs": 1, "uploaded_bytes": "10", "downloaded_bytes": "20", "viewer_seconds": "30", "has_issues": True,
        "issues_description": "slow", "track_count": 2, "quality_tier": "1080p30", "primary_width": 1920,
        "primary_height": 1080, "primary_fps": 30, "primary_codec": "H264", "primary_bitrate": 4500,
        "packets_sent": "7", "packets_lost": "0", "packets_retransmitted": "1", "started_at": str(SECONDS),
    }  # fmt: skip
    assert only(body("stream_lifecycle_update", payload)) == (
        "stream_state_current",
        {
            "tenant_id": UUID(TENANT), "stream_id": UUID(STREAM), "internal_name": "abc", "node_id": "edge-node-1",
            "status": "live", "buffer_state": "DRY", "current_viewers": 5, "total_inputs": 1, "uploaded_bytes": 10,
            "downloaded_bytes": 20, "viewer_seconds": 30, "has_issues": 1, "issues_description": "slow",
            "track_count": 2, "quality_tier": "1080p30", "primary_width": 1920, "primary_height": 1080,
            "primary_fps": 30.0, "primary_codec": "H264", "primary_bitrate": 4500, "packets_sent": 7, "packets_lost": 0,
            "packets_retransmitted": 1, "started_at": SINCE, "updated_at": AT,
        },
    )  # fmt: skip


def test_zero_of_a_stream_is_null_where_the_platform_says_so() -> None:
    """Issues, tracks and quality: 0, false and "" are NULL; packets are NULL only when they are not told."""
    payload = {"has_issues": False, "issues_description": "", "track_count": 0, "primary_fps": 0, "packets_lost": "0"}
    _, row = only(body("stream_lifecycle_update", payload))
    nulls = ("has_issues", "issues_description", "track_count", "primary_fps", "packets_sent", "started_at")
    assert [row[name] for name in nulls] == [None] * 6
    assert (row["packets_lost"], row["current_viewers"]) == (0, 0)


def test_a_stream_update_may_leave_things_open() -> None:
    """No status means live; a buffer that is not named is full when there is something in it."""
    assert only(body("stream_lifecycle_update", {}))[1]["status"] == "live"
    assert only(body("stream_lifecycle_update", {"buffer_ms": 800}))[1]["buffer_state"] == "FULL"
    assert only(body("stream_lifecycle_update", {}))[1]["buffer_state"] == ""


def test_the_triggers_stream_wins() -> None:
    """Over the payload's, which counts when the trigger has none."""
    other = STREAM.replace("0001", "0002")
    assert only(body("stream_lifecycle_update", {"stream_id": other}))[1]["stream_id"] == UUID(STREAM)
    late = body("stream_lifecycle_update", {"stream_id": other}, stream_id="")
    assert only(late)[1]["stream_id"] == UUID(other)


@pytest.mark.parametrize("stream_id", ["", "not-a-uuid"])
def test_a_stream_update_without_a_stream_is_skipped(stream_id: str) -> None:
    """There is no row that it could belong to."""
    assert rows(body("stream_lifecycle_update", {}, stream_id=stream_id)) == []


def test_push_rewrite() -> None:
    """Live, with one input and an unknown buffer; everything else starts from nothing."""
    table, row = only(body("push_rewrite", {"stream_name": "live+abc"}))
    assert table == "stream_state_current"
    assert (row["status"], row["buffer_state"], row["total_inputs"]) == ("live", "UNKNOWN", 1)
    assert (row["current_viewers"], row["uploaded_bytes"], row["internal_name"]) == (0, 0, "abc")
    assert (row["started_at"], row["quality_tier"], row["updated_at"]) == (None, None, AT)


def test_stream_end() -> None:
    """Offline and empty, with the totals; a total below zero counts as none."""
    payload = {"stream_name": "live+abc", "uploaded_bytes": "9", "downloaded_bytes": "-1", "viewer_seconds": "4"}
    _, row = only(body("stream_end", payload))
    assert (row["status"], row["buffer_state"], row["current_viewers"]) == ("offline", "EMPTY", 0)
    assert (row["uploaded_bytes"], row["downloaded_bytes"], row["viewer_seconds"]) == (9, 0, 4)


def test_viewer_connect() -> None:
    """Keyed by the trigger's node."""
    payload = {
        "stream_name": "live+abc", "host": "203.0.113.9", "connector": "HLS", "session_id": "s-1", "node_id": "other",
        "client_country": "NL", "client_city": "Leiden", "client_latitude": 52.16, "client_longitude": 4.49,
    }  # fmt: skip
    assert only(body("viewer_connect", payload)) == (
        "viewer_sessions_current",
        {
            "tenant_id": UUID(TENANT), "stream_id": UUID(STREAM), "internal_name": "abc", "session_id": "s-1",
            "node_id": "edge-node-1", "connected_at": AT, "disconnected_at": None, "connector": "HLS",
            "country_code": "NL", "city": "Leiden", "latitude": 52.16, "longitude": 4.49, "bytes_transferred": 0,
            "session_duration": 0, "last_updated": AT,
        },
    )  # fmt: skip


def test_viewer_disconnect() -> None:
    """Keyed by the payload's node, with what went through."""
    payload = {
        "session_id": "s-1", "node_id": "n-2", "connector": "HLS", "duration": "60", "up_bytes": "5",
        "down_bytes": "700", "country_code": "NL", "city": "Leiden", "latitude": 52.16, "longitude": 4.49,
    }  # fmt: skip
    _, row = only(body("viewer_disconnect", payload))
    assert (row["node_id"], row["connected_at"], row["disconnected_at"]) == ("n-2", None, AT)
    assert (row["session_duration"], row["bytes_transferred"], row["last_updated"]) == (60, 705, AT)
    assert (row["country_code"], row["city"], row["latitude"], row["longitude"]) == ("NL", "Leiden", 52.16, 4.49)


def test_what_is_unknown_of_a_viewer() -> None:
    """The country has a sign for it, and the length of a session a second source."""
    assert only(body("viewer_connect", {"session_id": "s"}))[1]["country_code"] == "--"
    _, row = only(body("viewer_disconnect", {"session_id": "s", "seconds_connected": "8"}))
    assert (row["country_code"], row["session_duration"]) == ("--", 8)


@pytest.mark.parametrize("event_type", ["viewer_connect", "viewer_disconnect"])
def test_a_viewer_without_a_session_is_skipped(event_type: str) -> None:
    """There is no row that it could belong to."""
    assert rows(body(event_type, {"host": "203.0.113.9"})) == []


def test_node_update() -> None:
    """Tenths become per cent, the mode loses its prefix, and metadata hold four things."""
    payload = {
        "node_id": "n-1", "cpu_tenths": 225, "ram_max": "8", "ram_current": "4", "disk_total_bytes": "90",
        "disk_used_bytes": "10", "up_speed": "1", "down_speed": "2", "bw_limit": "3", "active_streams": 4,
        "is_healthy": True, "operational_mode": "NODE_OPERATIONAL_MODE_DRAINING", "latitude": 52.16, "longitude": 4.49,
        "location": "Leiden", "base_url": "https://n", "capabilities": {"edge": True}, "os": "linux",
    }  # fmt: skip
    assert only(body("node_lifecycle_update", payload)) == (
        "node_state_current",
        {
            "tenant_id": UUID(TENANT), "cluster_id": "demo-media", "node_id": "n-1", "cpu_percent": 22.5,
            "ram_used_bytes": 4, "ram_total_bytes": 8, "disk_used_bytes": 10, "disk_total_bytes": 90, "up_speed": 1,
            "down_speed": 2, "bw_limit": 3, "active_streams": 4, "is_healthy": 1, "operational_mode": "draining",
            "latitude": 52.16, "longitude": 4.49, "location": "Leiden", "updated_at": AT,
            "metadata": {"capabilities": {"edge": True}, "bw_limit": "3", "base_url": "https://n"},
        },
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["", "NODE_OPERATIONAL_MODE_UNSPECIFIED"])
def test_a_node_without_a_mode_is_normal(mode: str) -> None:
    """And one that does not say it is healthy is not."""
    _, row = only(body("node_lifecycle_update", {"operational_mode": mode}))
    assert (row["operational_mode"], row["is_healthy"]) == ("normal", 0)


def test_clip() -> None:
    """Keyed by its hash, with its own clock."""
    payload = {
        "stage": "STAGE_PROGRESS", "clip_hash": HASH, "request_id": "r-1", "progress_percent": 40, "error": "no",
        "size_bytes": "9", "started_at": str(SECONDS), "completed_at": str(SECONDS), "expires_at": str(SECONDS),
        "start_unix": "1", "stop_unix": "2", "file_path": "/f", "s3_url": "s3://f", "node_id": "n-1",
        "stream_internal_name": "abc", "storage_location": "s3", "sync_status": "synced", "is_synced": True,
        "has_local_copy": False, "source_updated_at_ms": str(SECONDS * 1000 + 250),
    }  # fmt: skip
    assert only(body("clip_lifecycle", payload, key="clip_lifecycle_data")) == (
        "artifact_state_current",
        {
            "tenant_id": UUID(TENANT), "stream_id": UUID(STREAM), "request_id": HASH, "internal_name": "abc",
            "filename": None, "content_type": "clip", "stage": "progress", "progress_percent": 40,
            "error_message": "no", "requested_at": AT, "started_at": SINCE, "completed_at": SINCE,
            "clip_start_unix": 1, "clip_stop_unix": 2, "segment_count": None, "manifest_path": None, "file_path": "/f",
            "s3_url": "s3://f", "size_bytes": 9, "processing_node_id": "n-1",
            "updated_at": SINCE + timedelta(milliseconds=250), "expires_at": SINCE, "storage_location": "s3",
            "sync_status": "synced", "is_synced": True, "is_finalized": None, "has_local_copy": False,
        },
    )  # fmt: skip


def test_a_clip_without_a_hash_is_known_by_its_request() -> None:
    """And without a clock of its own by the event's."""
    event = body("clip_lifecycle", {"stage": "STAGE_REQUESTED", "request_id": "r-1"}, key="clip_lifecycle_data")
    _, row = only(event)
    assert (row["request_id"], row["updated_at"], row["error_message"], row["size_bytes"]) == ("r-1", AT, None, None)


def test_dvr() -> None:
    """Its end is its completion, its manifest its file, and the trigger's node stands in for its own."""
    payload = {
        "status": "STATUS_STOPPED", "dvr_hash": HASH, "manifest_path": "/m", "ended_at": str(SECONDS),
        "segment_count": 12,
    }  # fmt: skip
    _, row = only(body("dvr_lifecycle", payload, key="dvr_lifecycle_data"))
    assert (row["request_id"], row["content_type"], row["stage"]) == (HASH, "dvr", "stopped")
    assert (row["completed_at"], row["segment_count"], row["processing_node_id"]) == (SINCE, 12, "edge-node-1")
    assert row["manifest_path"] == row["file_path"] == "/m"


def test_vod() -> None:
    """Its internal name is its hash, and it may belong to no stream."""
    payload = {"status": "STATUS_PROCESSING", "vod_hash": HASH, "filename": "a.mp4", "progress_pct": 0}
    _, row = only(body("vod_lifecycle", payload, key="vod_lifecycle_data", stream_id=""))
    assert (row["request_id"], row["internal_name"], row["stage"]) == (HASH, HASH, "processing")
    assert (row["content_type"], row["filename"], row["progress_percent"]) == ("vod", "a.mp4", 0)
    assert row["stream_id"] == UUID(int=0)


def test_the_progress_of_a_vod_is_derived() -> None:
    """From its state, when it does not tell."""
    event = body("vod_lifecycle", {"status": "STATUS_COMPLETED", "vod_hash": HASH}, key="vod_lifecycle_data")
    assert only(event)[1]["progress_percent"] == 100


def copy(**changed: Json) -> dict[str, Json]:
    """A node's new copy of an artifact."""
    data = {
        "artifact_hash": HASH, "node_id": "n-1", "role": "cache", "transition": "GAINED", "is_complete": True,
        "size_bytes": "9", "timestamp_ms": str(SECONDS * 1000), "version": "18446744073709551615",
    }  # fmt: skip
    return flat("artifact_node_copy", data | changed)


def test_node_copy() -> None:
    """From the control plane's topic; its version is the largest that there can be."""
    assert only(copy(), "service") == (
        "artifact_node_copy_current",
        {
            "tenant_id": UUID(TENANT), "artifact_hash": HASH, "node_id": "n-1", "role": "cache", "present": True,
            "is_complete": True, "size_bytes": 9, "version": (1 << 64) - 1, "updated_at": SINCE,
        },
    )  # fmt: skip
    assert rows(copy()) == []


def test_a_lost_copy() -> None:
    """Is not present, and has no size when it tells none."""
    _, row = only(copy(transition="LOST", size_bytes="0", timestamp_ms="0"), "service")
    assert (row["present"], row["size_bytes"], row["updated_at"]) == (False, None, AT)


@pytest.mark.parametrize("wrong", [{"transition": "MOVED"}, {"role": "spare"}, {"version": "0"}])
def test_a_copy_that_is_not_understood_is_rejected(wrong: dict[str, Json]) -> None:
    """An unknown transition or role, and a version that orders nothing."""
    assert rows(copy(**wrong), "service") == []


def state_update(vantage: Json) -> dict[str, Json]:
    """An orchestrator's offer."""
    data = {
        "orch_addr": "0x1", "canonical_url": "https://o", "advertised_node_urls": ["https://n"], "hardware": "L4",
        "capabilities": ["h264"], "price_per_unit": "1200", "pixels_per_unit": "1", "vantage": vantage,
        "capability_price_entries": [{"capability": "h264", "price_per_unit": "9", "pixels_per_unit": "1"}],
    }  # fmt: skip
    return flat("orchestrator_state_update", data)


def test_an_orchestrators_state() -> None:
    """One row for it, one for its address, written at the ingest's own time."""
    (_, row), (table, instance) = rows(state_update({"resolved_ip": "198.51.100.7"}))
    seen = datetime.fromtimestamp(NOW + 3, UTC)
    metadata = {"canonical_url": "https://o", "hardware": "L4"}
    common = {"tenant_id": UUID(TENANT), "orch_addr": "0x1", "last_seen": AT, "metadata": metadata, "updated_at": seen}
    assert row == common
    assert table == "orchestrator_instance_state_current"
    assert instance == common | {
        "resolved_ip": "198.51.100.7", "canonical_url": "https://o", "advertised_node_urls": ["https://n"],
        "capabilities": ["h264"], "price_per_unit": 1200, "pixels_per_unit": 1,
        "capability_price_capabilities": ["h264"], "capability_price_positions": [0],
        "capability_price_price_per_units": [9], "capability_price_pixels_per_units": [1], "hardware": "L4",
        "source": "gateway_pool",
    }  # fmt: skip


def test_an_orchestrator_without_an_address_has_no_instance() -> None:
    """Only its own row."""
    assert only(state_update({}))[0] == "orchestrator_state_current"


def discovery(**changed: Json) -> dict[str, Json]:
    """A gateway's look at an orchestrator."""
    vantage = {
        "resolved_ip": "198.51.100.7", "dialed": True, "latitude": 1.5, "longitude": 2, "city": "Oslo",
        "country_code": "NO", "geo_resolved_at": TIME,
    }  # fmt: skip
    data = {"gateway_id": "g", "gateway_region": "eu-west", "orch_addr": "0x1", "discovery_latency_ms": 40}
    return flat(
        "orchestrator_discovery_observed", data | {"reachable": True, "score": 0.5, "vantage": vantage} | changed
    )


def test_an_orchestrators_vantage() -> None:
    """How far it is from a gateway."""
    assert only(discovery()) == (
        "orchestrator_vantage_current",
        {
            "tenant_id": UUID(TENANT), "gateway_id": "g", "gateway_region": "eu-west", "orch_addr": "0x1",
            "resolved_ip": "198.51.100.7", "latitude": 1.5, "longitude": 2.0, "city": "Oslo", "country_code": "NO",
            "geo_source": "unknown", "geo_resolved_at": AT, "latest_latency_ms": 40, "score": 0.5, "dialed_recently": 1,
            "last_seen": AT, "updated_at": datetime.fromtimestamp(NOW + 3, UTC),
        },
    )  # fmt: skip


def test_an_orchestrator_out_of_reach() -> None:
    """Has no latency, and no row at all when nobody called."""
    _, row = only(discovery(reachable=False, vantage={"dialed": True}))
    assert (row["latest_latency_ms"], row["dialed_recently"], row["geo_resolved_at"]) == (0, 0, AT)
    assert rows(discovery(vantage={})) == []


@pytest.mark.parametrize(
    "event_type",
    [
        "stream_buffer", "stream_track_list", "client_lifecycle_batch", "storage_lifecycle", "storage_snapshot",
        "load_balancing", "process_billing", "play_rewrite", "stream_source", "push_out_start", "push_end",
        "recording_complete", "playback_boot", "orchestrator_transcode_outcome", "unknown", "of the future",
    ],
)  # fmt: skip
def test_other_events_change_no_current_table(event_type: str) -> None:
    """They go to tables of history, or nowhere."""
    assert rows(body(event_type, {"session_id": "s-1"})) == []
