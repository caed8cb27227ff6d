"""The rows stage over the FrameWorks pack: what each event type does to its channel's tables, written out by hand."""

import copy
from typing import Any

import orjson
import pytest

from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.event import PLATFORM, Event
from signalman.relay.decode import Decoder
from signalman.relay.encode import encode
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Changed, Rows
from tests.unit.relay.make import STREAM, TENANT, TIME, record

NODE = "edge-1"
SECOND = "2026-08-20T10:11:12Z"
MILLI = "2026-08-20T10:11:12.123Z"
NO_STREAM = "00000000-0000-0000-0000-000000000000"
NO_MEDIA = dict.fromkeys(
    (
        *("has_issues", "issues_description", "track_count", "quality_tier", "primary_width", "primary_height"),
        *("primary_fps", "primary_codec", "primary_bitrate", "packets_sent", "packets_lost", "packets_retransmitted"),
    )
)


@pytest.fixture(scope="module")
def pack() -> Catalog:
    """The pack of the repository."""
    return load(default_folder("frameworks"))


def routed(pack: Catalog, kind: str, data: dict[str, Any], topic: str = "analytics_events", time: str = TIME) -> Event:
    """The event that a record of type *kind* with *data* becomes."""
    body = {"event_id": "e-1", "event_type": kind, "timestamp": time, "source": "foghorn", "tenant_id": TENANT}
    names = {each.default: name for name, each in pack.topics.items()}
    (event,) = Router(pack).route(Decoder(pack, names).decode(record(body | {"data": data}, topic=topic))).events
    return event


def trigger(payload: str, values: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A trigger of a node with *values* under the key *payload*."""
    return {"trigger_type": "T", "node_id": NODE, "cluster_id": "c-1", "stream_id": STREAM, payload: values} | others


def changed(pack: Catalog, kind: str, data: dict[str, Any], **others: Any) -> Changed:
    """What that event does to tables."""
    return Rows(pack).changes(routed(pack, kind, data, **others))


def upsert(table: str, row: dict[str, Any], **initial: Any) -> Changed:
    """One row that is written."""
    more = {"initial": initial} if initial else {}
    return Changed(({"table": table, "op": "upsert", "row": row, **more},))


def delete(table: str, row: dict[str, Any]) -> Changed:
    """One row that goes."""
    return Changed(({"table": table, "op": "delete", "row": row},))


FULL = {
    "node_id": "payload-node",
    "internal_name": "live+secret",
    "status": "live",
    "buffer_state": "DRY",
    "total_viewers": 9,
    "total_inputs": 2,
    "uploaded_bytes": "18446744073709551615",
    "downloaded_bytes": "7",
    "viewer_seconds": "99",
    "has_issues": True,
    "issues_description": "slow",
    "track_count": 2,
    "quality_tier": "1080p30",
    "primary_width": 1920,
    "primary_height": 1080,
    "primary_fps": 29.97,
    "primary_codec": "H264",
    "primary_bitrate": 6000,
    "packets_sent": "100",
    "packets_lost": "0",
    "packets_retransmitted": "5",
    "started_at": "1787220000",
}


def test_stream_update(pack: Catalog) -> None:
    """Every column: the reporting node, 64-bit integers as text, times cut to seconds, the start that is told."""
    row = {
        "stream_id": STREAM,
        "node_id": NODE,
        "status": "live",
        "buffer_state": "DRY",
        "current_viewers": 9,
        "total_inputs": 2,
        "uploaded_bytes": "18446744073709551615",
        "downloaded_bytes": "7",
        "viewer_seconds": "99",
        "has_issues": 1,
        "issues_description": "slow",
        "track_count": 2,
        "quality_tier": "1080p30",
        "primary_width": 1920,
        "primary_height": 1080,
        "primary_fps": 29.97,
        "primary_codec": "H264",
        "primary_bitrate": 6000,
        "packets_sent": "100",
        "packets_lost": "0",
        "packets_retransmitted": "5",
        "started_at": "2026-08-20T10:00:00Z",
        "updated_at": SECOND,
    }
    data = trigger("stream_lifecycle_update", FULL)
    assert changed(pack, "stream_lifecycle_update", data) == upsert("streams", row)
    assert set(row) == set(pack.channels["streams"].tables["streams"].columns)


def test_stream_update_that_says_nothing(pack: Catalog) -> None:
    """What protobuf leaves out is zero, or null where the column can be null; the stream is live, and began now if it
    has no beginning yet.
    """
    counts = {"uploaded_bytes": "0", "downloaded_bytes": "0", "viewer_seconds": "0"}
    row = {"stream_id": STREAM, "node_id": NODE, "status": "live", "buffer_state": "", "current_viewers": 0}
    row |= {"total_inputs": 0, **counts, **NO_MEDIA, "updated_at": SECOND}
    empty = trigger("stream_lifecycle_update", {})
    zeros = trigger("stream_lifecycle_update", {"has_issues": False, "track_count": 0, "issues_description": ""})
    for data in (empty, zeros):
        assert changed(pack, "stream_lifecycle_update", data) == upsert("streams", row, started_at=SECOND)


@pytest.mark.parametrize(
    ("payload", "column", "value"),
    [
        ({"buffer_ms": 900}, "buffer_state", "FULL"),
        ({"buffer_ms": 0}, "buffer_state", ""),
        ({"buffer_ms": 900, "buffer_state": "EMPTY"}, "buffer_state", "EMPTY"),
        ({"packets_lost": "0"}, "packets_lost", "0"),
        ({"primary_fps": 0}, "primary_fps", None),
        ({"primary_fps": "NaN"}, "primary_fps", None),
        ({"uploaded_bytes": 12}, "uploaded_bytes", "12"),
    ],
)
def test_values_of_a_stream_update(pack: Catalog, payload: dict[str, Any], column: str, value: object) -> None:
    """A buffer that holds something is full unless it says otherwise; packets are told as they are, zero included."""
    (change,) = changed(pack, "stream_lifecycle_update", trigger("stream_lifecycle_update", payload)).rows
    assert change["row"][column] == value


@pytest.mark.parametrize("status", ["offline", "stopped", "gone"])
def test_a_stream_that_is_not_live_has_no_beginning(pack: Catalog, status: str) -> None:
    """Unless a row knows it."""
    data = trigger("stream_lifecycle_update", {"status": status})
    (change,) = changed(pack, "stream_lifecycle_update", data).rows
    assert change["initial"] == {"started_at": None}
    assert "started_at" not in change["row"]


@pytest.mark.parametrize("stream", ["", "42", "not-a-uuid", NO_STREAM, None])
def test_a_stream_without_its_id_has_no_row(pack: Catalog, stream: str | None) -> None:
    """A text that is no UUID, and the one of all zeros, name no stream."""
    for kind in ("stream_lifecycle_update", "push_rewrite", "stream_end"):
        assert changed(pack, kind, trigger(kind, {}, stream_id=stream)) == Changed()


def test_ids_are_canonical(pack: Catalog) -> None:
    """As snapshots have them: in lower case."""
    (change,) = changed(pack, "push_rewrite", trigger("push_rewrite", {}, stream_id=STREAM.upper())).rows
    assert change["row"]["stream_id"] == STREAM


def test_push_rewrite(pack: Catalog) -> None:
    """A stream begins: everything about its media is unknown again."""
    row = {"stream_id": STREAM, "node_id": NODE, "status": "live", "buffer_state": "UNKNOWN", "current_viewers": 0}
    row |= {"total_inputs": 1, "uploaded_bytes": "0", "downloaded_bytes": "0", "viewer_seconds": "0"}
    row |= {**NO_MEDIA, "updated_at": SECOND}
    data = trigger("push_rewrite", {"hostname": "203.0.113.9", "node_id": "other"})
    assert changed(pack, "push_rewrite", data) == upsert("streams", row, started_at=SECOND)


def test_stream_end(pack: Catalog) -> None:
    """A stream ends: nobody watches, and what was counted below zero is zero."""
    row = {"stream_id": STREAM, "node_id": NODE, "status": "offline", "buffer_state": "EMPTY", "current_viewers": 0}
    row |= {"total_inputs": 0, "uploaded_bytes": "0", "downloaded_bytes": "77", "viewer_seconds": "0"}
    row |= {**NO_MEDIA, "updated_at": SECOND}
    data = trigger("stream_end", {"uploaded_bytes": "-5", "downloaded_bytes": "77"})
    assert changed(pack, "stream_end", data) == upsert("streams", row, started_at=None)


def test_viewer_connect(pack: Catalog) -> None:
    """A session under stream, the trigger's node and its id; what it begins with is written once."""
    place = {"client_country": "NL", "client_city": "Leiden", "client_latitude": 52.16, "client_longitude": 4.49}
    data = trigger("viewer_connect", {"session_id": "s-1", "connector": "HLS", "node_id": "other", **place})
    key = {"stream_id": STREAM, "node_id": NODE, "session_id": "s-1", "last_updated": SECOND}
    start = {"connected_at": SECOND, "connector": "HLS", "country_code": "NL", "city": "Leiden"}
    expected = upsert("viewers", key, **start, latitude=52.16, longitude=4.49)
    assert changed(pack, "viewer_connect", data) == expected


def test_viewer_from_nowhere(pack: Catalog) -> None:
    """An unknown country is two dashes, an unknown place empty and zero."""
    (change,) = changed(pack, "viewer_connect", trigger("viewer_connect", {"session_id": "s-1"})).rows
    nowhere = {"connector": "", "country_code": "--", "city": "", "latitude": 0, "longitude": 0}
    assert change["initial"] == {"connected_at": SECOND, **nowhere}


def test_viewer_disconnect(pack: Catalog) -> None:
    """The session goes, under the payload's node, by which the platform closes it."""
    data = trigger("viewer_disconnect", {"session_id": "s-1", "node_id": "edge-2", "duration": "60"})
    key = {"stream_id": STREAM, "node_id": "edge-2", "session_id": "s-1", "last_updated": SECOND}
    assert changed(pack, "viewer_disconnect", data) == delete("viewers", key)


@pytest.mark.parametrize("kind", ["viewer_connect", "viewer_disconnect"])
@pytest.mark.parametrize("values", [{}, {"session_id": ""}])
def test_viewers_without_a_session_are_nobody(pack: Catalog, kind: str, values: dict[str, Any]) -> None:
    """The platform does not store them."""
    assert changed(pack, kind, trigger(kind, values)) == Changed()


def test_node_update(pack: Catalog) -> None:
    """A node: a tenth of a percent becomes percent, its mode loses its prefix, and whoever reports is not stale."""
    values = {
        "node_id": "edge-2",
        "cpu_tenths": 173,
        "ram_current": "1",
        "ram_max": "2",
        "disk_used_bytes": "3",
        "disk_total_bytes": "4",
        "up_speed": "5",
        "down_speed": "6",
        "bw_limit": "7",
        "active_streams": 8,
        "is_healthy": True,
        "operational_mode": "NODE_OPERATIONAL_MODE_DRAINING",
        "latitude": 52.16,
        "longitude": 4,
        "location": "Leiden",
        "base_url": "https://203.0.113.9",
    }
    row = {
        "cluster_id": "c-1",
        "node_id": "edge-2",
        "is_healthy": 1,
        "operational_mode": "draining",
        "cpu_percent": 17.3,
        "ram_used_bytes": "1",
        "ram_total_bytes": "2",
        "disk_used_bytes": "3",
        "disk_total_bytes": "4",
        "up_speed": "5",
        "down_speed": "6",
        "bw_limit": "7",
        "active_streams": 8,
        "latitude": 52.16,
        "longitude": 4,
        "location": "Leiden",
        "updated_at": SECOND,
        "stale": False,
    }
    assert changed(pack, "node_lifecycle_update", trigger("node_lifecycle_update", values)) == upsert("nodes", row)


@pytest.mark.parametrize("mode", [None, "", "NODE_OPERATIONAL_MODE_UNSPECIFIED"])
def test_a_node_is_normal_unless_it_says_otherwise(pack: Catalog, mode: str | None) -> None:
    """And sick unless it says that it is healthy."""
    data = trigger("node_lifecycle_update", {"node_id": "n", "operational_mode": mode})
    (change,) = changed(pack, "node_lifecycle_update", data).rows
    assert (change["row"]["operational_mode"], change["row"]["is_healthy"]) == ("normal", 0)


ARTIFACT = {
    "stream_id": STREAM,
    "filename": None,
    "requested_at": SECOND,
    "started_at": "2026-08-20T10:00:00Z",
    "completed_at": "2026-08-20T10:01:00Z",
    "expires_at": "2026-09-19T10:00:00Z",
    "clip_start_unix": None,
    "clip_stop_unix": None,
    "segment_count": None,
    "size_bytes": "5000000000",
    "processing_node_id": "edge-2",
    "sync_status": "synced",
    "is_synced": True,
    "is_finalized": False,
    "has_local_copy": None,
    "updated_at": "2026-08-20T10:01:00.007Z",
}
COMMON = {
    "started_at": "1787220000",
    "expires_at": "1789812000",
    "size_bytes": "5000000000",
    "node_id": "edge-2",
    "sync_status": "synced",
    "is_synced": True,
    "is_finalized": False,
    "source_updated_at_ms": "1787220060007",
    "file_path": "/srv/x",
    "s3_url": "s3://x",
    "error": "203.0.113.9",
}


def test_clip(pack: Catalog) -> None:
    """A clip: flags as given, false included, and null where nothing is said."""
    own = {"stage": "STAGE_DONE", "clip_hash": "h", "request_id": "r", "progress_percent": 100}
    own |= {"completed_at": "1787220060", "start_unix": "1787219990", "stop_unix": "1787220000"}
    row = ARTIFACT | {"request_id": "h", "content_type": "clip", "stage": "done", "progress_percent": 100}
    row |= {"clip_start_unix": "1787219990", "clip_stop_unix": "1787220000"}
    assert changed(pack, "clip_lifecycle", trigger("clip_lifecycle_data", COMMON | own)) == upsert("artifacts", row)
    assert set(row) == set(pack.channels["analytics"].tables["artifacts"].columns)


def test_clip_without_a_hash(pack: Catalog) -> None:
    """It is known by its request; the trigger's node is not the one that makes it; its time is the event's."""
    data = trigger("clip_lifecycle_data", {"stage": "STAGE_REQUESTED", "request_id": "r"}, stream_id=None)
    (change,) = changed(pack, "clip_lifecycle", data).rows
    row = change["row"]
    assert (row["request_id"], row["stream_id"], row["processing_node_id"]) == ("r", NO_STREAM, None)
    assert (row["updated_at"], row["started_at"], row["size_bytes"]) == (MILLI, None, None)


def test_dvr(pack: Catalog) -> None:
    """A recording: without a node of its own it is made on the trigger's."""
    own = {"status": "STATUS_STOPPED", "dvr_hash": "h", "ended_at": "1787220060", "segment_count": 12}
    row = ARTIFACT | {"request_id": "h", "content_type": "dvr", "stage": "stopped", "progress_percent": 0}
    row |= {"segment_count": 12, "processing_node_id": NODE}
    data = trigger("dvr_lifecycle_data", {**COMMON, **own, "node_id": None})
    assert changed(pack, "dvr_lifecycle", data) == upsert("artifacts", row)


def test_vod(pack: Catalog) -> None:
    """A video belongs to no stream; how far it is follows from its state where it is not told."""
    own = {"status": "STATUS_COMPLETED", "vod_hash": "h", "filename": "talk.mp4", "completed_at": "1787220060"}
    row = ARTIFACT | {"request_id": "h", "content_type": "vod", "stage": "completed", "progress_percent": 100}
    row |= {"stream_id": NO_STREAM, "filename": "talk.mp4"}
    data = trigger("vod_lifecycle_data", COMMON | own, stream_id=None)
    assert changed(pack, "vod_lifecycle", data) == upsert("artifacts", row)


@pytest.mark.parametrize(
    ("status", "told", "progress"),
    [("UPLOADING", None, 10), ("PROCESSING", None, 50), ("PROCESSING", 0, 0), ("FAILED", None, 0), ("DELETED", 95, 95)],
)
def test_progress_of_a_video(pack: Catalog, status: str, told: int | None, progress: int) -> None:
    """What is told goes before what is guessed, zero included."""
    values = {"vod_hash": "h", "status": f"STATUS_{status}", "progress_pct": told}
    (change,) = changed(pack, "vod_lifecycle", trigger("vod_lifecycle_data", values)).rows
    assert change["row"]["progress_percent"] == progress


COPY = {
    "artifact_hash": "h",
    "node_id": "edge-2",
    "role": "cache",
    "transition": "GAINED",
    "is_complete": True,
    "size_bytes": "9",
    "timestamp_ms": "1787220060007",
    "version": "18446744073709551615",
}


@pytest.mark.parametrize("transition", ["GAINED", "UPDATED"])
def test_copy_on_a_node(pack: Catalog, transition: str) -> None:
    """A copy that is there, versioned by a number of 64 bits."""
    data = COPY | {"transition": transition}
    row = {name: COPY[name] for name in ("artifact_hash", "node_id", "role", "is_complete", "size_bytes", "version")}
    row["updated_at"] = "2026-08-20T10:01:00.007Z"
    assert changed(pack, "artifact_node_copy", data, topic="service_events") == upsert("artifact_copies", row)


def test_lost_copy(pack: Catalog) -> None:
    """A copy that is gone: key and version are all there is to say."""
    row = {name: COPY[name] for name in ("artifact_hash", "node_id", "version")}
    data = COPY | {"transition": "LOST"}
    assert changed(pack, "artifact_node_copy", data, topic="service_events") == delete("artifact_copies", row)


@pytest.mark.parametrize(
    "wrong",
    [
        {"transition": "TRANSITION_UNSPECIFIED"},
        {"transition": None},
        {"role": "mirror"},
        {"role": None},
        {"version": "0"},
        {"version": None},
        {"version": 0},
    ],
)
@pytest.mark.parametrize("transition", ["GAINED", "LOST"])
def test_copies_that_are_not_understood(pack: Catalog, transition: str, wrong: dict[str, Any]) -> None:
    """The platform rejects them."""
    data = COPY | {"transition": transition} | wrong
    assert changed(pack, "artifact_node_copy", data, topic="service_events") == Changed()


def test_orchestrator(pack: Catalog) -> None:
    """Its payload is flat. Only that it was seen is written."""
    data = {"orch_addr": "0xabc", "canonical_url": "https://203.0.113.9", "vantage": {"resolved_ip": "203.0.113.9"}}
    row = {"orch_addr": "0xabc", "last_seen": SECOND}
    assert changed(pack, "orchestrator_state_update", data) == upsert("orchestrators", row)


def test_all_tables_are_covered(pack: Catalog) -> None:
    """There is no table that events do not keep current, and each row change belongs to a table of its own channel."""
    tables = [table for each in pack.channels.values() for table in each.tables.values()]
    assert all(table.changed_by for table in tables)
    for name, each in pack.routes.values():
        for change in each.rows:
            assert each.name in pack.channels[name].tables[change.table].changed_by


def test_other_event_types_change_nothing(pack: Catalog) -> None:
    """Most events tell what happened, and no table holds it."""
    data = trigger("stream_buffer", {"buffer_state": "DRY"})
    assert changed(pack, "stream_buffer", data) == Changed()


@pytest.mark.parametrize(
    "values",
    [
        {"total_viewers": "many"},
        {"total_viewers": True},
        {"uploaded_bytes": 1.5},
        {"status": 5},
        {"status": ["live"]},
        {"started_at": "soon"},
        {"started_at": "99999999999999"},
        {"started_at": [1]},
        {"primary_fps": 1e300},
    ],
)
def test_a_value_that_does_not_fit_leaves_the_change_out(pack: Catalog, values: dict[str, Any]) -> None:
    """A wrong row would stay; a missing one is counted, and the next report mends it. The event itself goes out."""
    data = trigger("stream_lifecycle_update", values)
    assert changed(pack, "stream_lifecycle_update", data) == Changed(unread=1)


@pytest.mark.parametrize(
    ("time", "second", "milli"),
    [
        ("2026-08-20T10:11:12Z", SECOND, "2026-08-20T10:11:12.000Z"),
        ("2026-08-20T10:11:12.9Z", SECOND, "2026-08-20T10:11:12.900Z"),
        ("2026-08-20T10:11:12.9999999Z", SECOND, "2026-08-20T10:11:12.999Z"),
        ("2026-08-20t10:11:12.5z", SECOND, "2026-08-20T10:11:12.500Z"),
        ("2026-08-20T12:11:12.123456789+02:00", SECOND, MILLI),
    ],
)
def test_times(pack: Catalog, time: str, second: str, milli: str) -> None:
    """Every form of RFC 3339 becomes the one of snapshots, cut and not rounded."""
    (change,) = changed(pack, "clip_lifecycle", trigger("clip_lifecycle_data", {"clip_hash": "h"}), time=time).rows
    assert (change["row"]["requested_at"], change["row"]["updated_at"]) == (second, milli)


def test_leap_seconds_are_left_out(pack: Catalog) -> None:
    """RFC 3339 allows them and no table can hold one."""
    data = trigger("push_rewrite", {})
    assert changed(pack, "push_rewrite", data, time="2016-12-31T23:59:60Z") == Changed(unread=1)


def test_the_net_works_on_rows(pack: Catalog) -> None:
    """An address in a column goes and is counted; one in a key takes the row with it."""
    data = trigger("node_lifecycle_update", {"node_id": "n", "location": "behind 203.0.113.9"})
    result = changed(pack, "node_lifecycle_update", data)
    assert (result.removed, "location" in result.rows[0]["row"]) == (1, False)
    viewer = trigger("viewer_connect", {"session_id": "s", "client_city": "2001:db8::1"})
    result = changed(pack, "viewer_connect", viewer)
    assert (result.removed, "city" in result.rows[0]["initial"]) == (1, False)
    for kind in ("viewer_connect", "viewer_disconnect"):
        assert changed(pack, kind, trigger(kind, {"session_id": "s@203.0.113.9"})) == Changed(removed=1)


def test_the_event_is_not_changed(pack: Catalog) -> None:
    """Redaction still has to see it as it came."""
    event = routed(pack, "stream_lifecycle_update", trigger("stream_lifecycle_update", FULL))
    before = copy.deepcopy(event)
    rows = Rows(pack)
    first, second = rows.changes(event), rows.changes(event)
    assert event == before
    assert first == second
    assert first.rows[0]["row"] is not second.rows[0]["row"]


def test_rows_come_behind_the_data(pack: Catalog) -> None:
    """As the last member of the event, and only where there are any."""
    event = routed(pack, "push_rewrite", trigger("push_rewrite", {}))
    safe = Redactor(pack).redact(event).event
    changes = Rows(pack).changes(event)
    with_rows = orjson.loads(encode(safe, changes.rows))
    assert list(with_rows)[-2:] == ["data", "rows"]
    assert with_rows["rows"] == list(changes.rows)
    assert with_rows == orjson.loads(encode(safe)) | {"rows": list(changes.rows)}
    assert "rows" not in orjson.loads(encode(safe))


def test_what_is_the_platforms_own_changes_no_table(pack: Catalog) -> None:
    """Tables have tenants: a row of nobody's would turn up in no snapshot."""
    event = routed(pack, "node_lifecycle_update", trigger("node_lifecycle_update", {"status": "online"}))
    assert Rows(pack).changes(event).rows
    assert Rows(pack).changes(event._replace(scope=PLATFORM)) == Changed()
