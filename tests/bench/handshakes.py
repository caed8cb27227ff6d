"""Section ``handshakes``: what a subscriber notices while others try bad credentials a thousand times a second.

One gateway around real servers, one subscriber who gets two hundred events a second, and a process that opens
connections from a score of addresses and is refused. The latency is that from an event's publication on the bus to its
arrival at the subscriber. The baseline is the same before the others come.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

import orjson
import psutil
from websockets.asyncio.client import ClientConnection, connect

from signalman.access.mint import mint
from tests.acceptance.processes import SECRET, Installation, ready
from tests.acceptance.records import TENANT
from tests.acceptance.revoking import give_out
from tests.acceptance.scenario import CATALOG
from tests.bench.figures import Effort, Figure
from tests.bench.installed import Publish, installed, publishing
from tests.servers import Child
from tests.servers.ports import free_port

_EVENTS_A_SECOND = 200
_TRIES_A_SECOND = 1000
_SETTLING = 1.0
"""Seconds before anything is measured, in which the addresses fail until they have to wait."""


@dataclass(slots=True)
class _Phase:
    """What was measured in some seconds."""

    latencies: list[float] = field(default_factory=list)
    """Of each event, in seconds."""
    cpu: float = 0.0
    """Of the gateway: seconds a second."""
    starved: float = 0.0
    """Of the gateway's main thread: seconds a second in which it had work and no core. Where this is much, the figures
    tell of the machine.
    """
    own_cpu: float = 0.0
    """Of this process, which publishes and subscribes: seconds a second."""


def handshakes(effort: Effort) -> Iterator[Figure]:
    """A twelfth of the effort's seconds before, and as long during it.

    Raises:
        LeftOut: This machine lacks a server.
    """
    with installed() as installation, asyncio.Runner() as runner:
        before, during, tried = runner.run(_measured(installation, effort.seconds / 12))
    for name, phase in (("before", before), ("during", during)):
        cuts = quantiles(phase.latencies, n=100)
        baseline = quantiles(before.latencies, n=100)
        yield Figure(f"latency {name}: median", 1000 * cuts[49], "ms", cuts[49] / baseline[49])
        yield Figure(f"latency {name}: 99th percentile", 1000 * cuts[98], "ms", cuts[98] / baseline[98])
        yield Figure(f"processor time of the gateway {name}", 100 * phase.cpu, "%")
        yield Figure(f"time it waited for a core {name}", 100 * phase.starved, "%")
    a_second = sum(tried["became"].values()) / tried["seconds"]
    yield Figure(
        "processor time of the gateway for an attempt", 1e6 * max(0.0, during.cpu - before.cpu) / a_second, "us"
    )
    for outcome, count in sorted(tried["became"].items()):
        yield Figure(f"ended with {outcome}", count / tried["seconds"], "a second")
    # Neither must be near a whole core, or the figures are theirs.
    yield Figure("processor time of who tries", 100 * tried["cpu"], "%")
    yield Figure("processor time of who publishes and subscribes", 100 * during.own_cpu, "%")
    yield Figure("latest beginning of an attempt", 1000 * tried["late"], "ms")


async def _measured(installation: Installation, seconds: float) -> tuple[_Phase, _Phase, dict[str, Any]]:
    (token,) = await asyncio.to_thread(give_out, installation.postgres, TENANT, 1)
    port = free_port()
    arguments = ["gateway", "--host", "127.0.0.1", "--port", str(port)]
    with installation.run("gateway", arguments) as gateway:
        await asyncio.to_thread(gateway.wait_ready, lambda: ready(port), timeout=60)
        headers = {"Authorization": f"Bearer {token.text}"}
        async with (
            publishing(installation) as publish,
            connect(f"ws://127.0.0.1:{port}/v1/ws", additional_headers=headers, proxy=None) as subscriber,
        ):
            await subscriber.send(json.dumps({"type": "subscribe", "id": "s", "channel": "streams", "snapshot": False}))
            while orjson.loads(await subscriber.recv())["type"] != "caught_up":
                pass
            await _phase(gateway, publish, subscriber, _SETTLING)
            before = await _phase(gateway, publish, subscriber, seconds)
            trying = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.bench.bad_handshakes"),
                *(str(port), str(_TRIES_A_SECOND), str(_SETTLING + seconds)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert trying.stdout is not None
            assert trying.stdin is not None
            trying.stdin.write(_well_formed().encode() + b"\n")
            await trying.stdout.readline()  # it has begun
            await _phase(gateway, publish, subscriber, _SETTLING)
            during = await _phase(gateway, publish, subscriber, seconds)
            said, _ = await trying.communicate()
    return before, during, orjson.loads(said)


async def _phase(gateway: Child, publish: Publish, subscriber: ClientConnection, seconds: float) -> _Phase:
    """Publish for so long, and wait for everything to arrive."""
    phase, sent = _Phase(), dict[str, float]()
    process = psutil.Process(gateway.pid)
    used, starved, own, began = _cpu(process), _starved(process), time.process_time(), time.monotonic()

    async def send() -> None:
        for number in range(max(2, round(seconds * _EVENTS_A_SECOND))):
            await asyncio.sleep(began + number / _EVENTS_A_SECOND - time.monotonic())
            event_id = str(uuid4())
            sent[event_id] = time.monotonic()
            await publish({"id": event_id, "type": "stream_lifecycle_update", "data": {}})
        done.set()

    done = asyncio.Event()
    sending = asyncio.create_task(send())
    while sent or not done.is_set():
        message = orjson.loads(await subscriber.recv())
        now = time.monotonic()
        if message["type"] == "events":
            phase.latencies += (now - sent.pop(event["id"]) for event in message["events"])
    await sending
    took = time.monotonic() - began
    phase.cpu, phase.starved = (_cpu(process) - used) / took, (_starved(process) - starved) / took
    phase.own_cpu = (time.process_time() - own) / took
    return phase


def _cpu(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def _starved(process: psutil.Process) -> float:
    """Seconds for which its main thread has waited for a core; 0 where the system does not tell."""
    told = Path(f"/proc/{process.pid}/schedstat")
    return int(told.read_text().split()[1]) / 1e9 if told.exists() else 0.0


def _well_formed() -> str:
    """A JWT that is signed by nobody whom the gateway knows."""
    claims = CATALOG.access.claims
    now = time.time()
    return mint(SECRET[::-1], CATALOG.levels, claims, user_id=str(uuid4()), scope=(TENANT,), now=now)
