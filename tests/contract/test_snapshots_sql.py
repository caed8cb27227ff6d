"""What the stores promise beyond the contract that speak SQL: a second line of defence, limits, and coming back."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signalman.backends.chdb import ChdbEngine, ChdbSnapshots, ChdbWarehouse
from signalman.backends.clickhouse import ClickHouseSnapshots, ClickHouseWarehouse
from signalman.backends.clickhouse_rows import SqlSnapshots
from signalman.backends.clickhouse_sql import Limits, Statement
from signalman.errors import BackendUnavailable, SnapshotTooLarge
from signalman.ports import SnapshotQuery
from signalman.table import Condition, Table
from tests.contract.snapshot_stores import DATABASE, THING, A, B, Embedded, Served, Store, address, shown
from tests.servers import ClickHouse, free_port


def rewrite(
    monkeypatch: pytest.MonkeyPatch, snapshots: SqlSnapshots, change: Callable[[Statement], Statement]
) -> list[Statement]:
    """Let *snapshots* run what *change* makes of each statement; the list gets what was run."""
    run, seen = snapshots._run, []

    async def changed(statement: Statement) -> bytes:
        seen.append(change(statement))
        return await run(seen[-1])

    monkeypatch.setattr(snapshots, "_run", changed)
    return seen


async def test_the_scope_setting_alone_suffices(sql_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the scope taken out of the WHERE clause, rows of others still do not come, nor are they counted."""
    table = await sql_store.table()
    await sql_store.put(table, {"part": "mine"}, {"part": "theirs", "tenant_id": B})

    def without_scope(statement: Statement) -> Statement:
        assert "`tenant_id` = {scope_0:UUID}" in statement.sql
        return replace(statement, sql=statement.sql.replace("`tenant_id` = {scope_0:UUID}", "true"))

    seen = rewrite(monkeypatch, sql_store.sql, without_scope)
    assert [row["part"] for row in await sql_store.rows(table)] == ["mine"]
    assert await sql_store.count(table) == 1
    assert len(seen) == 2

    monkeypatch.undo()
    rewrite(monkeypatch, sql_store.sql, lambda s: replace(without_scope(s), settings={}))
    assert await sql_store.count(table) == 2, "without both, the rewritten statement would have shown them"


async def test_the_scope_setting_takes_any_text(sql_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is an SQL expression: a text level cannot break out of it."""
    table = await sql_store.table(scope=("tenant_id", "status"), scope_types=("uuid", "string"))
    hostile = "') OR (1 = 1 OR '' = '"
    await sql_store.put(table, {"part": "mine", "status": hostile}, {"part": "theirs", "status": "x"})
    where = "`tenant_id` = {scope_0:UUID} AND `status` = {scope_1:String}"
    rewrite(monkeypatch, sql_store.sql, lambda s: replace(s, sql=s.sql.replace(where, "true")))
    read = await sql_store.snapshots.read(SnapshotQuery(table, (A, hostile)))
    assert [row["part"] for row in read.rows] == ["mine"]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
async def test_times_do_not_depend_on_the_zone(sql_store: Store, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """A server in any time zone gives the same rows, and ages and unset times are understood."""
    table = await sql_store.table(
        where=(Condition("started_at", "set"), Condition("tokyo_at", "newer_than", 365 * 86400 * 10))
    )
    await sql_store.put(table, THING, {"part": "unset", "started_at": "1970-01-01T00:00:00Z"})
    rewrite(monkeypatch, sql_store.sql, lambda s: replace(s, settings={**s.settings, "session_timezone": zone}))
    assert await sql_store.rows(table) == (shown(THING, table),)


async def test_numbers_that_json_has_not_are_null(sql_store: Store) -> None:
    """NaN and infinity come as null, which every JSON reader takes."""
    table = await sql_store.table(columns=("thing_id", "part", "number", "latitude", "fps", "score"))
    await _insert_select(sql_store, table, latitude="nan", fps="inf", score="-inf")
    [row] = await sql_store.rows(table)
    assert (row["latitude"], row["fps"], row["score"]) == (None, None, None)


async def test_bytes_that_are_no_text_do_not_break_the_answer(sql_store: Store) -> None:
    """A String column with arbitrary bytes gives text with replacement characters."""
    table = await sql_store.table(columns=("thing_id", "part", "number", "issue"))
    await _insert_select(sql_store, table, issue="unhex('ff41')")
    [row] = await sql_store.rows(table)
    assert row["issue"] == "\ufffdA"


async def _insert_select(store: Store, table: Table, **values: str) -> None:
    assert isinstance(store.backend, Embedded | Served)
    names = ", ".join(("tenant_id", *values))
    await store.backend._run(
        f"INSERT INTO {DATABASE}.{table.source} ({names}) SELECT toUUID('{A}'), {', '.join(values.values())}"
    )


async def test_aggregating_tables(sql_store: Store) -> None:
    """FINAL merges the rows of an AggregatingMergeTree: the first connect, the last disconnect, the largest count."""
    table = await sql_store.table(
        source="sessions",
        key=("session_id",),
        columns=("session_id", "connected_at", "disconnected_at", "bytes"),
        where=(Condition("disconnected_at", "unset"),),
    )
    assert isinstance(sql_store.backend, Embedded | Served)
    await sql_store.backend._run(f"DROP TABLE IF EXISTS {DATABASE}.sessions")
    await sql_store.backend.create(
        "sessions",
        "(tenant_id UUID, session_id String, connected_at SimpleAggregateFunction(min, Nullable(DateTime)), "
        "disconnected_at SimpleAggregateFunction(max, Nullable(DateTime)), "
        "bytes SimpleAggregateFunction(max, UInt64)) ENGINE = AggregatingMergeTree ORDER BY (tenant_id, session_id)",
    )
    start, end = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
    for session, times in (("open", (start, None)), ("closed", (start, None)), ("closed", (None, end))):
        row = {"tenant_id": A, "session_id": session, "connected_at": times[0], "disconnected_at": times[1]}
        await sql_store.backend.put(table, [{**row, "bytes": "7"}])
    expected = {"session_id": "open", "connected_at": start, "disconnected_at": None, "bytes": "7"}
    assert await sql_store.rows(table) == (expected,)
    assert await sql_store.count(table) == 1


async def test_a_slow_query_is_given_up(sql_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself stops a query at the limit of seconds, also of half a second."""
    table = await sql_store.table()
    sql_store.sql._limits = Limits(seconds=0.5)
    rewrite(monkeypatch, sql_store.sql, lambda s: replace(s, sql="SELECT sleepEachRow(0.3) FROM numbers(10)"))
    began = time.monotonic()
    with pytest.raises(BackendUnavailable, match="TIMEOUT_EXCEEDED"):
        await sql_store.read(table)
    assert time.monotonic() - began < 2.5


async def test_a_statement_without_its_limit_is_stopped(sql_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of rows is also a setting: a statement that lost its LIMIT is refused as too large."""
    table = await sql_store.table(max_rows=2)
    await sql_store.put(table, *({"part": str(n)} for n in range(9)))
    rewrite(monkeypatch, sql_store.sql, lambda s: replace(s, sql=s.sql.replace(" LIMIT {limit:UInt64}", "")))
    with pytest.raises(SnapshotTooLarge):
        await sql_store.read(table)


async def test_reading_cannot_write(sql_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the statement, it is run read-only."""
    table = await sql_store.table()
    await sql_store.put(table, THING)
    rewrite(
        monkeypatch, sql_store.sql, lambda s: replace(s, sql=f"ALTER TABLE {DATABASE}.{table.source} DELETE WHERE 1")
    )
    with pytest.raises(BackendUnavailable):
        await sql_store.read(table)
    monkeypatch.undo()
    assert len(await sql_store.rows(table)) == 1


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"source": "nowhere"}, "UNKNOWN_TABLE"),
        ({"columns": ("thing_id", "absent")}, "UNKNOWN_IDENTIFIER"),
        ({"scope": ("part",)}, "type than the pack says"),
    ],
    ids=["table", "column", "type"],
)
async def test_a_pack_that_does_not_fit_says_what(sql_store: Store, changes: dict[str, Any], detail: str) -> None:
    """A refusal names its cause in words of ours, without the statement or its values."""
    table = await sql_store.table(**changes)
    with pytest.raises(BackendUnavailable, match=detail) as raised:
        await sql_store.read(table)
    assert A not in str(raised.value) + str(raised.value.__cause__)


async def test_many_at_once(sql_store: Store) -> None:
    """Queries that run at the same time each get their own answer."""
    table = await sql_store.table()
    await sql_store.put(table, *({"part": str(n)} for n in range(20)))
    answers = await asyncio.gather(*(sql_store.rows(table, filters=(("part", (str(n),)),)) for n in range(20)))
    assert [[row["part"] for row in rows] for rows in answers] == [[str(n)] for n in range(20)]


async def test_thousands_of_rows_come_whole(sql_store: Store) -> None:
    """An answer of many blocks is one answer, in order."""
    table = await sql_store.table(max_rows=20_000, columns=("thing_id", "part", "number"))
    await sql_store.put(table, *({"part": str(n)} for n in range(9001)))
    rows = await sql_store.rows(table)
    assert [row["part"] for row in rows] == sorted(str(n) for n in range(9001))


async def test_warehouses_write_what_is_read(engine: ChdbEngine, clickhouse: ClickHouse) -> None:
    """Both warehouses make their database, run statements in it, and insert Python values; both stores read the same
    rows back.
    """
    server = address(clickhouse, database="warehouse")
    table = Table(
        name="t",
        title="",
        source="t",
        scope=("tenant_id",),
        scope_types=("uuid",),
        key=("k",),
        columns=("k", "n"),
        version=None,
        where=(),
        max_rows=10,
    )
    read = []
    async with ClickHouseWarehouse(server) as served, ClickHouseSnapshots(server) as snapshots:
        embedded = ChdbWarehouse(engine, database="warehouse")
        for warehouse, store in ((served, snapshots), (embedded, ChdbSnapshots(engine, database="warehouse"))):
            await warehouse.execute(
                "CREATE TABLE t (tenant_id UUID, k String, n Nullable(UInt64)) "
                "ENGINE = ReplacingMergeTree ORDER BY (tenant_id, k)"
            )
            await warehouse.insert("t", ("tenant_id", "k", "n"), [(A, "a'b", 2**64 - 1), (A, "c", None)])
            read.append((await store.read(SnapshotQuery(table, (A,)))).rows)
            with pytest.raises(BackendUnavailable):
                await warehouse.execute("NONSENSE")
    assert read[0] == read[1] == ({"k": "a'b", "n": str(2**64 - 1)}, {"k": "c", "n": None})


async def test_server_away_at_start_is_no_hindrance(tmp_path: Path) -> None:
    """A store is made while nothing listens, says so when asked, and works once the server is there."""
    server = ClickHouse(tmp_path, port=free_port())
    async with ClickHouseSnapshots(address(server)) as snapshots:
        with pytest.raises(BackendUnavailable, match="clickhouse"):
            await snapshots.ping()
        with server:
            await snapshots.ping()


async def test_server_away_and_back(clickhouse: ClickHouse, clickhouse_store: Store) -> None:
    """A store that has lost its server says so within the time allowed, and goes on by itself when it is back."""
    store = clickhouse_store
    table = await store.table()
    await store.put(table, THING)
    assert len(await store.rows(table)) == 1
    clickhouse.stop()
    try:
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(BackendUnavailable, match="the connection failed"):
                await store.read(table)
        with pytest.raises(BackendUnavailable):
            await store.count(table)
        assert time.monotonic() - began < 5
    finally:
        clickhouse.start()
    assert len(await store.rows(table)) == 1


async def test_server_restarted_unnoticed(clickhouse: ClickHouse, clickhouse_store: Store) -> None:
    """The first query after a restart succeeds although the kept connection is dead."""
    table = await clickhouse_store.table()
    assert await clickhouse_store.rows(table) == ()
    clickhouse.restart()
    assert await clickhouse_store.rows(table) == ()


async def test_hanging_server(clickhouse: ClickHouse) -> None:
    """A server that takes connections and never answers costs the limit of seconds and one more, also for those that
    wait for the first connection.
    """
    async with ClickHouseSnapshots(address(clickhouse), limits=Limits(seconds=0.5)) as snapshots:
        clickhouse.pause()
        try:
            began = time.monotonic()
            results = await asyncio.gather(*(snapshots.ping() for _ in range(5)), return_exceptions=True)
            took = time.monotonic() - began
        finally:
            clickhouse.resume()
        assert [str(result) for result in results] == ["clickhouse: no answer in time"] * 5
        assert took < 3
        await snapshots.ping()


async def test_wrong_password(clickhouse: ClickHouse, caplog: pytest.LogCaptureFixture) -> None:
    """A refused login says so; neither the error nor the log holds the password."""
    secret = "hunter2-very-secret"
    with caplog.at_level(logging.DEBUG):
        async with ClickHouseSnapshots(address(clickhouse, password=secret)) as snapshots:
            with pytest.raises(BackendUnavailable, match="user or password is wrong") as raised:
                await snapshots.ping()
    told = f"{raised.value!r} {raised.value.__cause__!r} {caplog.text} {address(clickhouse, password=secret)!r}"
    assert secret not in told
