"""The example of a load balancer, config/haproxy.cfg, before a gateway: whose address the gateway sees."""

import asyncio
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.access import NO_LIMITS
from tests.integration.served import TOKEN, Served, hear, served
from tests.servers.ports import free_port, wait_for_async

EXAMPLE = Path(__file__).parents[2] / "config" / "haproxy.cfg"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
FAILURES = replace(NO_LIMITS, failures=1, failure_pause_seconds=30.0, failure_longest_pause_seconds=60.0)
ONE, OTHER = "127.0.0.2", "127.0.0.3"
"""Clients; the balancer itself is 127.0.0.1."""

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="no haproxy: apt-get install haproxy")


@asynccontextmanager
async def balanced(world: Served, folder: Path) -> AsyncIterator[int]:
    """The example before *world*, on a port of its own."""
    port = free_port()
    text = EXAMPLE.read_text().replace("bind :8080", f"bind 127.0.0.1:{port}")
    text, found = re.subn(r"(server gateway-1) \S+", rf"\1 127.0.0.1:{world.port}", text)
    text = re.sub(r"\n *server gateway-2 .*", "", text).replace("maxconn 50000", "maxconn 100")
    assert found == 1
    config = folder / "haproxy.cfg"
    config.write_text(text)
    assert HAPROXY is not None
    process = await asyncio.create_subprocess_exec(
        HAPROXY, "-db", "-f", str(config), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        await wait_for_async(lambda: _answers(port))
        yield port
    finally:
        process.kill()
        await process.communicate()


async def _answers(port: int) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{port}/v1/openapi.json")).status_code == 200
    except httpx.TransportError:
        return False


async def get(port: int, client_address: str, token: str, **headers: str) -> int:
    """Ask from *client_address*, and perhaps lie about it."""
    transport = httpx.AsyncHTTPTransport(local_address=client_address)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.get("/v1/channels", headers={"Authorization": f"Bearer {token}", **headers})
    return answer.status_code


async def test_each_client_has_its_own_address_and_cannot_choose_it(tmp_path: Path) -> None:
    """One locks himself out, whatever he says of himself; the other gets in, by HTTP and by WebSocket."""
    async with served(doors=FAILURES, trusted_proxies=["127.0.0.1"]) as world, balanced(world, tmp_path) as port:
        lies = {"X-Forwarded-For": OTHER}
        assert [await get(port, ONE, "wrong", **lies) for _ in range(3)] == [401, 401, 429]
        assert await get(port, ONE, TOKEN, **{"X-Forwarded-For": "203.0.113.9"}) == 429
        assert await get(port, OTHER, TOKEN) == 200
        url = f"ws://127.0.0.1:{port}/v1/ws"
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        async with connect(url, proxy=None, additional_headers=bearer, local_addr=(OTHER, 0)) as socket:
            await hear(socket, "welcome")
        with pytest.raises(Exception, match="429"):
            await connect(url, proxy=None, additional_headers=bearer | lies, local_addr=(ONE, 0))
