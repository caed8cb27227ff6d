"""How far the store is behind, from what it lacks, and how much is replayed for that."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.event import Json
from signalman.gateway.changes import Change
from signalman.gateway.lag import INTERVAL, MEMORY, Windows, measured_lag
from signalman.table import Table
from tests.unit.gateway.make import table

COMPARED = replace(table("t", ("id", "version")), version="version", compared=True)
FINAL = replace(table("t", ("id",)), version=None, final=True)
PLAIN = replace(table("t", ("id",)), version=None)
AS_OF = 10_000


def up(ms: int, key: str = "a", version: int | None = None) -> Change:
    """A change published at *ms*."""
    return Change(ms, ms, "t", (key,), version, False, {"id": key, "version": version})


def gone(ms: int, key: str = "a", version: int | None = None) -> Change:
    """A deletion published at *ms*."""
    return Change(ms, ms, "t", (key,), version, True, {"id": key, "version": version})


def lag(table: Table, rows: list[Mapping[str, Json]], *changes: Change) -> int | None:
    """What is measured when every row lasts."""
    return measured_lag(table, rows, changes, AS_OF, lambda _: True)


def test_without_changes_nothing_is_known() -> None:
    """No change before the rows were read, no measurement; one that is there already tells that nothing is missing."""
    assert lag(PLAIN, [{"id": "a"}]) is None
    assert lag(PLAIN, [], up(AS_OF + 1)) is None
    assert lag(PLAIN, [{"id": "a"}], up(9_000)) == 0


def test_a_row_that_is_not_there_had_not_arrived() -> None:
    """The store was behind by the age of the first change that it lacks."""
    assert lag(PLAIN, [], up(7_000), up(9_000)) == 3_000
    assert lag(PLAIN, [{"id": "b"}], up(7_000), up(6_000, "b"), up(9_500, "c")) == 3_000


def test_a_row_that_was_deleted_again_is_rightly_not_there() -> None:
    """Also by a deletion that was published after the rows were asked for and arrived at once."""
    assert lag(PLAIN, [], up(7_000), gone(8_000)) == 0
    assert lag(PLAIN, [], up(7_000), gone(AS_OF + 5)) == 0
    assert lag(PLAIN, [], gone(7_000), up(8_000)) == 2_000


def test_a_row_whose_deletion_had_not_arrived() -> None:
    """It is still there."""
    assert lag(PLAIN, [{"id": "a"}], up(6_000), gone(7_000)) == 3_000
    assert lag(PLAIN, [{"id": "a"}], gone(7_000), up(8_000)) == 0


def test_a_compared_row_tells_how_new_it_is() -> None:
    """The first change that is newer than the row had not arrived; a deletion counts like any other."""
    assert (
        lag(COMPARED, [{"id": "a", "version": 5}], up(6_000, version=5), up(7_000, version=6), up(8_000, version=7))
        == 3_000
    )
    assert lag(COMPARED, [{"id": "a", "version": 7}], up(7_000, version=6), up(8_000, version=7)) == 0
    assert lag(COMPARED, [{"id": "a", "version": 5}], gone(7_000, version=6)) == 3_000
    assert lag(COMPARED, [{"id": "a", "version": 7}], gone(7_000, version=6)) == 0


def test_what_came_late_is_not_missing() -> None:
    """A change that a deletion had made void before it came is in no store."""
    assert lag(FINAL, [], gone(7_000), up(8_000)) == 0
    assert lag(COMPARED, [], gone(7_000, version=6), up(8_000, version=5)) == 0
    assert lag(COMPARED, [], gone(7_000, version=6), up(8_000, version=7)) == 2_000


def test_a_row_that_time_took_away_is_not_missing() -> None:
    """The store may have it, and it is not shown."""
    assert measured_lag(PLAIN, [], [up(7_000)], AS_OF, lambda _: False) == 0


OPS = st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), min_size=1, max_size=12)


@given(ops=OPS, arrived=st.integers(0, 12), table=st.sampled_from([COMPARED, FINAL, PLAIN]))
def test_no_more_is_measured_than_is_true(ops: list[tuple[str, bool]], arrived: int, table: Table) -> None:
    """Whatever the store has of the log, the lag measured is never more than the age of the first change it lacks."""
    changes = [(gone if deletes else up)(n * 100, key, n) for n, (key, deletes) in enumerate(ops, 1)]
    rows: dict[str, Mapping[str, Json]] = {}
    dead: set[str] = set()
    for each in changes[:arrived]:
        (key,) = each.key
        if each.deletes:
            rows.pop(key, None)
            dead.add(key)
        elif not (table.final and key in dead):
            rows[key] = each.row
    found = measured_lag(table, rows.values(), changes, AS_OF, lambda _: True)
    true = AS_OF - changes[arrived].ms if arrived < len(changes) else 0
    assert found is not None
    assert 0 <= found <= true


def test_the_window_is_twice_the_lag_and_a_query() -> None:
    """At least the floor, at most what is kept; each table has its own."""
    windows = Windows(floor_ms=30_000, most_ms=110_000)
    assert windows.window_ms("t", 0.0) == 30_000
    windows.measured("t", 20_000, 0.0)
    windows.queried("t", 1_500, 0.0)
    assert (windows.window_ms("t", 1.0), windows.window_ms("u", 1.0)) == (41_500, 30_000)
    windows.measured("t", 80_000, 2.0)
    assert windows.window_ms("t", 2.0) == 110_000


def test_the_largest_measurement_counts_for_a_while() -> None:
    """A good moment does not make a slow store forgotten; ten minutes do."""
    windows = Windows(floor_ms=0, most_ms=110_000)
    for now, lag_ms in ((0.0, 9_000), (10.0, 2_000), (20.0, 4_000), (30.0, None)):
        windows.measured("t", lag_ms, now)
    assert windows.lag_ms("t", MEMORY) == 9_000
    assert windows.lag_ms("t", MEMORY + 1) == 4_000
    assert windows.lag_ms("t", MEMORY + 21) is None


@pytest.mark.parametrize("measured", [0, None])
def test_a_table_is_measured_now_and_then(measured: int | None) -> None:
    """Not at every join, whether the last measurement told something or not."""
    windows = Windows(floor_ms=0, most_ms=1)
    assert windows.is_due("t", 0.0)
    windows.measured("t", measured, 0.0)
    assert not windows.is_due("t", INTERVAL - 0.1)
    assert windows.is_due("t", INTERVAL)
    assert windows.is_due("u", 0.0)
