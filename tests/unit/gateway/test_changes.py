"""Row changes out of published events: which events are read, which rows are taken, and what is taken of them."""

from dataclasses import replace

import pytest

from signalman.gateway.changes import Change, changes_in, key_of
from signalman.gateway.requests import Filter
from tests.unit.gateway.make import NOW_MS, delete, event, publication, table, table_changes, upsert

TABLES = {"streams": table(), "nodes": table("nodes", ("node_id", "updated_at"))}


def test_a_change_is_told_whole() -> None:
    """Its event's seq and time, its table, key and version, what it does, and its row."""
    told = publication(
        4,
        table_changes(1, upsert("streams", stream_id="a", status="on", updated_at="t1")),
        table_changes(2, delete("nodes", node_id="n", updated_at="t2")),
    )
    assert list(changes_in(told, TABLES, Filter())) == [
        Change(
            5,
            NOW_MS,
            "streams",
            ("a",),
            "t1",
            deletes=False,
            row={"stream_id": "a", "status": "on", "updated_at": "t1"},
        ),
        Change(6, NOW_MS, "nodes", ("n",), "t2", deletes=True, row={"node_id": "n", "updated_at": "t2"}),
    ]


def test_only_what_passes_the_filter_changes_rows() -> None:
    """The same filter as for events decides, in the midst of others."""
    mine, theirs = ({"stream_id": name, "updated_at": "t"} for name in ("mine", "theirs"))
    told = publication(
        0,
        table_changes(1, upsert("streams", **theirs), stream_id="theirs"),
        table_changes(2, upsert("streams", **mine), stream_id="mine"),
        table_changes(3, upsert("streams", **theirs), stream_id="theirs"),
        table_changes(4, upsert("streams", **mine), stream_id="mine"),
    )
    wanted = Filter(fields=(("stream_id", frozenset({"mine"})),))
    assert [(each.seq, each.key) for each in changes_in(told, TABLES, wanted)] == [(2, ("mine",)), (4, ("mine",))]


def test_only_known_tables_are_read() -> None:
    """The other rows of the same event are."""
    rows = [upsert("streams", stream_id="a"), upsert("others", x=1), upsert("streams", stream_id="b")]
    told = publication(0, table_changes(1, *rows))
    assert [each.key for each in changes_in(told, TABLES, Filter())] == [("a",), ("b",)]


def test_events_without_rows_change_none() -> None:
    """They stand between others, and one may speak of rows in its data."""
    told = publication(
        0,
        event(1),
        event(2, rows="none"),
        table_changes(3, upsert("streams", stream_id="a")),
        event(4),
        table_changes(5, upsert("streams", stream_id="b")),
    )
    assert [each.seq for each in changes_in(told, TABLES, Filter())] == [3, 5]


@pytest.mark.parametrize(
    ("version", "told"), [(None, {"updated_at": "t"}), ("updated_at", {}), ("updated_at", {"updated_at": None})]
)
def test_a_change_without_a_version_has_none(version: str | None, told: dict[str, object]) -> None:
    """Where the table has none, as where the change does not tell it."""
    tables = {"streams": replace(table(), version=version)}
    [change] = changes_in(publication(0, table_changes(1, upsert("streams", stream_id="a", **told))), tables, Filter())
    assert change.version is None


def test_events_without_rows_are_not_decoded() -> None:
    """They are most, and what they say is not asked."""
    assert list(changes_in(publication(0, b"not even JSON"), TABLES, Filter())) == []


def test_a_key_has_all_its_columns_in_order() -> None:
    """As the table names them."""
    two = replace(table(), key=("status", "stream_id"))
    assert key_of(two, {"stream_id": "a", "status": "on", "updated_at": "t"}) == ("on", "a")
