"""What an event does to the platform's current-state tables."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from signalman.event import Json
from signalman.simulate import artifact_rows, live_rows, orchestrator_rows
from signalman.simulate.reported import Reported, Row

_ANALYTICS: Mapping[str, Callable[[Reported], Iterable[tuple[str, Row]]]] = {
    "stream_lifecycle_update": live_rows.stream_lifecycle_update,
    "push_rewrite": live_rows.push_rewrite,
    "stream_end": live_rows.stream_end,
    "viewer_connect": live_rows.viewer_connect,
    "viewer_disconnect": live_rows.viewer_disconnect,
    "node_lifecycle_update": live_rows.node_lifecycle_update,
    "clip_lifecycle": artifact_rows.clip_lifecycle,
    "dvr_lifecycle": artifact_rows.dvr_lifecycle,
    "vod_lifecycle": artifact_rows.vod_lifecycle,
    "orchestrator_state_update": orchestrator_rows.state_update,
    "orchestrator_discovery_observed": orchestrator_rows.discovery_observed,
}
_SERVICE: Mapping[str, Callable[[Reported], Iterable[tuple[str, Row]]]] = {
    "artifact_node_copy": artifact_rows.node_copy,
}
_PAYLOADS = {
    "clip_lifecycle": "clip_lifecycle_data",
    "dvr_lifecycle": "dvr_lifecycle_data",
    "vod_lifecycle": "vod_lifecycle_data",
}
_FLAT = {"orchestrator_state_update", "orchestrator_discovery_observed", "artifact_node_copy"}


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is written. Its key and its version are among its columns."""

    table: str
    row: Row


def changes(body: Mapping[str, Json], topic: str, now: float) -> list[RowChange]:
    """Rows that an event becomes when the ingest sees it at *now*, Unix seconds.

    A stream's ``started_at`` is None where it depends on the row that is there already: see `Ingest`.
    """
    event_type = body["event_type"]
    make = (_ANALYTICS if topic == "analytics" else _SERVICE).get(event_type)
    if make is None:
        return []
    data = body["data"]
    payload = data if event_type in _FLAT else data.get(_PAYLOADS.get(event_type, event_type), {})
    reported = Reported(
        tenant_id=UUID(body["tenant_id"]),
        time=datetime.fromisoformat(body["timestamp"]),
        seen=datetime.fromtimestamp(now, UTC),
        data=data,
        payload=payload,
    )
    return [RowChange(table, row) for table, row in make(reported)]
