"""ClickHouse has some of the platform's tables otherwise than the channels need them, and is mended while all runs."""

import re
import time
from pathlib import Path

import httpx
import orjson

from signalman.simulate.warehouse import schema
from tests.acceptance.processes import Installation, counted, port_of, ready
from tests.acceptance.records import STREAM, TENANT
from tests.acceptance.running import Running, arrive, client_of, run
from tests.acceptance.scenario import PARTITIONS, Client
from tests.servers import ClickHouse, Kafka, Postgres, Redis, wait_for_async

WITHOUT_TENANT = (
    "streams: column 'tenant_id' is not in 'stream_state_current', and it alone tells whose a row is: nothing of this"
    " table can be shown to anybody"
)
FAULTS = {
    "streams": [WITHOUT_TENANT],
    "system": ["nodes: there is no table 'node_state_current', or its user may not read it"],
    "analytics": ["artifacts: column 'stage' is not in 'artifact_state_current'"],
}


async def test_each_channel_is_told_of_its_faults_and_heals(
    tmp_path: Path, real_kafka: Kafka, redis_server: Redis, postgres: Postgres, own_clickhouse: ClickHouse
) -> None:
    """A table without its tenant column, one that is gone, and one that lacks a column: each is named at start, in the
    line of its channel and in the metric; who wants its rows is told at once, has the channel's other tables and live
    events; other channels know nothing of it, and the gateway is ready. Once the tables are mended the rows come, with
    nobody having restarted anything.
    """
    own_clickhouse.start()
    break_tables(own_clickhouse)
    installation = Installation(
        tmp_path, kafka=real_kafka, redis=redis_server, postgres=postgres, clickhouse=own_clickhouse
    )
    installation.create_topics(PARTITIONS)
    async with run(installation) as running, client_of(installation, running.url) as client:
        await wait_for_async(lambda: len(logged(installation, "channel_tables_faulty")) == len(FAULTS))
        assert {line["channel"]: line["faults"] for line in logged(installation, "channel_tables_faulty")} == FAULTS
        assert faulty(running) == {("streams", "streams"), ("system", "nodes"), ("analytics", "artifacts")}
        assert ready(running.gateway_port)

        for channel in ("streams", "system", "analytics", "messaging"):
            await client.say(type="subscribe", id=channel, channel=channel)
        await client.until(lambda: len(client.of("error")) == 3 and len(client.of("caught_up")) == 3)
        for error in client.of("error"):
            assert (error["code"], error["status"]) == ("snapshot_unavailable", 503)
            assert f"channel '{error['id']}'" in error["detail"]
            assert "_current" not in error["detail"]
        assert {m["id"]: m["tables"] for m in client.of("subscribed")} == {
            "streams": [],
            "system": ["orchestrators"],
            "analytics": ["viewers", "artifact_copies"],
            "messaging": [],
        }
        assert {m["table"] for m in client.of("snapshot")} == {"orchestrators", "viewers", "artifact_copies"}
        await live(running, client)
        assert page(installation, running, "streams", "streams").json()["code"] == "snapshot_unavailable"
        assert page(installation, running, "analytics", "viewers").status_code == 200

        mend_tables(own_clickhouse)
        await client.until(lambda: len(client.of("reset")) == 3 and len(client.of("caught_up")) == 6)
        assert {m["reason"] for m in client.of("reset")} == {"snapshot"}
        assert [(row["stream_id"], row["status"]) for row in client.rows("streams")] == [(STREAM, "live")]
        assert {line["channel"] for line in logged(installation, "channel_tables_sound")} == set(FAULTS)
        assert faulty(running) == set()
        assert page(installation, running, "streams", "streams").status_code == 200
        await live(running, client)


def break_tables(clickhouse: ClickHouse) -> None:
    """The platform's tables, three of them not as the platform makes them."""
    for statement in schema():
        if "node_state_current" not in statement:
            wrong = statement.replace("tenant_id", "owner_id") if "stream_state_current" in statement else statement
            clickhouse.run_sql(wrong)
    clickhouse.run_sql("ALTER TABLE artifact_state_current DROP COLUMN stage")


def mend_tables(clickhouse: ClickHouse) -> None:
    """All of them as the platform makes them, and one row."""
    clickhouse.run_sql("DROP TABLE stream_state_current SYNC")
    clickhouse.run_sql("ALTER TABLE artifact_state_current ADD COLUMN stage LowCardinality(String)")
    for statement in schema():
        clickhouse.run_sql(statement)
    clickhouse.run_sql(
        "INSERT INTO stream_state_current (tenant_id, stream_id, status, updated_at)"
        f" VALUES ('{TENANT}', '{STREAM}', 'live', now())"
    )


def logged(installation: Installation, event: str) -> list[dict[str, object]]:
    """The lines about *event* that the processes have written."""
    return [orjson.loads(line) for line in re.findall(rf'^{{.*"{event}".*$', installation.output(), re.MULTILINE)]


def faulty(running: Running) -> set[tuple[str, str]]:
    """Channel and table of what the gateway's metric says is faulty."""
    tables = {"streams": ["streams"], "system": ["nodes", "orchestrators"]}
    tables["analytics"] = ["viewers", "artifacts", "artifact_copies"]
    port = port_of(running.url)
    return {
        (channel, table)
        for channel, names in tables.items()
        for table in names
        if counted(port, "signalman_tables_faulty", channel=channel, table=table)
    }


def page(installation: Installation, running: Running, channel: str, table: str) -> httpx.Response:
    """One page of a table over HTTP."""
    url = f"http://127.0.0.1:{running.gateway_port}/v1/channels/{channel}/snapshot"
    headers = {"Authorization": f"Bearer {installation.jwt(TENANT, time.time())}"}
    return httpx.get(url, params={"table": table}, headers=headers, trust_env=False)


async def live(running: Running, client: Client) -> None:
    """Fail unless what happens now arrives."""
    await running.put_good(3)
    await arrive(client, running.good[-3:])
