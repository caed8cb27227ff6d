"""The same scenario in one process, with every backend in memory; and `signalman dev` as a person starts it."""

import asyncio
import gc
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from signalman.compose.dev import Started, run_embedded
from signalman.config import default_file, load
from signalman.simulate.tenants import tenant_ids
from tests.acceptance.processes import SIGNALMAN
from tests.acceptance.scenario import CHANNELS, Client, Platform, delivered, expected, judge, leaks
from tests.servers import Child, ChildError
from tests.servers.ports import free_port

TENANTS = tenant_ids(3)


async def test_three_tenants_in_one_process() -> None:
    """Snapshot, then exactly the own tenant's events, every one, in order, and none of the platform's secrets. What is
    there before the first client is no matter for garbage collections, during which no event is delivered.
    """
    gc.unfreeze()
    config = load(default_file("dev.toml"), {"SIGNALMAN_GATEWAY__PORT": str(free_port())})
    platform = Platform(start=time.time(), tenants=3, viewers_per_stream=10, speed=6.0)
    serving: asyncio.Future[Started] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_embedded(config, platform, serving.set_result))
    try:
        started = await asyncio.wait_for(serving, 30)
        url = f"ws://127.0.0.1:{started.port}"
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(Client(url, tenant, token))
                for tenant, (_, token) in zip(TENANTS, started.accounts, strict=True)
            ]
            await asyncio.gather(*(client.subscribe(CHANNELS) for client in clients))
            assert gc.get_freeze_count() > 0
            since = len(platform.emitted)
            await platform.until(since + 600)
            platform.pause()
            emitted = list(platform.emitted)
            for client in clients:
                await delivered(client, emitted, since)
                judge(client, emitted, since)
                assert client.rows("streams")
                assert leaks("\n".join(client.frames), platform.secrets()) == []
            assert sum(len(ids) for ids in expected(emitted[since:], TENANTS[0], "analytics").values()) > 20
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        gc.unfreeze()


def test_dev_shows_life_within_seconds(tmp_path: Path) -> None:
    """`signalman dev` prints the dashboard's address and a line for the terminal that works as it is, and ends well
    on SIGINT.
    """
    port, log = free_port(), tmp_path / "dev.log"
    dev = Child([SIGNALMAN, "dev", "--port", str(port)], log=log)
    try:
        dev.wait_ready(lambda: "Ctrl-C ends it" in log.read_text(), timeout=30)
        assert f"http://localhost:{port}/#token=dev-demo" in log.read_text()
        line = next(line for line in log.read_text().splitlines() if "Terminal" in line)
        command = line.split("Terminal", 1)[1].strip()
        tail = Child(["sh", "-c", f"{command} -n 3 -o json"], log=tmp_path / "tail.log")
        tail.wait_done(timeout=30)
        assert tail.code == 0
        assert (tmp_path / "tail.log").read_text().count('"channel"') >= 3
    finally:
        code = dev.stop()
    assert code == 0
    assert "Traceback" not in log.read_text()


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    """No traceback: which port, and how to choose another."""
    port, log = free_port(), tmp_path / "dev.log"
    first = Child([SIGNALMAN, "dev", "--port", str(port)], log=log)
    try:
        first.wait_ready(lambda: _answers(port), timeout=30)
        second = Child([SIGNALMAN, "dev", "--port", str(port)], log=tmp_path / "second.log")
        with pytest.raises(ChildError, match="ended with 1"):
            second.wait_done(timeout=30)
        text = (tmp_path / "second.log").read_text()
        assert f"port {port}" in text
        assert "in use" in text
        assert "Traceback" not in text
    finally:
        first.stop()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False
