"""What every store of current-state tables promises, held against each of them."""

import time
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.errors import BadMessage, SnapshotTooLarge
from signalman.gateway.pages import key_of
from signalman.ports import SnapshotQuery
from signalman.table import Condition, Table
from tests.contract.snapshot_stores import NULLS, THING, A, B, C, Row, Store, shown

NASTY = [
    "'; DROP TABLE things; --",
    "' OR '1'='1",
    '"',
    "`",
    "\\",
    "\\'",
    "\\\\n",
    "a\nb",
    "a\r\n\tb",
    "\x00",
    "\x01\x7f",
    "{scope_0:UUID}",
    "%s %(x)s",
    "['a','b']",
    "\u2028",
    "é",
    "e\u0301",
    "\U0001f600",
    " ",
    "NULL",
    "\\N",
]


def new_id() -> str:
    """A UUID that no other test uses."""
    return str(uuid.uuid4())


async def test_rows_are_json_as_documented(store: Store) -> None:
    """Every type of column comes as promised: 64-bit integers as text, times in RFC 3339 UTC whatever the column's
    zone, UUIDs as text, real booleans, lists as lists, and text unharmed.
    """
    table = await store.table()
    await store.put(table, THING)
    assert await store.rows(table) == (shown(THING, table),)


async def test_nulls_are_null(store: Store) -> None:
    """A NULL of any type is null, not a zero."""
    table = await store.table()
    await store.put(table, NULLS)
    [row] = await store.rows(table)
    assert {name for name, value in row.items() if value is None} == NULLS.keys()


async def test_columns_come_in_the_order_listed_and_no_other(store: Store) -> None:
    """Only listed columns are selected, in their order, so that what is not listed cannot leak."""
    table = await store.table(columns=("number", "status", "thing_id", "part"))
    await store.put(table, THING)
    [row] = await store.rows(table)
    assert tuple(row) == table.columns


async def test_as_of_is_the_time_of_asking(store: Store) -> None:
    """`as_of_ms` lies between the call and its return, so that a replay can start from it."""
    table = await store.table()
    before = time.time()
    read = await store.read(table)
    assert int(before * 1000) <= read.as_of_ms <= time.time() * 1000


async def test_newest_version_wins(store: Store) -> None:
    """Of the versions of a row only the newest is seen and counted, in whatever order they were written."""
    table = await store.table()
    for version in ("2", "10", "9"):
        await store.put(table, {"version": version, "status": f"v{version}"})
    assert [row["status"] for row in await store.rows(table)] == ["v10"]
    assert await store.count(table) == 1


async def test_conditions_do_not_revive_old_versions(store: Store) -> None:
    """A row that no longer meets a condition or filter is gone, although an older version of it did."""
    table = await store.table(where=(Condition("status", "equals", "live"),))
    await store.put(table, {"version": "1", "status": "live", "node_id": "old"})
    await store.put(table, {"version": "2", "status": "offline", "node_id": "old"})
    assert await store.rows(table) == ()
    await store.put(table, {"version": "3", "status": "live", "node_id": "new"})
    assert await store.rows(table, filters=(("node_id", ("old",)),)) == ()
    assert len(await store.rows(table, filters=(("node_id", ("new",)),))) == 1


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition("started_at", "unset"), {"null", "zero"}),
        (Condition("started_at", "set"), {"given"}),
        (Condition("issue", "unset"), {"null", "zero"}),
        (Condition("lost", "unset"), {"null", "zero"}),
        (Condition("seen_at", "unset"), {"zero"}),
        (Condition("updated_at", "set"), {"given", "null"}),
        (Condition("status", "equals", "live"), {"given"}),
        (Condition("status", "differs", "live"), {"null", "zero"}),
        (Condition("issue", "equals", NASTY[0]), {"given"}),
        (Condition("issue", "differs", NASTY[0]), {"null", "zero"}),
        (Condition("tracks", "equals", 2), {"given"}),
        (Condition("tracks", "differs", 2), {"null", "zero"}),
        (Condition("lost", "equals", 9007199254740993), {"given"}),
        (Condition("present", "equals", True), {"given", "null"}),
        (Condition("is_synced", "equals", True), {"given"}),
        (Condition("is_synced", "differs", True), {"null", "zero"}),
        (Condition("has_issues", "equals", True), {"given"}),
    ],
    ids=lambda value: f"{value.column}-{value.test}" if isinstance(value, Condition) else "",
)
async def test_conditions(store: Store, condition: Condition, expected: set[str]) -> None:
    """Each fixed test holds for exactly the rows it is documented for: NULL and zero are unset, and NULL differs from
    every value.
    """
    table = await store.table(where=(condition,))
    zero = "1970-01-01T00:00:00Z"
    zeros = {
        "started_at": zero,
        "seen_at": zero,
        "updated_at": "1970-01-01T00:00:00.000Z",
        "issue": "",
        "lost": "0",
        "status": "",
        "tracks": 0,
        "present": False,
        "is_synced": False,
        "has_issues": 0,
    }
    given_ = {"part": "given", "issue": NASTY[0], "is_synced": True}
    await store.put(table, given_, {**NULLS, "part": "null", "status": "off"}, {**zeros, "part": "zero"})
    assert {row["part"] for row in await store.rows(table)} == expected
    assert await store.count(table) == len(expected)


async def test_newer_than(store: Store) -> None:
    """An age is measured from now; a time that is not there is not new."""
    table = await store.table(where=(Condition("started_at", "newer_than", 60),))

    def ago(seconds: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))

    await store.put(
        table,
        {"part": "new", "started_at": ago(30)},
        {"part": "old", "started_at": ago(90)},
        {"part": "none", "started_at": None},
    )
    assert [row["part"] for row in await store.rows(table)] == ["new"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("thing_id", (THING["thing_id"],)),
        ("status", ("live", "other")),
        ("number", ("0",)),
        ("tracks", ("2",)),
        ("is_synced", ("false",)),
        ("country", ("--",)),
    ],
)
async def test_filters_take_text_for_any_column(store: Store, column: str, values: tuple[str, ...]) -> None:
    """A filter compares by text whatever the column's type; NULL and other values are left out."""
    table = await store.table()
    other = {
        "thing_id": new_id(),
        "status": "",
        "number": "7",
        "tracks": None,
        "is_synced": None,
        "country": "NL",
        "part": "other",
    }
    await store.put(table, {}, other)
    assert [row["part"] for row in await store.rows(table, filters=((column, values),))] == ["p"]
    assert await store.count(table, filters=((column, values),)) == 1
    assert await store.rows(table, filters=((column, ()),)) == ()


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
async def test_nasty_text_is_only_text(store: Store, value: str) -> None:
    """Whatever a filter's value holds, it finds the row with that very text and no other, and does nothing else."""
    table = await store.table()
    await store.put(table, {"part": value, "status": value}, {"part": "innocent"})
    filters = (("part", (value,)), ("status", (value, "x")))
    assert [row["part"] for row in await store.rows(table, filters=filters)] == [value]
    assert await store.count(table) == 2


async def test_text_that_is_no_unicode_is_refused(store: Store) -> None:
    """Half a surrogate pair, which no column can hold, is the client's mistake and not the store's failure."""
    table = await store.table()
    if isinstance(store.snapshots, MemorySnapshots):
        assert await store.rows(table, filters=(("part", ("\ud800",)),)) == ()
        return
    with pytest.raises(BadMessage):
        await store.rows(table, filters=(("part", ("\ud800",)),))


@pytest.mark.parametrize("scope", [(), ("",), (A, B), ("not-a-uuid",), ("' OR 1=1 --",)], ids=str)
async def test_scope_that_does_not_fit_reads_nothing(store: Store, scope: tuple[str, ...]) -> None:
    """A missing, empty, superfluous or malformed scope level is refused, never read as "all"."""
    table = await store.table()
    await store.put(table, THING)
    with pytest.raises(BadMessage):
        await store.snapshots.read(SnapshotQuery(table, scope))
    with pytest.raises(BadMessage):
        await store.snapshots.count(SnapshotQuery(table, scope))


async def test_scope_of_text_levels(store: Store) -> None:
    """A second level that is text is compared whole, whatever characters it has."""
    table = await store.table(scope=("tenant_id", "status"), scope_types=("uuid", "string"))
    await store.put(table, *({"part": str(n), "status": value} for n, value in enumerate(NASTY)))
    for number, value in enumerate(NASTY):
        read = await store.snapshots.read(SnapshotQuery(table, (A.upper(), value)))
        assert [row["part"] for row in read.rows] == [str(number)]


TENANT_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "tenant_id": st.sampled_from([A, B, C]),
            "thing_id": st.sampled_from([str(uuid.UUID(int=n)) for n in (1, 2, 1 << 64, 15 << 124, 1 << 127)]),
            "part": st.sampled_from(["", "a", "B", "é", "\U0001f600", "\uffff", "a\x00", "'"]),
            "number": st.integers(0, 2**64 - 1).map(str),
            "status": st.sampled_from(["live", "offline"]),
        }
    ),
    max_size=30,
)


@given(rows=TENANT_ROWS, size=st.integers(1, 7))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_a_tenant_sees_its_own_rows_page_by_page(store: Store, rows: list[Row], size: int) -> None:
    """Property: whatever rows three tenants have, each sees its own and only those; pages of any size hold every row
    exactly once in key order; and the count agrees, whatever page it was asked with.
    """
    table = await store.table(where=(Condition("status", "equals", "live"),))
    versions = [{**row, "version": str(n)} for n, row in enumerate(rows)]
    # In parts of their own, so that versions of a row really meet only in FINAL.
    await store.put(table, *versions[::2])
    await store.put(table, *versions[1::2])
    for tenant in (A, B, C):
        expected = _live_keys(versions, tenant)
        walked = await _walk(store, table, tenant, size)
        assert walked == expected
        assert await store.count(table, tenant, after=walked[0] if walked else None, limit=1) == len(expected)


def _live_keys(versions: list[dict[str, Any]], tenant: str) -> list[tuple[str, str, str]]:
    """Keys of the rows of *tenant* whose last version is live."""
    last = {(row["tenant_id"], row["thing_id"], row["part"], row["number"]): row["status"] for row in versions}
    return sorted(
        (thing, part, number)
        for (owner, thing, part, number), status in last.items()
        if (owner, status) == (tenant, "live")
    )


async def _walk(store: Store, table: Table, tenant: str, size: int) -> list[tuple[str, ...]]:
    """The keys of all pages, one after the other."""
    walked: list[tuple[str, ...]] = []
    while True:
        query = SnapshotQuery(table, (tenant,), after=walked[-1] if walked else None, limit=size)
        page = (await store.snapshots.read(query)).rows
        assert len(page) <= size
        walked += [key_of(query, row) for row in page]
        if len(page) < size:
            return walked


async def test_too_many_rows_are_refused_not_cut(store: Store) -> None:
    """A snapshot is whole or it is refused; a page of the same table is not concerned."""
    table = await store.table(max_rows=3)
    rows = [{"part": str(n)} for n in range(4)]
    await store.put(table, *rows[:3])
    assert len(await store.rows(table)) == 3
    await store.put(table, rows[3])
    with pytest.raises(SnapshotTooLarge) as raised:
        await store.read(table)
    assert (raised.value.table, raised.value.max_rows) == ("things", 3)
    assert len(await store.rows(table, limit=4)) == 4
    assert len(await store.rows(table, filters=(("part", ("1", "2")),))) == 2


async def test_a_position_that_is_no_key_is_refused(store: Store) -> None:
    """A position with too few values is refused rather than compared in part."""
    table = await store.table()
    with pytest.raises(BadMessage):
        await store.rows(table, after=("x",))


async def test_ping(store: Store) -> None:
    """`ping` returns while the store answers."""
    await store.snapshots.ping()
