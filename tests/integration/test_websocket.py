"""`/v1/ws` as a client meets it: a real uvicorn, a real socket, and everything a client can do wrong."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import jwt
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from signalman.event import Feed
from signalman.gateway.session import SessionLimits
from tests.integration.known import SECRET
from tests.integration.served import NOW, Served, hear, say, served
from tests.servers.ports import wait_for_async
from tests.unit.gateway.make import OTHER, TENANT, event


async def refused(world: Served, **options: Any) -> tuple[int, dict[str, Any], Any]:
    """Status, problem and headers with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as error:
        async with world.connect(**options):
            raise AssertionError("the handshake was accepted")
    response = error.value.response
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, orjson.loads(response.body), response.headers


async def closed(socket: ClientConnection) -> tuple[int | None, list[dict[str, Any]]]:
    """The code with which the server closes, and what it said before."""
    async with asyncio.timeout(5):
        heard = [orjson.loads(frame) async for frame in _until_closed(socket)]
    return socket.close_code, heard


async def _until_closed(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    with suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


async def test_a_header_credential_is_welcome_at_once() -> None:
    """A program that sends its token with the handshake needs no `auth`."""
    async with served() as world, world.connect() as socket:
        hello, welcome = await hear(socket, "welcome")
        assert (hello["protocol"], welcome["principal"]["scope"]) == ("signalman.v1", [TENANT])


async def test_a_first_message_credential_is_welcome() -> None:
    """A browser, which cannot set headers, sends `auth`; a JWT counts like any credential."""
    async with served() as world, world.connect(None) as socket:
        await hear(socket, "hello")
        await say(socket, type="auth", token=world.jwt())
        (welcome,) = await hear(socket, "welcome")
        assert welcome["principal"] == {"kind": "user", "id": "u-1", "scope": [TENANT]}


async def test_snapshot_then_live() -> None:
    """Own rows only, then what is published, in order."""
    async with served() as world, world.connect() as socket:
        await hear(socket, "welcome")
        await say(socket, type="subscribe", id="s", channel="streams")
        subscribed, snapshot, _ = await hear(socket, "caught_up")
        assert len(snapshot["rows"]) == 7
        assert set(snapshot["rows"][0]) == {"stream_id", "status", "updated_at"}
        assert snapshot["view"] == subscribed["view"]
        await world.publish(event(1), event(2))
        await world.publish(event(3))
        first, second = [(await hear(socket, "events"))[0] for _ in range(2)]
        assert [e["id"] for e in first["events"] + second["events"]] == ["e-1", "e-2", "e-3"]
        assert (first["prev"], first["seq"], second["prev"], second["seq"]) == (0, 2, 2, 3)


@pytest.mark.parametrize("token", ["wrong", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_a_wrong_token_gets_401_before_the_upgrade(token: str) -> None:
    """A program sees a real HTTP status, and which scheme would do."""
    async with served() as world:
        status, problem, headers = await refused(world, token=token)
    assert (status, problem["code"]) == (401, "token_invalid")
    assert headers["www-authenticate"].startswith("Bearer")
    assert token not in str(problem)


async def test_expired_foreign_and_tenantless_tokens_get_401() -> None:
    """Signed by another key, past its time, or naming no tenant: nobody."""
    async with served() as world:
        foreign = world.jwt(secret="another secret of more than thirty-two bytes")
        tenantless = jwt.encode({"user_id": "u-1", "exp": int(NOW) + 60}, SECRET, "HS256")
        for token, code in [
            (foreign, "token_invalid"),
            (world.jwt(lifetime=-60), "token_expired"),
            (tenantless, "token_invalid"),
            (world.jwt(lifetime=10**7), "token_invalid"),
        ]:
            status, problem, _ = await refused(world, token=token)
            assert (status, problem["code"]) == (401, code)


async def test_a_token_in_the_url_is_refused_with_the_reason() -> None:
    """Even a valid one: URLs are logged."""
    async with served() as world:
        with pytest.raises(InvalidStatus) as error:
            async with connect(f"{world.url}?token={world.jwt()}", proxy=None):
                raise AssertionError("the handshake was accepted")
        assert orjson.loads(error.value.response.body)["code"] == "token_in_url"
        assert error.value.response.status_code == 400


async def test_a_page_of_another_origin_is_refused() -> None:
    """Cross-site pages get 403; the gateway's own page and a listed origin do not."""
    async with served(allowed_origins=("https://dashboard.example",)) as world:
        status, problem, _ = await refused(world, origin="https://evil.example")
        assert (status, problem["code"]) == (403, "origin_refused")
        for origin in (world.http, "https://dashboard.example"):
            async with world.connect(origin=origin) as socket:
                await hear(socket, "welcome")


async def test_a_lookalike_origin_is_refused() -> None:
    """Origins are compared whole, not by their beginning or end."""
    async with served(allowed_origins=("https://dashboard.example",)) as world:
        for origin in ("https://dashboard.example.evil.example", "https://x-dashboard.example", "null"):
            assert (await refused(world, origin=origin))[0] == 403


async def test_the_subprotocol_is_answered() -> None:
    """Offered, it is chosen; with only others on offer the socket is closed with 4406."""
    async with served() as world:
        async with world.connect(subprotocols=["other", "signalman.v1"]) as socket:
            assert socket.subprotocol == "signalman.v1"
        async with world.connect(subprotocols=["graphql-ws"]) as socket:
            assert (await closed(socket))[0] == 4406


async def test_a_full_gateway_sends_clients_elsewhere() -> None:
    """At the limit of connections a handshake is answered with 503."""
    async with served(max_connections=1) as world, world.connect() as socket:
        await hear(socket, "welcome")
        status, problem, headers = await refused(world)
        assert (status, problem["code"], headers["retry-after"]) == (503, "overloaded", "1")


async def test_a_wrong_auth_message_closes_with_4401() -> None:
    """A browser learns from the message and the code what no HTTP status could tell it."""
    async with served() as world, world.connect(None) as socket:
        await say(socket, type="auth", token="wrong")
        code, heard = await closed(socket)
        assert (code, heard[-1]["code"]) == (4401, "token_invalid")


async def test_no_auth_closes_with_4408() -> None:
    """A socket on which nobody makes themselves known does not stay."""
    async with served(limits=SessionLimits(auth_timeout=0.5)) as world, world.connect(None) as socket:
        await hear(socket, "hello")
        world.now[0] += 1
        assert (await closed(socket))[0] == 4408


async def test_expiry_closes_an_open_socket_with_4401() -> None:
    """When the token's time is over, so is the socket's."""
    async with served() as world, world.connect(world.jwt(lifetime=60)) as socket:
        await hear(socket, "welcome")
        world.now[0] += 75  # its minute and the leeway
        code, heard = await closed(socket)
        assert (code, heard[-1]["code"]) == (4401, "token_expired")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("not json", 4400),
        (b"\x00\xff", 4400),
        ("[1,2]", 4400),
        ("x" * 70_000, 1009),
        ('{"type":"subscribe","id":"s","channel":"streams","filter":' + "[" * 3000 + "]" * 3000 + "}", 4400),
    ],
    ids=["garbage", "binary", "array", "too big", "deep"],
)
async def test_what_breaks_the_protocol_closes_with_its_code(data: str | bytes, code: int) -> None:
    """Garbage, binary, oversized frames: one end each, and the gateway goes on."""
    async with served() as world, world.connect() as socket:
        await hear(socket, "welcome")
        await socket.send(data)
        assert (await closed(socket))[0] == code
        async with world.connect() as another:
            await hear(another, "welcome")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "publish"}, "unknown_type"),
        ({"type": "subscribe", "id": "s"}, "invalid_request"),
        ({"type": "subscribe", "id": "s", "channel": "nonsense"}, "unknown_channel"),
        ({"type": "subscribe", "id": "s", "channel": "streams", "scope": [OTHER]}, "forbidden"),
        ({"type": "subscribe", "id": "s", "channel": "streams", "scope": []}, "forbidden"),
        ({"type": "subscribe", "id": "s", "channel": "streams", "tenant_id": OTHER}, "invalid_request"),
        ({"type": "unsubscribe", "id": "never"}, "unknown_id"),
    ],
)
async def test_a_refused_request_leaves_the_socket_open(message: dict[str, Any], code: str) -> None:
    """One subscription that fails is no reason to lose the others."""
    async with served() as world, world.connect() as socket:
        await hear(socket, "welcome")
        await say(socket, **message)
        (error,) = await hear(socket, "error")
        assert error["code"] == code
        await say(socket, type="ping", t=1)
        assert (await hear(socket, "pong"))[-1]["t"] == 1


async def test_nothing_of_another_tenant_is_delivered() -> None:
    """Events of another tenant's feed never reach this one."""
    async with served() as world, world.connect() as socket:
        await hear(socket, "welcome")
        await say(socket, type="subscribe", id="s", channel="streams")
        await hear(socket, "caught_up")
        await world.publish(event(66), feed=Feed("streams", (OTHER,)))
        await world.publish(event(1))
        (events,) = await hear(socket, "events")
        assert [e["id"] for e in events["events"]] == ["e-1"]


async def test_a_restart_says_goodbye_and_closes_with_1012() -> None:
    """A planned end is announced before the close."""
    async with served() as world:
        socket = await world.connect()
        await hear(socket, "welcome")
    code, heard = await closed(socket)
    assert (code, heard[-1]["type"]) == (1012, "goodbye")


async def test_fragments_and_pings_are_understood() -> None:
    """A message in several frames, with a ping between them, is one message."""
    async with served() as world, world.connect() as socket:
        await hear(socket, "welcome")

        async def pieces() -> Any:
            yield '{"type":"pi'
            await socket.ping()
            yield 'ng","t":"x"}'

        await socket.send(pieces())
        assert (await hear(socket, "pong"))[-1]["t"] == "x"


async def test_a_client_that_vanishes_leaves_nothing_behind() -> None:
    """After a connection is cut without a close, its feed is given up."""
    async with served() as world:
        socket = await world.connect()
        await hear(socket, "welcome")
        await say(socket, type="subscribe", id="s", channel="streams")
        await hear(socket, "caught_up")
        socket.transport.abort()
        await wait_for_async(lambda: not world.gateway.connections)
        assert world.gateway.metrics.views._value.get() == 0


async def test_a_masked_handshake_by_hand_gets_the_accept_of_the_standard() -> None:
    """RFC 6455 §1.3: a plain HTTP/1.1 upgrade without any subprotocol works too."""
    async with served() as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{world.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 101")
        assert b"permessage-deflate" not in head
        writer.close()
        await writer.wait_closed()
