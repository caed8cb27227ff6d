"""The statements that ClickHouse gets: their text, what is bound, and the settings beside it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.backends.clickhouse_sql import Limits, Statement, count_rows, select_columns, select_rows
from signalman.errors import BadMessage
from signalman.ports import SnapshotQuery
from signalman.table import Condition, Table

TENANT = "aaaaaaaa-0000-4000-8000-00000000000a"
LIMITS = Limits(seconds=2.5, memory_bytes=1000, threads=3)

TABLE = Table(
    name="streams",
    title="Streams",
    source="stream_state_current",
    scope=("tenant_id",),
    scope_types=("uuid",),
    key=("stream_id", "node_id"),
    columns=("stream_id", "node_id", "status"),
    version="updated_at",
    where=(),
    max_rows=100,
)


def changed(**changes: object) -> Table:
    """`TABLE` with other values."""
    values = {name: getattr(TABLE, name) for name in TABLE.__slots__}
    return Table(**{**values, **changes})


def select(query: SnapshotQuery) -> Statement:
    """The statement that reads *query*."""
    return select_rows(query, "periscope", LIMITS)


def test_the_whole_text() -> None:
    """The text of a query with everything in it; no value is part of it."""
    table = changed(
        where=(
            Condition("ended_at", "unset"),
            Condition("status", "differs", "gone"),
            Condition("viewers", "equals", 7),
            Condition("present", "equals", True),
            Condition("updated_at", "newer_than", 3600),
        )
    )
    query = SnapshotQuery(table, (TENANT,), (("status", ("live", "idle")),), ("s", "n"), 50)
    statement = select(query)
    assert statement.sql == (
        "SELECT `stream_id`, `node_id`, `status` FROM `periscope`.`stream_state_current` FINAL"
        " WHERE `tenant_id` = {scope_0:UUID}"
        " AND ifNull(`ended_at` = defaultValueOfArgumentType(assumeNotNull(`ended_at`)), true)"
        " AND NOT ifNull(toString(`status`) = {value_1:String}, false)"
        " AND ifNull(`viewers` = {value_2:Int64}, false)"
        " AND ifNull(`present` = {value_3:Bool}, false)"
        " AND `updated_at` > now64(3) - toIntervalSecond({age_4:UInt32})"
        " AND has({filter_5:Array(String)}, toString(`status`))"
        " AND tuple(toString(`stream_id`), toString(`node_id`)) > tuple({after_6:String}, {after_7:String})"
        " ORDER BY toString(`stream_id`), toString(`node_id`) LIMIT {limit:UInt64}"
    )
    assert statement.parameters == {
        "scope_0": TENANT,
        "value_1": "gone",
        "value_2": 7,
        "value_3": True,
        "age_4": 3600,
        "filter_5": ["live", "idle"],
        "after_6": "s",
        "after_7": "n",
        "limit": 50,
    }


def test_count_ignores_the_page() -> None:
    """A count has the same conditions but for the position, and no limit."""
    query = SnapshotQuery(TABLE, (TENANT,), (), ("s", "n"), 50)
    statement = count_rows(query, "periscope", LIMITS)
    assert statement.sql == (
        "SELECT count() AS total FROM `periscope`.`stream_state_current` FINAL WHERE `tenant_id` = {scope_0:UUID}"
    )
    assert statement.parameters == {"scope_0": TENANT}


def test_settings() -> None:
    """Every query carries its limits, the second scope filter, and is read-only."""
    settings = select(SnapshotQuery(TABLE, (TENANT,))).settings
    assert settings["additional_table_filters"] == {
        "periscope.stream_state_current": f"`tenant_id` = toUUID('{TENANT}')"
    }
    wanted = {
        "max_execution_time": "2.5",
        "timeout_overflow_mode": "throw",
        "max_memory_usage": "1000",
        "max_threads": "3",
        "max_result_rows": "101",
        "result_overflow_mode": "throw",
        "readonly": "2",
        "log_comment": "signalman",
        "optimize_move_to_prewhere_if_final": "0",
    }
    assert settings.items() >= wanted.items()


def test_a_snapshot_asks_for_one_row_too_many() -> None:
    """Without a limit one row beyond the table's maximum is asked for, which tells whether there are more."""
    assert select(SnapshotQuery(TABLE, (TENANT,))).parameters["limit"] == 101


@pytest.mark.parametrize("form", [TENANT.upper(), TENANT.replace("-", ""), f"{{{TENANT}}}", f"urn:uuid:{TENANT}"])
def test_a_uuid_is_sent_in_canonical_form(form: str) -> None:
    """However a UUID was written, what leaves is the parsed one, in the text as in the setting."""
    statement = select(SnapshotQuery(TABLE, (form,)))
    assert statement.parameters["scope_0"] == TENANT
    assert TENANT in statement.settings["additional_table_filters"]["periscope.stream_state_current"]


@given(st.text(min_size=1))
def test_the_setting_holds_no_text_of_the_scope(value: str) -> None:
    """Property: whatever a text level is, the setting's expression has only hexadecimal digits of it; what cannot be
    encoded is refused.
    """
    query = SnapshotQuery(changed(scope_types=("string",)), (value,))
    try:
        statement = select(query)
    except BadMessage:
        assert any("\ud800" <= character <= "\udfff" for character in value)
        return
    [expression] = statement.settings["additional_table_filters"].values()
    match = re.fullmatch(r"`tenant_id` = unhex\('([0-9a-f]+)'\)", expression)
    assert match is not None
    assert bytes.fromhex(match[1]).decode() == value


@given(st.text(), st.lists(st.text(), max_size=3), st.tuples(st.text(), st.text()))
def test_no_value_changes_the_text(scope: str, values: list[str], after: tuple[str, str]) -> None:
    """Property: the statement's text is the same whatever the values are."""
    table = changed(scope_types=("string",))
    plain = select(SnapshotQuery(table, ("x",), (("status", ("y",)),), ("a", "b")))
    try:
        other = select(SnapshotQuery(table, (scope,), (("status", tuple(values)),), after))
    except BadMessage:
        return
    assert other.sql == plain.sql


@pytest.mark.parametrize("scope", [(), ("",), (TENANT, TENANT), ("x",), (f"{TENANT}'",)], ids=str)
def test_a_scope_that_does_not_fit_is_refused(scope: tuple[str, ...]) -> None:
    """Exactly one non-empty value of the right form per level, or there is no statement at all."""
    with pytest.raises(BadMessage) as raised:
        select(SnapshotQuery(TABLE, scope))
    assert raised.value.code == "invalid_request"
    with pytest.raises(BadMessage):
        count_rows(SnapshotQuery(TABLE, scope), "periscope", LIMITS)


@pytest.mark.parametrize("after", [(), ("a",), ("a", "b", "c")], ids=str)
def test_a_position_that_is_no_key_is_refused(after: tuple[str, ...]) -> None:
    """A position has one value per key column."""
    with pytest.raises(BadMessage):
        select(SnapshotQuery(TABLE, (TENANT,), after=after))


@pytest.mark.parametrize("name", ["", "a b", "a`b", "a.b", "1a", "a\n", "é", "a;--"])
@pytest.mark.parametrize("place", ["columns", "key", "scope", "source", "where", "filter", "database"])
def test_a_name_that_is_no_name_is_never_sent(name: str, place: str) -> None:
    """An identifier that is not a plain name stops here, should the pack's own check ever let it through."""
    value: object = {"source": name, "where": (Condition(name, "unset"),)}.get(place, (name,))
    table = TABLE if place in {"filter", "database"} else changed(**{place: value})
    filters = ((name, ("x",)),) if place == "filter" else ()
    with pytest.raises(ValueError, match="not an SQL name"):
        select_rows(SnapshotQuery(table, (TENANT,), filters), name if place == "database" else "periscope", LIMITS)


def test_columns_are_asked_for_with_bound_names_and_within_limits() -> None:
    """Neither database nor table is part of the text, and the query may cost no more than any other."""
    statement = select_columns(changed(source="it's"), "peri`scope", LIMITS)
    assert statement.sql == (
        "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {source:String}"
        " ORDER BY position"
    )
    assert statement.parameters == {"database": "peri`scope", "source": "it's"}
    assert {"max_execution_time": "2.5", "max_threads": "3", "readonly": "2"}.items() <= statement.settings.items()
