"""Where a replay begins so that what was deleted stays deleted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.gateway.changes import Change
from signalman.gateway.late import DELETE, LATE_MS, begin
from tests.unit.gateway.make import delete, table, table_changes

COMPARED = replace(table("compared", ("id", "version")), version="version", compared=True)
FINAL = replace(table("final", ("id",)), version=None, final=True)
PLAIN = replace(table("plain", ("id",)), version=None)
TABLES = {each.name: each for each in (COMPARED, FINAL, PLAIN)}
LONG_AFTER = 10 * LATE_MS


def change(seq: int, op: str, table: str = "final", key: str = "a", version: int | None = None) -> Change:
    """A change; each is published a millisecond after the one before."""
    return Change(seq, seq, table, (key,), version, op == "delete", {"id": key, "version": version})


def test_a_replay_does_not_begin_between_a_deletion_and_what_came_late() -> None:
    """It begins before the deletion, so that the client learns of it first."""
    changes = [change(3, "delete"), change(8, "upsert")]
    assert [begin(changes, TABLES, start, LONG_AFTER) for start in range(1, 10)] == [1, 2, 2, 2, 2, 2, 2, 8, 9]


def test_rows_of_their_own_do_not_matter() -> None:
    """Another row, another table, a row that may come back: nothing is late."""
    assert begin([change(3, "delete"), change(8, "upsert", key="b")], TABLES, 5, LONG_AFTER) == 5
    assert begin([change(3, "delete"), change(8, "upsert", "plain")], TABLES, 5, LONG_AFTER) == 5
    assert begin([change(3, "delete", "plain"), change(8, "upsert", "plain")], TABLES, 5, LONG_AFTER) == 5


@pytest.mark.parametrize(("version", "expected"), [(4, 2), (5, 5), (6, 5)])
def test_in_a_compared_table_only_what_is_older_is_late(version: int, expected: int) -> None:
    """A newer change brings the row back, and the one that is as new came later."""
    changes = [change(3, "delete", "compared", version=5), change(8, "upsert", "compared", version=version)]
    assert begin(changes, TABLES, 5, LONG_AFTER) == expected


def test_one_leads_to_another() -> None:
    """Where the place before a deletion lies after another one, that counts as well."""
    changes = [
        change(2, "delete", key="b"),
        change(4, "delete"),
        change(6, "upsert", key="b"),
        change(8, "upsert"),
    ]
    assert begin(changes, TABLES, 7, LONG_AFTER) == 1


def test_what_was_deleted_last_may_yet_have_late_changes() -> None:
    """What comes after the end is not known; a deletion shortly before it is not left out."""
    changes = [change(3, "delete"), change(9, "upsert", key="b")]
    assert begin(changes, TABLES, 5, 3 + LATE_MS - 1) == 2
    assert begin(changes, TABLES, 5, 3 + LATE_MS) == 5
    assert begin([change(3, "delete", "plain")], TABLES, 5, 5) == 5


OPS = st.tuples(
    st.sampled_from(["delete", "upsert"]), st.sampled_from(["compared", "final", "plain"]), st.sampled_from("ab")
)


@given(ops=st.lists(st.tuples(OPS, st.integers(1, 5)), max_size=20), start=st.integers(0, 21))
def test_no_late_change_is_without_its_deletion(ops: list[tuple[tuple[str, str, str], int]], start: int) -> None:
    """Whatever comes in whatever order: after the place found, no change comes whose deletion lies before it; and the
    place is the last such.
    """
    changes = [change(n, op, table, key, version) for n, ((op, table, key), version) in enumerate(ops, 1)]

    def good(place: int) -> bool:
        return not any(
            d.deletes
            and not c.deletes
            and (d.table, d.key) == (c.table, c.key)
            and d.seq <= place < c.seq
            and _void(d, c)
            for d in changes
            for c in changes
        )

    found = begin(changes, TABLES, start, LONG_AFTER)
    assert found == max(place for place in range(start + 1) if good(place))


def _void(deletion: Change, late: Change) -> bool:
    return deletion.table == "final" or (deletion.table == "compared" and deletion.version > late.version)


def test_deletions_are_seen_without_decoding() -> None:
    """The bytes that are looked for are those that an event with a deletion has."""
    assert DELETE in table_changes(1, delete("final", id="a"))
