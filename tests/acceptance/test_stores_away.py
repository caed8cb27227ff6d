"""ClickHouse and PostgreSQL are away when the processes start, and go and come back while they run."""

import time
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from signalman.simulate.warehouse import schema
from tests.acceptance.processes import Installation, ready
from tests.acceptance.records import STREAM, TENANT
from tests.acceptance.running import Running, arrive, client_of, run
from tests.acceptance.scenario import PARTITIONS, Client, judge_chain
from tests.servers import ClickHouse, Kafka, Postgres, Redis, create_frameworks

OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0b22"


async def test_clickhouse_comes_and_goes(
    tmp_path: Path, real_kafka: Kafka, redis_server: Redis, postgres: Postgres, own_clickhouse: ClickHouse
) -> None:
    """Without ClickHouse the gateway is ready, and who subscribes is told so and gets live events; the snapshot follows
    by itself when it can be read, with events before and after it, and without a hole. When ClickHouse goes again, who
    has a snapshot notices nothing.
    """
    own_clickhouse.start()
    _fill(own_clickhouse)
    own_clickhouse.stop()
    installation = Installation(
        tmp_path, kafka=real_kafka, redis=redis_server, postgres=postgres, clickhouse=own_clickhouse
    )
    installation.create_topics(PARTITIONS)
    async with run(installation) as running, client_of(installation, running.url) as client:
        await _subscribe_without_tables(client)
        await _live(running, client)
        assert not client.of("snapshot")

        own_clickhouse.start()
        await client.until(lambda: client.of("caught_up"))
        assert [m["reason"] for m in client.of("reset")] == ["snapshot"]
        assert [m["id"] for m in client.of("subscribed")] == ["streams", "streams"]
        assert [(row["stream_id"], row["status"]) for row in client.rows("streams")] == [(STREAM, "live")]
        assert [m["type"] for m in client.messages if m["type"] in {"reset", "snapshot", "caught_up"}] == [
            "reset",
            "snapshot",
            "caught_up",
        ]
        await _live(running, client)

        own_clickhouse.kill()
        await _live(running, client)
        async with client_of(installation, running.url) as late:
            # A view of its own: an answer of less than a second ago is shared by all of one view.
            await _subscribe_without_tables(late, filter={"stream_id": STREAM})
            await _live(running, late)
        assert (len(client.of("error")), len(client.of("reset"))) == (1, 1)
        # The snapshot came with the latest events once more.
        had = list(dict.fromkeys(client.ids("streams")))
        assert had == running.good[: len(had)]
        judge_chain(client, "streams")
        assert ready(running.gateway_port)


async def test_postgres_comes_and_goes(
    tmp_path: Path, real_kafka: Kafka, redis_server: Redis, own_postgres: Postgres, clickhouse: ClickHouse
) -> None:
    """Without PostgreSQL a gateway starts and is ready, and whoever is connected stays, while API tokens and JWTs alike
    are told to come back later, since nobody knows whether they are still good: 503 where the handshake has them, 1013
    where a message does. They work as soon as it is back.
    """
    own_postgres.start()
    create_frameworks(own_postgres)
    installation = Installation(
        tmp_path, kafka=real_kafka, redis=redis_server, postgres=own_postgres, clickhouse=clickhouse
    )
    installation.create_topics(PARTITIONS)
    token, jwt = installation.api_token(TENANT), installation.jwt(TENANT, time.time())
    own_postgres.stop()
    with installation.gateway() as url:
        for credential in (token, jwt):
            await _refused(url, credential)
        own_postgres.start()
        assert await _welcomed(url, token)
    async with run(installation) as running:
        own_postgres.stop()
        for credential in (token, jwt):
            await _refused(running.url, credential)
        await running.put_good()
        await running.arrived()
        assert ready(running.gateway_port)

        own_postgres.start()
        async with Client(running.url, TENANT, token) as client:
            await client.subscribe(["streams"], snapshot=False)
            await _live(running, client)
            assert await _welcomed(running.url, jwt)

            own_postgres.kill()
            for credential in (token, jwt):
                await _refused(running.url, credential)
            await _live(running, client)
            await running.arrived()
            assert client.open

            own_postgres.start()
            assert await _welcomed(running.url, token)
            async with Client(running.url, TENANT, token) as back:
                await back.until(lambda: back.of("welcome"))
                assert back.of("welcome")[0]["principal"]["scope"] == [TENANT]
    assert token not in installation.output()


def _fill(clickhouse: ClickHouse) -> None:
    for statement in schema():
        clickhouse.run_sql(statement)
    for tenant, stream in ((TENANT, STREAM), (OTHER, OTHER)):
        clickhouse.run_sql(
            "INSERT INTO stream_state_current (tenant_id, stream_id, status, updated_at)"
            f" VALUES ('{tenant}', '{stream}', 'live', now())"
        )


async def _subscribe_without_tables(client: Client, **options: object) -> None:
    await client.say(type="subscribe", id="streams", channel="streams", **options)
    await client.until(lambda: client.of("error") and client.of("subscribed"))
    (error,) = client.of("error")
    assert (error["code"], error["id"], error["status"]) == ("snapshot_unavailable", "streams", 503)
    assert not client.of("snapshot")
    assert not client.of("caught_up")


async def _live(running: Running, client: Client) -> None:
    await running.put_good(3)
    await arrive(client, running.good[-3:])


async def _refused(url: str, token: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with _socket(url, token):
            pass
    response = caught.value.response
    problem = orjson.loads(response.body)
    assert (response.status_code, problem["type"]) == (503, "urn:signalman:error:directory_unavailable")
    assert response.headers["Retry-After"]

    async with _socket(url) as socket:
        messages = await _authenticate(socket, token)
    assert (messages[-1]["type"], messages[-1]["code"]) == ("error", "directory_unavailable")
    assert socket.close_code == 1013


async def _welcomed(url: str, token: str) -> bool:
    async with _socket(url) as socket:
        return (await _authenticate(socket, token))[-1]["type"] == "welcome"


async def _authenticate(socket: ClientConnection, token: str) -> list[dict[str, str]]:
    """What comes up to `welcome`, or up to the end."""
    await socket.send(orjson.dumps({"type": "auth", "token": token}).decode())
    messages: list[dict[str, str]] = []
    try:
        while not messages or messages[-1]["type"] != "welcome":
            messages.append(orjson.loads(await socket.recv()))
    except ConnectionClosed:
        pass
    return messages


def _socket(url: str, token: str = "") -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return connect(f"{url}/v1/ws", additional_headers=headers, proxy=None)
