"""Tables whose rows are known by pseudonyms, and other operators over rows."""

import asyncio
import base64
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.channel import Channel
from signalman.errors import SnapshotTooLarge
from signalman.event import Event
from signalman.fields import Redaction
from signalman.gateway.pages import decode_cursor, encode_cursor
from signalman.gateway.snapshots import SharedSnapshots
from signalman.metrics import Metrics
from signalman.ports import SnapshotQuery
from signalman.redaction import Pseudonyms
from signalman.relay.rows import Rows
from signalman.table import RowChange, Setting, Source, Table
from tests.unit.relay.make import TIME, catalog, event_type

PSEUDONYMS = Pseudonyms(b"a key of the tests")
TABLE = Table(
    name="viewers",
    title="Viewers",
    source="viewer_sessions_current",
    scope=("tenant_id",),
    scope_types=("string",),
    key=("node_id", "session_id"),
    columns=("node_id", "session_id", "ip", "lat", "lon", "note"),
    version=None,
    where=(),
    max_rows=100,
    redact=(
        Redaction("session_id", "hash"),
        Redaction("ip", "mask"),
        Redaction("lat", "centroid", longitude="lon"),
        Redaction("note", "url"),
    ),
)
QUERY = SnapshotQuery(TABLE, ("t1",))


def row(session: str, **others: Any) -> dict[str, Any]:
    """A viewer of tenant t1, as the store has it."""
    values = {"tenant_id": "t1", "node_id": "n", "ip": "203.0.113.9", "lat": 52.09, "lon": 5.1, "note": None}
    return {**values, "session_id": session, **others}


def store(*sessions: str) -> MemorySnapshots:
    """A store with these."""
    snapshots = MemorySnapshots(clock=lambda: 0.0)
    for session in sessions:
        snapshots.put(TABLE, row(session))
    return snapshots


def shared(snapshots: MemorySnapshots) -> SharedSnapshots:
    """What clients read from."""
    return SharedSnapshots(snapshots, Metrics(), pseudonyms=PSEUDONYMS)


def name(session: str, tenant: str = "t1") -> str:
    """What a session is known by."""
    return PSEUDONYMS.of(session, (tenant,))


async def test_rows_are_redacted_like_events() -> None:
    """Operators first, then the net, past which go only what is masked or hashed."""
    snapshots = store("raw-1")
    snapshots.put(TABLE, row("raw-2", ip="edge.example", lat=None, note="https://u@h/to/203.0.113.9?x"))
    rows = {each["session_id"]: each for each in (await shared(snapshots).read(QUERY)).rows}
    assert rows == {
        name("raw-1"): {
            "node_id": "n",
            "session_id": name("raw-1"),
            "ip": "203.0.113.0/24",
            "lat": 52.103693,
            "lon": 5.153826,
            "note": None,
        },
        name("raw-2"): {"node_id": "n", "session_id": name("raw-2")},
    }


@given(
    sessions=st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), max_size=12),
    size=st.integers(1, 5),
)
async def test_pages_have_each_row_once(sessions: set[str], size: int) -> None:
    """Property: page by page, by cursors, all rows come once, in the order of what they show; the pages say nothing of
    the key in the store, and neither does what the store is asked.
    """
    snapshots = shared(store(*sessions))
    seen: list[tuple[str, str]] = []
    after: tuple[str, ...] | None = None
    while len(seen) <= len(sessions):
        rows = (await snapshots.read(replace(QUERY, limit=size, after=after))).rows
        seen += [(each["node_id"], each["session_id"]) for each in rows]
        if len(rows) < size:
            break
        after = decode_cursor(QUERY, encode_cursor(QUERY, rows[-1]))
    assert seen == sorted(("n", name(session)) for session in sessions)
    assert await snapshots.count(QUERY) == len(sessions)


async def test_no_raw_key_in_rows_or_cursors() -> None:
    """A cursor is no way round the hash."""
    snapshots = shared(store(*(f"raw-{number}" for number in range(9))))
    rows = (await snapshots.read(replace(QUERY, limit=4))).rows
    cursor = encode_cursor(QUERY, rows[-1])
    content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"raw-" not in orjson.dumps(rows) + content
    assert rows[-1]["session_id"].encode() in content


@pytest.mark.parametrize("after", [("n", "raw-3"), ("n", ""), ("n", "zzz"), ("m", "raw-3")])
async def test_a_cursor_made_by_hand_tells_nothing_of_raw_keys(after: tuple[str, str]) -> None:
    """It is compared with what rows show: which rows come does not depend on where the raw key lies."""
    rows = (await shared(store("raw-1", "raw-5")).read(replace(QUERY, after=after))).rows
    expected = sorted(each for each in (name("raw-1"), name("raw-5")) if ("n", each) > after)
    assert [each["session_id"] for each in rows] == expected


async def test_pages_share_one_reading() -> None:
    """All pages that are asked for within a second are cut from the same rows."""
    snapshots = store("raw-1", "raw-2", "raw-3")
    pages = [replace(QUERY, limit=size) for size in (1, 2, 3)]
    many = shared(snapshots)
    reads = await asyncio.gather(*(many.read(page) for page in pages), many.read(QUERY))
    assert [len(each.rows) for each in reads] == [1, 2, 3, 3]
    assert snapshots.reads == 1


async def test_many_at_once_wait_for_few_places() -> None:
    """Pages of more tenants than the store has places for do not wait for one another for ever."""
    many = SharedSnapshots(store(), Metrics(), concurrency=1, pseudonyms=PSEUDONYMS)
    queries = [SnapshotQuery(TABLE, (f"t{number}",), limit=1) for number in range(5)]
    reads = await asyncio.wait_for(asyncio.gather(*map(many.read, queries)), 10)
    assert [each.rows for each in reads] == [()] * 5


async def test_too_many_rows_are_refused() -> None:
    """A table that must be read as a whole has the bound of the whole, whatever the page."""
    snapshots = store("raw-1", "raw-2", "raw-3")
    with pytest.raises(SnapshotTooLarge):
        await shared(snapshots).read(replace(QUERY, table=replace(TABLE, max_rows=2), limit=1))


async def test_tenants_cannot_compare() -> None:
    """The same session of two tenants is two, and each has its own."""
    snapshots = store("raw-1")
    snapshots.put(TABLE, row("raw-1", tenant_id="t2"))
    (one,) = (await shared(snapshots).read(QUERY)).rows
    (other,) = (await shared(snapshots).read(replace(QUERY, scope=("t2",)))).rows
    assert (one["session_id"], other["session_id"]) == (name("raw-1"), name("raw-1", "t2"))
    assert name("raw-1") != name("raw-1", "t2")


async def test_a_row_whose_key_cannot_be_hashed_is_left_out() -> None:
    """Nobody could tell which row it is."""
    snapshots = store("raw-1", "raw-2")
    snapshots._rows[TABLE.source]["t1", "n", "raw-2"]["session_id"] = {"id": "raw-2"}
    assert len((await shared(snapshots).read(QUERY)).rows) == 1


async def test_a_row_change_finds_its_row() -> None:
    """What the relay makes of an event and what the gateway makes of the stored row have the very same key."""
    columns = tuple(
        Setting(column, "text", nullable=False, sources=(Source(path=column),))
        for column in ("node_id", "session_id", "ip")
    )
    kind = event_type("viewer", {"node_id": None}, rows=(RowChange("viewers", "upsert", columns=columns),))
    pack = catalog(Channel("viewers", "", "", frozenset(), {kind.name: kind}, {}, {TABLE.name: TABLE}))
    data = {"node_id": "n", "session_id": "raw-1", "ip": "203.0.113.9"}
    event = Event(id="e", type=kind.name, time=TIME, source="s", scope=("t1",), channel="viewers", data=data)
    (change,) = Rows(pack, pseudonyms=PSEUDONYMS).changes(event).rows
    (read,) = (await shared(store("raw-1")).read(QUERY)).rows
    assert change["row"] == {column: read[column] for column in change["row"]}
    assert change["row"]["session_id"] == name("raw-1")
