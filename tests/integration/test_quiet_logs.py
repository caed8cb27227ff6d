"""No log line shows a credential, whichever way it came: at debug level, with everything that libraries might say."""

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from signalman import logs
from tests.access import NO_LIMITS
from tests.integration.served import Served, hear, say, served

LISTED = "https://dash.example"
TICKET = "sgt_" + "Tq0" * 14 + "x"
SECRETS = ["plain-secret-0123456789", "fw_" + "s3cret" * 8, TICKET, "c2VjcmV0c2VjcmV0/+=="]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a process at debug level writes."""
    before = structlog.get_config()
    stream = io.StringIO()
    logs.configure("debug", "json", stream)
    yield stream
    structlog.configure(**before)


async def attempt(url: str, **options: Any) -> None:
    """A handshake, whatever comes of it."""
    try:
        async with connect(url, proxy=None, **options) as socket:
            await socket.recv()
    except (InvalidStatus, ConnectionClosed):
        pass


async def every_way(world: Served, secret: str) -> None:
    """Hand *secret* over in every way there is, and in some that there are not."""
    bearer = {"Authorization": f"Bearer {secret}"}
    await attempt(world.url, additional_headers=bearer)
    await attempt(world.url, additional_headers={"Authorization": f"Basic {secret}"})
    await attempt(world.url, additional_headers={"Sec-WebSocket-Protocol": f"signalman.v1, bearer.{secret}"})
    await attempt(world.url, additional_headers={"Sec-WebSocket-Protocol": f"bearer.{secret}"})
    await attempt(world.url, additional_headers={"Cookie": f"access_token={secret}"}, origin=LISTED)
    for name in ("ticket", "token", "anything"):
        await attempt(f"{world.url}?{name}={secret}")
    async with connect(world.url, proxy=None) as socket:
        await say(socket, type="auth", token=secret)
        with pytest.raises(ConnectionClosed):
            await hear(socket, "never")
    async with httpx.AsyncClient(base_url=world.http, trust_env=False) as client:
        await client.post("/v1/tickets", headers=bearer)
        await client.get("/v1/channels", params={"token": secret})
        await client.get("/v1/stats", headers=bearer)


async def test_no_log_line_shows_a_credential(written: io.StringIO) -> None:
    """Neither one that is refused nor one that is taken; and our own lines are all there, so that the search has
    something to search in.
    """
    async with served(cookie="access_token", allowed_origins=[LISTED], doors=NO_LIMITS) as world:
        good = world.jwt()
        for secret in SECRETS:
            await every_way(world, secret)
        await attempt(world.url, additional_headers={"Authorization": f"Bearer {good}"})
        async with world.connect(None, subprotocols=["signalman.v1", f"bearer.{good}"]) as socket:
            await hear(socket, "welcome")
    text = written.getvalue()
    assert text.count('"event": "refuse"') >= 8 * len(SECRETS)
    assert '"event": "connect"' in text
    for secret in [*SECRETS, good]:
        assert secret not in text
        assert secret.partition("/")[0].rpartition("_")[2][:20] not in text
    assert "127.0.0.1" not in text
    assert '"level": "error"' not in text  # who is refused makes no noise
