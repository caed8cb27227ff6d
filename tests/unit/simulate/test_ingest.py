"""The ingest over time: its lag, what it carries over, and the streams it gives up."""

from datetime import UTC, datetime
from typing import Any

from signalman.event import Json
from signalman.simulate.ingest import Ingest, Insert
from signalman.simulate.warehouse import schema
from signalman.simulate.wire import rfc3339
from signalman.simulate.world import World
from tests.channels.frameworks_facts import DDL
from tests.unit.simulate.make import NOW, START, body, emitted


def dictionaries(inserts: list[Insert], table: str = "stream_state_current") -> list[dict[str, Any]]:
    """Rows for one table, by column."""
    return [
        dict(zip(insert.columns, row, strict=True))
        for insert in inserts
        if insert.table == table
        for row in insert.rows
    ]


def written(ingest: Ingest, time: float, event_type: str, payload: dict[str, Json]) -> dict[str, Any]:
    """The stream's row after an event at *time*, from an ingest without lag."""
    ingest.feed([emitted(body(event_type, payload) | {"timestamp": rfc3339(time)}, time)])
    (row,) = dictionaries(ingest.due(time))
    return row


def moment(time: float) -> datetime:
    """*time* as rows have it."""
    return datetime.fromtimestamp(time, UTC)


def test_events_are_held_back() -> None:
    """For exactly the lag, and then written once."""
    ingest = Ingest(lag=2.0)
    ingest.feed([emitted(body("push_rewrite", {})), emitted(body("push_rewrite", {}), NOW + 1)])
    assert ingest.due(NOW + 1.9) == []
    assert len(dictionaries(ingest.due(NOW + 2.0))) == 1
    assert len(dictionaries(ingest.due(NOW + 9.0))) == 1
    assert ingest.due(NOW + 9.1) == []


def test_inserts_are_grouped_by_table() -> None:
    """One insert for each table, its rows in the order of their events."""
    ingest = Ingest(lag=0.0)
    events = [body("push_rewrite", {}), body("viewer_connect", {"session_id": "s"}), body("stream_end", {})]
    ingest.feed(emitted(each) for each in events)
    streams, viewers = ingest.due(NOW)
    assert [row["status"] for row in dictionaries([streams])] == ["live", "offline"]
    assert (viewers.table, len(viewers.rows)) == ("viewer_sessions_current", 1)


def test_a_stream_starts_when_it_is_first_live() -> None:
    """Unless it tells when itself."""
    assert written(Ingest(0.0), NOW, "push_rewrite", {})["started_at"] == moment(NOW)
    assert written(Ingest(0.0), NOW, "stream_lifecycle_update", {})["started_at"] == moment(NOW)
    told = written(Ingest(0.0), NOW, "stream_lifecycle_update", {"started_at": str(int(START))})
    assert told["started_at"] == moment(START)


def test_the_start_is_carried_over() -> None:
    """From row to row, through the end and beyond."""
    ingest = Ingest(lag=0.0)
    for number, event_type in enumerate(("push_rewrite", "stream_lifecycle_update", "stream_end", "push_rewrite")):
        assert written(ingest, NOW + number, event_type, {})["started_at"] == moment(NOW)


def test_a_stream_that_is_first_seen_offline_has_no_start() -> None:
    """Nobody knows it."""
    assert written(Ingest(0.0), NOW, "stream_lifecycle_update", {"status": "offline"})["started_at"] is None


def test_streams_that_fall_silent_are_given_up() -> None:
    """Two minutes after the last update, at the next look, which is once a minute. All other columns stay."""
    ingest = Ingest(lag=0.0)
    payload = {"total_viewers": 3, "quality_tier": "1080p30"}
    before = written(ingest, NOW, "stream_lifecycle_update", payload)
    assert ingest.due(NOW + 60) == []
    assert ingest.due(NOW + 120) == []
    assert ingest.due(NOW + 179) == []
    (after,) = dictionaries(ingest.due(NOW + 180))
    over = {"status": "offline", "buffer_state": "EMPTY", "current_viewers": 0, "updated_at": moment(NOW + 180)}
    assert after == before | over
    assert ingest.due(NOW + 600) == []


def test_streams_that_report_are_not_given_up() -> None:
    """Nor those that are offline already."""
    ingest = Ingest(lag=0.0)
    for number in range(20):
        assert written(ingest, NOW + 60 * number, "stream_lifecycle_update", {})["status"] == "live"
    assert written(ingest, NOW + 1200, "stream_end", {})["status"] == "offline"
    assert ingest.due(NOW + 2000) == []


def columns() -> dict[str, list[str]]:
    """Table → columns, as the statements have them."""
    found: dict[str, list[str]] = {}
    for statement in schema():
        head, _, rest = statement.partition("\n(\n")
        lines = rest.partition("\n)\n")[0].splitlines()
        found[head.removeprefix("CREATE TABLE IF NOT EXISTS ")] = [line.split()[0] for line in lines]
    return found


def test_the_schema_is_the_platforms() -> None:
    """Columns and their order in all tables that are known from it."""
    assert {table: columns()[table] for table in DDL} == {table: names.split() for table, names in DDL.items()}
    assert len(columns()) == 8


def test_rows_fit_the_schema() -> None:
    """Ten minutes of a world fill every table, each row with all the columns of its table."""
    world, ingest = World(start=START), Ingest()
    ingest.feed(world.step(START + 600))
    inserts = ingest.due(START + 700)
    assert {insert.table: sorted(insert.columns) for insert in inserts} == {
        table: sorted(names) for table, names in columns().items()
    }


def test_a_row_of_a_table_has_always_the_same_columns() -> None:
    """So that rows of different events can go into one insert."""
    world, ingest = World(start=START), Ingest()
    seen: dict[str, set[tuple[str, ...]]] = {}
    for each in world.step(START + 300):
        ingest.feed([each])
        for insert in ingest.due(each.time + 2.0):
            seen.setdefault(insert.table, set()).add(tuple(sorted(insert.columns)))
    assert {len(found) for found in seen.values()} == {1}
