"""Limits of coming in, as a client meets them; and that whoever has come in is given back, whatever happens."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from signalman.errors import BackendUnavailable
from signalman.gateway.admission import Admission, AdmissionLimits, Visitor
from signalman.gateway.gateway import Gateway
from signalman.principal import Principal
from tests.access import NO_LIMITS
from tests.integration.served import TOKEN, Served, hear, say, served
from tests.integration.test_websocket import closed, refused
from tests.servers.ports import wait_for_async

FAILURES = replace(NO_LIMITS, failures=2, failure_pause_seconds=30.0, failure_longest_pause_seconds=60.0)
ATTEMPTS = replace(NO_LIMITS, handshakes_per_minute=2)
PROXY = ["127.0.0.1"]


class Door:
    """Who has come in, and how often each was given back."""

    def __init__(self) -> None:
        self.came: list[Visitor] = []
        self.left: dict[int, int] = {}

    @property
    def is_even(self) -> bool:
        """Whether everybody who came was given back once."""
        return [self.left.get(id(each)) for each in self.came] == [1] * len(self.came)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    """Watch every gateway's door."""
    watched = Door()
    arrive, leave = Admission.arrive, Visitor.leave

    async def arrives(self: Admission, address: str | None) -> Visitor:
        visitor = await arrive(self, address)
        watched.came.append(visitor)
        return visitor

    async def leaves(self: Visitor) -> None:
        watched.left[id(self)] = watched.left.get(id(self), 0) + 1
        await leave(self)

    monkeypatch.setattr(Admission, "arrive", arrives)
    monkeypatch.setattr(Visitor, "leave", leaves)
    return watched


async def get(world: Served, token: str = TOKEN, forwarded: str | None = None) -> httpx.Response:
    """One request."""
    headers = {"Authorization": f"Bearer {token}"} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    async with httpx.AsyncClient(base_url=world.http, trust_env=False) as client:
        return await client.get("/v1/channels", headers=headers)


async def test_too_many_attempts_get_429_before_anything_is_asked() -> None:
    """With the time to wait, in whole seconds; the credential is not even looked at."""
    async with served(doors=ATTEMPTS) as world:
        for _ in range(2):
            async with world.connect() as socket:
                await hear(socket, "welcome")
        status, problem, headers = await refused(world, token="nonsense")
        assert (status, problem["code"]) == (429, "too_many_attempts")
        assert 1 <= int(headers["retry-after"]) <= 30
        answer = await get(world)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
        assert answer.headers["content-type"] == "application/problem+json"
        assert 1 <= int(answer.headers["retry-after"]) <= 30


async def test_failed_authentications_count_wherever_they_are_made() -> None:
    """In handshakes, first messages and requests; a good credential has to wait as well then."""
    async with served(doors=FAILURES) as world:
        assert (await refused(world, token="wrong"))[0] == 401
        async with world.connect(None) as socket:
            await say(socket, type="auth", token="wrong")
            assert (await closed(socket))[0] == 4401
        assert (await get(world, "wrong")).status_code == 401
        status, problem, headers = await refused(world)
        assert (status, problem["code"]) == (429, "too_many_attempts")
        assert int(headers["retry-after"]) >= 1
        assert (await get(world)).status_code == 429


async def test_only_a_bad_credential_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of another origin, a directory that is away and a limit that is reached say nothing about it."""

    async def away(_: str) -> Principal:
        raise BackendUnavailable("postgres", "away")

    doors = replace(FAILURES, failures=1, connections_per_user=1)
    async with served(doors=doors) as world, world.connect() as socket:
        await hear(socket, "welcome")
        for _ in range(3):
            assert (await refused(world, origin="https://evil.example"))[0] == 403
            status, problem, headers = await refused(world)
            assert (status, problem["code"]) == (429, "too_many_connections")
            assert int(headers["retry-after"]) >= 1
        monkeypatch.setattr(world.known, "authenticate", away)
        for _ in range(3):
            status, problem, headers = await refused(world)
            assert (status, problem["code"], headers["retry-after"]) == (503, "directory_unavailable", "5")


async def test_who_has_not_said_who_he_is_takes_a_place() -> None:
    """503 for the next one, until he has said it or gone."""
    async with served(doors=replace(NO_LIMITS, unauthenticated=1)) as world, world.connect(None) as silent:
        await hear(silent, "hello")
        status, problem, _ = await refused(world)
        assert (status, problem["code"]) == (503, "overloaded")
        await say(silent, type="auth", token=TOKEN)
        await hear(silent, "welcome")
        async with world.connect() as socket:
            await hear(socket, "welcome")


async def test_clients_behind_a_trusted_proxy_are_told_apart() -> None:
    """One who fails locks himself out and nobody else; what he says himself does not help him."""
    async with served(doors=FAILURES, trusted_proxies=PROXY) as world:
        for number in range(4):
            status = (await get(world, "wrong", f"198.51.100.{number}, 203.0.113.1")).status_code
            assert status == (401 if number < 3 else 429)
        assert (await get(world, forwarded="203.0.113.2")).status_code == 200
        assert (await get(world, forwarded="203.0.113.1")).status_code == 429
        assert (await refused(world, additional_headers=_through("198.51.100.9, 203.0.113.1")))[0] == 429
        async with world.connect(None, additional_headers=_through("203.0.113.1, 203.0.113.2")) as socket:
            await hear(socket, "welcome")


@pytest.mark.parametrize("doors", [FAILURES, NO_LIMITS])
async def test_nobody_else_is_believed(doors: AdmissionLimits) -> None:
    """Whatever address an untrusted peer sends, it is the same one; that is told once, without any address, and only
    where it matters.
    """
    async with served(doors=doors) as world:
        with capture_logs() as lines:
            answers = [(await get(world, "wrong", f"203.0.113.{number}")).status_code for number in range(4)]
        told = [line for line in lines if line["event"] == "forwarded_for_ignored"]
    assert answers == ([401] * 3 + [429] if doors is FAILURES else [401] * 4)
    assert len(told) == (1 if doors is FAILURES else 0)
    assert "203.0.113" not in str(lines)


async def test_everybody_is_given_back_once(door: Door) -> None:
    """However it ends: a good end, a refusal, a wrong subprotocol, a cut."""
    async with served() as world:
        async with world.connect() as socket:
            await hear(socket, "welcome")
        await refused(world, token="wrong")
        await refused(world, origin="https://evil.example")
        async with world.connect(subprotocols=["graphql-ws"]) as socket:
            await closed(socket)
        cut = await world.connect(None)
        cut.transport.abort()
        await wait_for_async(lambda: len(door.came) == 5 and door.is_even)


async def test_one_who_goes_before_he_is_let_in_is_given_back(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """While his credential is being checked."""
    asked, answer = asyncio.Event(), asyncio.Event()
    async with served() as world:
        check = world.known.authenticate

        async def slowly(credential: str) -> Principal:
            asked.set()
            await answer.wait()
            return await check(credential)

        monkeypatch.setattr(world.known, "authenticate", slowly)
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(_handshake(world))
        await asked.wait()
        writer.transport.abort()
        await reader.read()
        answer.set()
        await wait_for_async(lambda: len(door.came) == 1 and door.is_even)
        assert not world.gateway.connections


async def test_one_who_is_being_checked_when_the_gateway_ends_is_given_back(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server cancels what does not end by itself."""
    asked = asyncio.Event()

    async def never(_: str) -> Principal:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with served() as world:
        monkeypatch.setattr(world.known, "authenticate", never)
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(_handshake(world))
        await asked.wait()
    assert (len(door.came), door.is_even) == (1, True)
    writer.close()


async def test_one_on_whom_something_fails_is_given_back(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours costs this connection and no place."""

    def fails(*_: object, **__: object) -> Any:
        raise RuntimeError("a mistake")

    async with served() as world:
        with monkeypatch.context() as patch:
            patch.setattr(Gateway, "connect", fails)
            async with world.connect() as socket:
                await closed(socket)
        await wait_for_async(lambda: len(door.came) == 1 and door.is_even)
        async with world.connect() as socket:
            await hear(socket, "welcome")


def _through(forwarded: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": forwarded}


def _handshake(world: Served) -> bytes:
    return (
        f"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{world.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n"
    ).encode()
