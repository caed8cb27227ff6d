"""clickhouse-connect's real asynchronous client against the tests' ClickHouse."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import clickhouse_connect
import orjson
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.query import QueryResult

from tests.servers import ClickHouse

MINE = uuid.UUID("11111111-1111-4111-8111-111111111111")
THEIRS = uuid.UUID("22222222-2222-4222-8222-222222222222")
NASTY = 'it\'s \\ a "test"; -- DROP TABLE {x:String} \n\t\0 ü 🚦 `%s` \\N \\t'


async def connect(server: ClickHouse, **options: Any) -> AsyncClient:
    """Connect with the server's own user, unless *options* say otherwise."""
    login = {"username": server.user, "password": server.password, "database": server.database}
    return await clickhouse_connect.get_async_client(
        host=server.host, port=server.port, **{"autogenerate_session_id": False, **login, **options}
    )


def first(result: QueryResult) -> Sequence[Any]:
    """Return the first row, which has to be there."""
    row = result.first_row
    assert row is not None
    return row


@pytest.fixture(params=[True, "gzip", False], ids=["lz4", "gzip", "plain"])
async def client(clickhouse: ClickHouse, request: pytest.FixtureRequest) -> AsyncIterator[AsyncClient]:
    """A client that packs what it sends and asks for packed answers, and one that does not."""
    client = await connect(clickhouse, compress=request.param)
    yield client
    await client.close()


@pytest.fixture
async def table(client: AsyncClient) -> AsyncIterator[str]:
    """A table of current state with rows of two tenants, one of them in two versions."""
    name = f"streams_{uuid.uuid4().hex[:8]}"
    await client.command(f"""
        CREATE TABLE {name} (
            tenant_id UUID, name String, viewers UInt64, kind LowCardinality(String), note Nullable(String),
            seen DateTime64(3, 'UTC'), tags JSON
        ) ENGINE = ReplacingMergeTree(viewers) ORDER BY (tenant_id, name)
    """)
    columns = ["tenant_id", "name", "viewers", "kind", "note"]
    await client.insert(name, [[MINE, "a", 1, "live", None], [THEIRS, "b", 7, "vod", "x"]], column_names=columns)
    # In a part of its own, so that FINAL has something to do.
    await client.insert(name, [[MINE, "a", 2, "live", "newer"], [MINE, NASTY, 3, "live", NASTY]], column_names=columns)
    yield name
    await client.command(f"DROP TABLE {name}")


async def test_ping(client: AsyncClient) -> None:
    """The front answers the client's ping."""
    assert await client.ping()


async def test_final_gives_the_newest_version(client: AsyncClient, table: str) -> None:
    """Inserted rows come back in Native format with their Python types; FINAL leaves one version of each."""
    result = await client.query(f"SELECT tenant_id, name, viewers, kind, note FROM {table} FINAL ORDER BY viewers")
    assert result.result_rows == [
        (MINE, "a", 2, "live", "newer"),
        (MINE, NASTY, 3, "live", NASTY),
        (THEIRS, "b", 7, "vod", "x"),
    ]
    assert first(await client.query(f"SELECT count() FROM {table}")) == (4,)


async def test_parameters_are_bound_by_the_server(client: AsyncClient, table: str) -> None:
    """Typed parameters reach the server as values whatever is in them, also in lists, also by the thousand."""
    sql = f"SELECT name FROM {table} FINAL WHERE tenant_id = {{t:UUID}} AND name IN {{names:Array(String)}}"
    result = await client.query(sql, parameters={"t": MINE, "names": [NASTY, "b"]})
    assert result.result_rows == [(NASTY,)]
    many = [f"{NASTY}{number}" for number in range(5_000)]
    result = await client.query(sql, parameters={"t": MINE, "names": [*many, NASTY]})
    assert result.result_rows == [(NASTY,)]
    echo = await client.query("SELECT {s:String}, {n:UInt64}", parameters={"s": NASTY, "n": 2**64 - 1})
    assert first(echo) == (NASTY, 2**64 - 1)


async def test_a_parameter_of_the_wrong_type_is_refused(client: AsyncClient, table: str) -> None:
    """What is no UUID never becomes part of a query."""
    with pytest.raises(DatabaseError, match="CANNOT_PARSE_UUID") as caught:
        await client.raw_query(f"SELECT * FROM {table} WHERE tenant_id = {{t:UUID}}", parameters={"t": "' OR 1 = 1 --"})
    assert caught.value.code == 376


async def test_raw_query_gives_json_lines(client: AsyncClient, table: str) -> None:
    """JSONEachRow comes as a server writes it, with the settings of the query applied."""
    answer = await client.raw_query(
        f"SELECT tenant_id, viewers, note FROM {table} FINAL WHERE tenant_id = {{t:UUID}} ORDER BY viewers",
        parameters={"t": str(MINE)},
        fmt="JSONEachRow",
        settings={"output_format_json_quote_64bit_integers": 1},
    )
    assert [orjson.loads(line) for line in answer.splitlines()] == [
        {"tenant_id": str(MINE), "viewers": "2", "note": "newer"},
        {"tenant_id": str(MINE), "viewers": "3", "note": NASTY},
    ]


async def test_a_query_without_rows(client: AsyncClient, table: str) -> None:
    """No rows is an empty answer in each format."""
    sql = f"SELECT name, seen FROM {table} WHERE name = 'nobody'"
    assert (await client.query(sql)).result_rows == []
    assert await client.raw_query(sql, fmt="JSONEachRow") == b""
    assert await client.command(sql) == ""


async def test_additional_table_filters_restrict_rows(client: AsyncClient, clickhouse: ClickHouse, table: str) -> None:
    """The setting, a map, takes effect in every query form, and only in the query that it came with."""
    # As ClickHouse writes a map: with single quotes only, and those inside escaped.
    settings = {
        "additional_table_filters": f"{{'{clickhouse.database}.{table}': 'tenant_id = toUUID(\\'{THEIRS}\\')'}}"
    }
    sql = f"SELECT name FROM {table} FINAL ORDER BY name"
    assert (await client.query(sql, settings=settings)).result_rows == [("b",)]
    assert await client.raw_query(sql, settings=settings, fmt="JSONEachRow") == b'{"name":"b"}\n'
    assert await client.command(f"SELECT count() FROM {table} FINAL", settings=settings) == 1
    assert len((await client.query(sql)).result_rows) == 3


async def test_limits_are_kept(client: AsyncClient, table: str) -> None:
    """Too many rows are an error, not a shorter answer; and a query that takes too long is ended."""
    limits = {"max_result_rows": 1, "result_overflow_mode": "throw", "max_execution_time": 10}
    with pytest.raises(DatabaseError, match="TOO_MANY_ROWS") as caught:
        await client.query(f"SELECT * FROM {table}", settings=limits)
    assert caught.value.code == 396
    assert (await client.query(f"SELECT name FROM {table} LIMIT 1", settings=limits)).row_count == 1
    slow = "SELECT sum(sleepEachRow(0.05)) FROM numbers(100) SETTINGS max_block_size = 1"
    with pytest.raises(DatabaseError, match="TIMEOUT_EXCEEDED") as caught:
        await client.query(slow, settings={"max_execution_time": 0.2})
    assert caught.value.code == 159


async def test_json_columns(client: AsyncClient, table: str) -> None:
    """A JSON column takes objects and gives them back, as rows and as JSON."""
    tags = {"a": {"b": [1, 2]}, "c": "d'\\"}
    await client.insert(table, [[MINE, "json", tags]], column_names=["tenant_id", "name", "tags"])
    sql = f"SELECT tags FROM {table} WHERE name = 'json'"
    assert first(await client.query(sql))[0]["c"] == "d'\\"
    line = orjson.loads(await client.raw_query(sql, fmt="JSONEachRow"))
    assert line["tags"]["c"] == tags["c"]
    assert [int(number) for number in line["tags"]["a"]["b"]] == [1, 2]


async def test_inserts_count_rows(client: AsyncClient, table: str) -> None:
    """An insert reports what it wrote; rows as JSON lines are taken too; a batch of many blocks arrives whole."""
    rows = [[THEIRS, f"{NASTY}{number}", number] for number in range(20_000)]
    summary = await client.insert(table, rows, column_names=["tenant_id", "name", "viewers"])
    assert summary.written_rows == 20_000
    await client.raw_insert(
        table, ["tenant_id", "name"], orjson.dumps({"tenant_id": str(THEIRS), "name": "raw"}), fmt="JSONEachRow"
    )
    assert await client.command(f"SELECT count() FROM {table}") == 20_005


async def test_errors_are_the_servers(client: AsyncClient) -> None:
    """What ClickHouse refuses arrives with its code, name and text."""
    with pytest.raises(DatabaseError, match=r"Code: 60\. DB::Exception: Unknown table.*UNKNOWN_TABLE") as caught:
        await client.query("SELECT * FROM no_such_table")
    assert (caught.value.code, caught.value.name) == (60, "UNKNOWN_TABLE")
    with pytest.raises(DatabaseError, match="SYNTAX_ERROR"):
        await client.command("SELEKT 1")
    with pytest.raises(DatabaseError, match="UNKNOWN_SETTING"):
        await client.raw_query("SELECT 1", settings={"custom_nonsense": 1})


async def test_settings_of_the_client_stay_with_it(clickhouse: ClickHouse) -> None:
    """A read-only client cannot write, and the next one can."""
    reader = await connect(clickhouse, settings={"readonly": 2})
    with pytest.raises(DatabaseError, match="READONLY"):
        await reader.command("CREATE TABLE never (v UInt8) ENGINE = Memory")
    assert await reader.command("SELECT 1") == 1
    await reader.close()
    assert clickhouse.run_sql("EXISTS never") == "0\n"


@pytest.mark.parametrize("login", [{"password": "wrong"}, {"username": "nobody"}, {"username": None, "password": ""}])
async def test_a_wrong_password_is_refused(clickhouse: ClickHouse, login: dict[str, str | None]) -> None:
    """Only the one user with its password gets in."""
    with pytest.raises(DatabaseError, match="AUTHENTICATION_FAILED") as caught:
        await connect(clickhouse, **login)
    assert caught.value.code == 516


async def test_what_the_front_does_not_know_it_refuses(clickhouse: ClickHouse) -> None:
    """A session, which would not be kept, is an error rather than a silent difference."""
    client = await connect(clickhouse, session_id="s1")
    with pytest.raises(DatabaseError, match=r"session_id.*NOT_IMPLEMENTED"):
        await client.command("SELECT 1")
    await client.close()
    with pytest.raises(RuntimeError, match=r"role.*NOT_IMPLEMENTED"):
        clickhouse.run_sql("SELECT 1", role="admin")
