"""Rows of streams, viewers and nodes."""

from collections.abc import Iterator

from signalman.simulate.reported import NO_UUID, Reported, Row, internal

STREAMS = "stream_state_current"
VIEWERS = "viewer_sessions_current"
NODES = "node_state_current"

_COUNTS = ("current_viewers", "total_inputs", "uploaded_bytes", "downloaded_bytes", "viewer_seconds")
_HEALTH = ("has_issues", "issues_description", "track_count", "quality_tier")
_PRIMARY = ("primary_width", "primary_height", "primary_fps", "primary_codec", "primary_bitrate")
_PACKETS = ("packets_sent", "packets_lost", "packets_retransmitted")


def _stream(event: Reported, name: str, status: str, buffer_state: str) -> Row:
    return {
        "tenant_id": event.tenant_id,
        "stream_id": event.stream(),
        "internal_name": internal(name),
        "node_id": event.node(),
        "status": status,
        "buffer_state": buffer_state,
        **dict.fromkeys(_COUNTS, 0),
        **dict.fromkeys((*_HEALTH, *_PRIMARY, *_PACKETS, "started_at")),
        "updated_at": event.time,
    }


def stream_lifecycle_update(event: Reported) -> Iterator[tuple[str, Row]]:
    """A stream as its node sees it."""
    buffer_state = event.text("buffer_state") or ("FULL" if event.whole("buffer_ms") > 0 else "")
    row = _stream(event, event.text("internal_name"), event.text("status") or "live", buffer_state)
    if row["stream_id"] == NO_UUID:
        return
    row["current_viewers"] = event.whole("total_viewers")
    for name in _COUNTS[1:]:
        row[name] = event.whole(name)
    row["has_issues"] = 1 if event.payload.get("has_issues") else None
    for name in ("issues_description", "quality_tier", "primary_codec"):
        row[name] = event.text(name) or None
    for name in ("track_count", "primary_width", "primary_height", "primary_bitrate"):
        row[name] = event.whole(name) or None
    row["primary_fps"] = event.number("primary_fps") or None
    for name in _PACKETS:
        row[name] = event.maybe(name)
    row["started_at"] = event.moment("started_at")
    yield STREAMS, row


def push_rewrite(event: Reported) -> Iterator[tuple[str, Row]]:
    """A stream has just begun; nothing is known of its media."""
    yield STREAMS, _stream(event, event.text("stream_name"), "live", "UNKNOWN") | {"total_inputs": 1}


def stream_end(event: Reported) -> Iterator[tuple[str, Row]]:
    """A stream is over."""
    row = _stream(event, event.text("stream_name"), "offline", "EMPTY")
    for name in ("uploaded_bytes", "downloaded_bytes", "viewer_seconds"):
        row[name] = max(0, event.whole(name))
    yield STREAMS, row


def _viewer(event: Reported, node_id: str) -> Row:
    return {
        "tenant_id": event.tenant_id,
        "stream_id": event.stream(),
        "internal_name": internal(event.text("stream_name")),
        "session_id": event.text("session_id"),
        "node_id": node_id,
        "connected_at": None,
        "disconnected_at": None,
        "connector": event.text("connector"),
        "country_code": "--",
        "city": "",
        "latitude": 0.0,
        "longitude": 0.0,
        "bytes_transferred": 0,
        "session_duration": 0,
        "last_updated": event.time,
    }


def viewer_connect(event: Reported) -> Iterator[tuple[str, Row]]:
    """A session begins."""
    if not event.text("session_id"):
        return
    row = _viewer(event, event.node())
    row["connected_at"] = event.time
    row["country_code"] = event.text("client_country") or "--"
    row["city"] = event.text("client_city")
    row["latitude"] = event.number("client_latitude")
    row["longitude"] = event.number("client_longitude")
    yield VIEWERS, row


def viewer_disconnect(event: Reported) -> Iterator[tuple[str, Row]]:
    """A session ends. It closes the row only of the same node."""
    if not event.text("session_id"):
        return
    row = _viewer(event, event.text("node_id"))
    row["disconnected_at"] = event.time
    row["country_code"] = event.text("country_code") or "--"
    row["city"] = event.text("city")
    row["latitude"] = event.number("latitude")
    row["longitude"] = event.number("longitude")
    row["bytes_transferred"] = event.whole("up_bytes") + event.whole("down_bytes")
    row["session_duration"] = event.whole("duration") or event.whole("seconds_connected")
    yield VIEWERS, row


def node_lifecycle_update(event: Reported) -> Iterator[tuple[str, Row]]:
    """A node as it sees itself."""
    mode = event.text("operational_mode").removeprefix("NODE_OPERATIONAL_MODE_").lower()
    row: Row = {
        "tenant_id": event.tenant_id,
        "cluster_id": str(event.data.get("cluster_id", "")),
        "node_id": event.text("node_id"),
        "cpu_percent": event.whole("cpu_tenths") / 10,
        "ram_used_bytes": event.whole("ram_current"),
        "ram_total_bytes": event.whole("ram_max"),
    }
    for name in ("disk_used_bytes", "disk_total_bytes", "up_speed", "down_speed", "bw_limit", "active_streams"):
        row[name] = event.whole(name)
    row["is_healthy"] = int(bool(event.payload.get("is_healthy")))
    row["operational_mode"] = mode if mode not in {"", "unspecified"} else "normal"
    row["latitude"] = event.number("latitude")
    row["longitude"] = event.number("longitude")
    row["location"] = event.text("location")
    known = ("capabilities", "limits", "bw_limit", "base_url")
    row["metadata"] = {name: event.payload[name] for name in known if name in event.payload}
    row["updated_at"] = event.time
    yield NODES, row
