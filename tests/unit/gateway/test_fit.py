"""What is said of a table that is not in ClickHouse as the pack describes it; and of those that are, nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.channel import Channel
from signalman.gateway.fit import Fit, fit
from signalman.table import ClockRule, ColumnType, Condition, RowChange, Setting, Table
from tests.unit.gateway.make import catalog, event_type, table

STREAMS = catalog().channels["streams"]
TABLE = table()
COLUMNS = {
    "tenant_id": "UUID",
    "stream_id": "UUID",
    "status": "LowCardinality(String)",
    "updated_at": "DateTime('UTC')",
    "extra": "JSON",
}


def setting(column: str, type_: ColumnType, *, nullable: bool = False) -> Setting:
    """What an event sets."""
    return Setting(column, type_, nullable)


def channel(*settings: Setting) -> Channel:
    """A channel whose one event sets these columns of its table."""
    change = RowChange("streams", "upsert", columns=settings)
    return replace(STREAMS, events={"e": replace(event_type("e"), rows=(change,))})


CHANGED = channel(setting("stream_id", "uuid"), setting("status", "text"), setting("updated_at", "time"))


def test_a_table_that_is_as_described_is_not_mentioned() -> None:
    """Columns that the pack does not list are nobody's business."""
    assert fit(CHANGED, TABLE, COLUMNS) == Fit()


def test_a_table_that_is_not_there() -> None:
    """It may also be that the user was not given it, which looks the same."""
    (fault,) = fit(STREAMS, TABLE, None).faults
    assert fault == "streams: there is no table 'streams_current', or its user may not read it"


def test_without_the_scope_column_nothing_is_shown() -> None:
    """The clearest of all: whose rows they are cannot be told."""
    columns = {name: type_ for name, type_ in COLUMNS.items() if name != "tenant_id"}
    (fault,) = fit(STREAMS, TABLE, columns).faults
    assert fault == (
        "streams: column 'tenant_id' is not in 'streams_current', and it alone tells whose a row is: nothing of this"
        " table can be shown to anybody"
    )


NEEDED = replace(
    TABLE,
    key=("stream_id", "node_id"),
    columns=("stream_id", "status", "stale"),
    version="updated_at",
    where=(Condition("ended_at", "unset"),),
    derived={"stale": False},
)


@pytest.mark.parametrize("column", ["stream_id", "node_id", "status", "updated_at", "ended_at"])
def test_each_column_that_is_needed_is_missed(column: str) -> None:
    """Listed columns, keys, the version and those of conditions, each said once; a derived column is in no store."""
    there = {**COLUMNS, "node_id": "String", "ended_at": "Nullable(DateTime)"}
    assert fit(STREAMS, NEEDED, there) == Fit()
    del there[column]
    assert fit(STREAMS, NEEDED, there).faults == (f"streams: column '{column}' is not in 'streams_current'",)


def test_all_faults_come_at_once() -> None:
    """Who mends a table should not have to come back for the next fault."""
    assert len(fit(STREAMS, NEEDED, {"something": "String"}).faults) == 6


@pytest.mark.parametrize(
    ("changes", "column", "type_"),
    [
        ({}, "tenant_id", "String"),
        ({"where": (Condition("status", "newer_than", 60),)}, "status", "String"),
        ({"where": (Condition("status", "equals", 1),)}, "status", "String"),
        ({"where": (Condition("status", "differs", True),)}, "status", "Nullable(UUID)"),
        ({"clock": (ClockRule("updated_at", 1000),)}, "updated_at", "LowCardinality(String)"),
        ({"compared": True}, "updated_at", "DateTime64(3)"),
        ({"compared": True}, "updated_at", "String"),
    ],
)
def test_a_type_that_makes_rows_unreadable_or_wrong_is_a_fault(
    changes: dict[str, object], column: str, type_: str
) -> None:
    """The query would fail, or clients would take the older row for the newer one."""
    changed = replace(TABLE, **changes)  # type: ignore[arg-type] # any of its members
    faults = fit(CHANGED, changed, {**COLUMNS, column: type_}).faults
    assert len(faults) == 1
    assert f"'{column}' of type {type_}" in faults[0]


@pytest.mark.parametrize(
    ("changes", "column", "type_"),
    [
        ({"scope_types": ("string",)}, "tenant_id", "UInt64"),
        ({"where": (Condition("status", "equals", "live"),)}, "status", "Enum8('live' = 1)"),
        ({"where": (Condition("status", "equals", 1),)}, "status", "Enum8('live' = 1)"),
        ({"where": (Condition("status", "equals", 1),)}, "status", "Nullable(Decimal(9, 2))"),
        ({"where": (Condition("updated_at", "newer_than", 60),)}, "updated_at", "Date32"),
        ({"clock": (ClockRule("updated_at", 1000),)}, "updated_at", "SimpleAggregateFunction(max, DateTime64(9))"),
        ({}, "updated_at", "DateTime64(3)"),
    ],
)
def test_what_can_be_read_is_no_fault(changes: dict[str, object], column: str, type_: str) -> None:
    """ClickHouse compares more than the pack's words for types suggest; only what must fail is refused."""
    changed = replace(TABLE, **changes)  # type: ignore[arg-type] # any of its members
    assert fit(CHANGED, changed, {**COLUMNS, column: type_}).faults == ()


FITTING: dict[ColumnType, list[str]] = {
    "text": ["String", "FixedString(2)", "Enum16('a, (b)' = 1)", "UUID", "LowCardinality(FixedString(3))"],
    "integer": ["UInt8", "Int32", "SimpleAggregateFunction(max, UInt16)"],
    "integer64": ["UInt64", "Int64"],
    "number": ["Float64", "SimpleAggregateFunction(any, Float64)"],
    "number32": ["Float32"],
    "bool": ["Bool"],
    "flag": ["UInt8"],
    "uuid": ["UUID"],
    "time": ["DateTime", "DateTime('Asia/Tokyo')"],
    "time_ms": ["DateTime64(3)", "DateTime64(3, 'UTC')"],
}


@given(st.data())
def test_values_that_look_alike_are_not_mentioned(data: st.DataObject) -> None:
    """Each kind of column with each type for it, in whatever wrappers; and another kind's type is a warning."""
    kind: ColumnType = data.draw(st.sampled_from(sorted(FITTING)))
    type_ = data.draw(st.sampled_from(FITTING[kind]))
    nullable = data.draw(st.booleans())
    wrapped = f"SimpleAggregateFunction(anyLast, Nullable({type_}))" if nullable else type_
    one = channel(setting("status", kind, nullable=nullable))
    assert fit(one, TABLE, {**COLUMNS, "status": wrapped}) == Fit()
    other = fit(one, TABLE, {**COLUMNS, "status": "Array(UInt8)"})
    assert other.faults == ()
    assert any("is not what events have there" in warning for warning in other.warnings)


@pytest.mark.parametrize("type_", ["String", "LowCardinality(Nullable(String))"])
def test_null_where_events_have_none_is_a_warning(type_: str) -> None:
    """A row of the snapshot and the same row out of events would not be equal."""
    nullable = "Nullable" not in type_
    found = fit(channel(setting("status", "text", nullable=nullable)), TABLE, {**COLUMNS, "status": type_})
    assert found.faults == ()
    (warning,) = found.warnings
    assert "null in 'streams_current', unlike in events" in warning


def test_a_derived_column_has_no_type() -> None:
    """Events set it, and whatever the store has under its name is not read."""
    derived: Table = replace(TABLE, derived={"stale": False})
    assert fit(channel(setting("stale", "bool")), derived, {**COLUMNS, "stale": "String"}) == Fit()
