"""Whoever has to wait is turned away at the door: by a real server, before anything else is done for him."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from signalman.gateway.admission import Admission, AdmissionLimits
from tests.access import NO_LIMITS
from tests.integration.served import TOKEN, Served, hear, served
from tests.integration.test_websocket import refused
from tests.servers.ports import wait_for_async

LONG = replace(NO_LIMITS, failures=1, failure_pause_seconds=30.0, failure_longest_pause_seconds=60.0)
SHORT = replace(LONG, failure_pause_seconds=0.2, failure_longest_pause_seconds=0.2)
PROXY = ["127.0.0.1"]
HANDSHAKE = (
    b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, nothing but the doorman's own memory may be asked."""

    def never(*_: object) -> Any:
        raise AssertionError("the application was reached")

    def begin() -> None:
        monkeypatch.setattr(Admission, "arrive", never)
        monkeypatch.setattr(Admission, "attempt", never)

    return begin


def client(world: Served, token: str = TOKEN, **headers: str) -> httpx.AsyncClient:
    """Requests of one client, by one connection."""
    headers |= {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=world.http, trust_env=False, headers=headers)


async def fail(world: Served, **headers: str) -> None:
    """Until the address has to wait."""
    async with client(world, "wrong", **headers) as bad:
        answers = [(await bad.get("/v1/channels")).status_code for _ in range(3)]
    assert answers == [401, 401, 429]


async def test_a_handshake_and_a_request_are_refused_at_once(nobody_asks: Callable[[], None]) -> None:
    """With 429, the seconds to wait and the end of the connection; the application is not reached."""
    async with served(doors=LONG) as world:
        await fail(world)
        nobody_asks()
        status, problem, headers = await refused(world)
        assert (status, problem["code"], headers["connection"]) == (429, "too_many_attempts", "close")
        assert 1 <= int(headers["retry-after"]) <= 30
        async with client(world) as good:
            for answer in (await good.get("/v1/channels"), await good.post("/v1/tickets", content=b"x" * 300_000)):
                assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
                assert answer.headers["connection"] == "close"
                assert 1 <= int(answer.headers["retry-after"]) <= 30


async def test_who_watches_is_answered_all_the_same() -> None:
    """A kubelet, Prometheus and a browser may share the address."""
    async with served(doors=LONG) as world:
        await fail(world)
        async with client(world) as watcher:
            for path in ("/healthz", "/readyz", "/metrics", "/", "/static/dashboard.css"):
                assert (await watcher.get(path)).status_code == 200, path
            assert 'signalman_limited_total{limit="failures"}' in (await watcher.get("/metrics")).text


async def test_after_the_pause_the_address_may_come_again() -> None:
    """A good credential is then good."""
    async with served(doors=SHORT) as world:
        await fail(world)

        async def welcome() -> bool:
            try:
                async with world.connect() as socket:
                    await hear(socket, "welcome")
            except InvalidStatus:
                return False
            return True

        await wait_for_async(welcome)


async def test_an_open_connection_is_refused_as_well(nobody_asks: Callable[[], None]) -> None:
    """Whoever keeps his connection is refused on it, and it ends; until then it can be asked how we are."""
    async with served(doors=LONG) as world, client(world) as kept:
        assert (await kept.get("/v1/channels")).status_code == 200
        await fail(world)
        nobody_asks()
        answer = await kept.get("/healthz")
        assert (answer.status_code, answer.headers.get("connection")) == (200, None)
        answer = await kept.get("/v1/channels")
        assert (answer.status_code, answer.headers["connection"]) == (429, "close")


async def test_an_open_socket_stays() -> None:
    """Whoever is in is not concerned by what others of his address do."""
    async with served(doors=LONG) as world, world.connect() as socket:
        await hear(socket, "welcome")
        await fail(world)
        await (await socket.ping())


async def test_clients_of_a_proxy_are_not_taken_for_it(nobody_asks: Callable[[], None]) -> None:
    """Only whoever has failed is refused, in front of the application as well; and not where the proxy itself has."""
    async with served(doors=LONG, trusted_proxies=PROXY) as world:
        await fail(world)
        await fail(world, **{"X-Forwarded-For": "203.0.113.1"})
        through = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.2"}
        async with world.connect(None, additional_headers=through) as socket:
            await hear(socket, "welcome")
        nobody_asks()
        through["X-Forwarded-For"] = "203.0.113.2, 203.0.113.1"
        assert (await refused(world, additional_headers=through))[0] == 429


async def test_no_other_writing_of_a_path_lets_anybody_in() -> None:
    """What the doorman does not know by its first letters is refused further in."""
    async with served(doors=LONG) as world, client(world) as kept:
        await fail(world)
        answer = await kept.get("/v%31/channels")
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
        with capture_logs() as lines:
            assert (await _knock(world, HANDSHAKE.replace(b"/v1/", b"/v%31/"))).startswith(b"HTTP/1.1 429 ")
        assert not [line for line in lines if line["event"] == "refuse"]


@pytest.mark.parametrize("doors", [LONG, replace(NO_LIMITS, handshakes_per_minute=1)])
async def test_nothing_is_held_and_little_is_told(doors: AdmissionLimits) -> None:
    """We end the connection, whether or not its client does; each is counted, and none has a line of its own."""
    async with served(doors=doors) as world:
        with capture_logs() as lines:
            for _ in range(2):
                async with client(world, "wrong") as bad:
                    await bad.get("/v1/channels")
            for _ in range(5):
                assert (await _knock(world, HANDSHAKE)).startswith(b"HTTP/1.1 429 ")
        value = world.gateway.metrics.registry.get_sample_value
        assert value("signalman_handshakes_total", {"outcome": "refused"}) == 5
        assert value("signalman_unauthenticated") == 0
        assert not [line for line in lines if line["event"] == "refuse"]
        assert [line["event"] for line in lines].count("address_blocked") == (1 if doors is LONG else 0)


async def _knock(world: Served, handshake: bytes) -> bytes:
    """All that is said before the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(handshake)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
