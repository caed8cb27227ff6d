"""What every store tells about the columns that its tables have."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from signalman.backends.chdb import ChdbEngine, ChdbSnapshots, ChdbWarehouse
from signalman.backends.clickhouse import ClickHouseSnapshots
from signalman.catalog import default_folder, load
from signalman.errors import BackendUnavailable
from signalman.gateway.fit import Fit, fit
from signalman.ports import Snapshots
from signalman.simulate.warehouse import schema
from signalman.table import Table
from tests.contract.snapshot_stores import COLUMNS, DATABASE, Store, address, things
from tests.servers import ClickHouse, free_port


async def test_columns_have_their_types(store: Store) -> None:
    """Each column, listed or not, with its type as ClickHouse writes it: wrappers, zones and sizes included."""
    table = await store.table()
    assert await store.snapshots.columns(table) == COLUMNS


async def test_a_table_that_is_not_there_has_none(store: Store) -> None:
    """Which is another thing than a table without the wanted columns."""
    assert await store.snapshots.columns(things("things_that_never_were")) is None


@pytest.mark.parametrize("source", ["things' OR '1'='1", "things`", "%", "things\\"])
async def test_a_name_is_a_value(store: Store, source: str) -> None:
    """It is compared, and no part of the question."""
    await store.table()
    assert await store.snapshots.columns(things(source)) is None


async def test_what_changes_is_seen(store: Store) -> None:
    """A column that goes, one that has another name, and a table that goes and comes: the next answer has it."""
    table = await store.table()
    without = {name: type_ for name, type_ in COLUMNS.items() if name != "secret"}
    await store.backend.alter("ALTER TABLE {table} DROP COLUMN secret", table.source, without)
    assert await store.snapshots.columns(table) == without
    renamed = {("renamed" if name == "metadata" else name): type_ for name, type_ in without.items()}
    await store.backend.alter("ALTER TABLE {table} RENAME COLUMN metadata TO renamed", table.source, renamed)
    assert await store.snapshots.columns(table) == renamed
    await store.backend.alter("DROP TABLE {table}", table.source, None)
    assert await store.snapshots.columns(table) is None


async def test_another_database_is_not_looked_at(sql_store: Store) -> None:
    """Tables of the same name there may be older ones, or somebody else's."""
    table = await sql_store.table()
    await sql_store.backend.alter("CREATE DATABASE IF NOT EXISTS elsewhere", table.source, COLUMNS)
    await sql_store.backend.alter("RENAME TABLE {table} TO elsewhere." + table.source, table.source, None)
    assert await sql_store.snapshots.columns(table) is None


async def faults(store: Snapshots) -> Mapping[str, Fit]:
    """What there is to say about the platform's tables in *store*."""
    pack = load(default_folder("frameworks"))
    return {
        table.name: fit(channel, table, await store.columns(table))
        for channel in pack.channels.values()
        for table in channel.tables.values()
    }


async def test_the_platforms_tables_on_a_server_are_sound(clickhouse: ClickHouse) -> None:
    """All of them, as the platform makes them, without a fault and without a warning."""
    for statement in schema():
        await asyncio.to_thread(clickhouse.run_sql, statement)
    async with ClickHouseSnapshots(replace(address(clickhouse), database=clickhouse.database)) as snapshots:
        found = await faults(snapshots)
    assert len(found) == 6
    assert set(found.values()) == {Fit()}


async def test_the_platforms_tables_in_the_engine_are_sound(engine: ChdbEngine) -> None:
    """So `signalman dev` has nothing to complain about."""
    warehouse = ChdbWarehouse(engine, database="platform")
    for statement in schema():
        await warehouse.execute(statement)
    found = await faults(ChdbSnapshots(engine, database="platform"))
    assert set(found.values()) == {Fit()}
    missing = await faults(ChdbSnapshots(engine, database=f"not_{DATABASE}"))
    assert all(each.faults for each in missing.values())


async def test_a_server_that_is_away_is_not_a_missing_table(clickhouse: ClickHouse) -> None:
    """Else every channel would be called faulty while ClickHouse restarts."""
    async with ClickHouseSnapshots(replace(address(clickhouse), port=free_port())) as snapshots:
        with pytest.raises(BackendUnavailable):
            await snapshots.columns(things("things"))


async def test_memory_is_away_as_well(memory_store: Store) -> None:
    """The stand-in behaves as the server does."""
    table: Table = await memory_store.table()
    memory_store.snapshots.available = False  # type: ignore[attr-defined] # of the one in memory
    with pytest.raises(BackendUnavailable):
        await memory_store.snapshots.columns(table)
