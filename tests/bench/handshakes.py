"""Section ``handshakes``: what a subscriber notices while others try bad credentials a thousand times a second.

One gateway around real servers, one subscriber who gets two hundred events a second, and a process that opens
connections from a score of addresses and is refused. The latency is that from an event's publication on the bus to its
arrival at the subscriber. The baseline is the same before the others come.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import quantiles
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


def handshakes(effort: Effort) -> Iterator[Figure]:
    """A twelfth of the effort's seconds before, and as long during it.

    Raises:
        LeftOut: This machine lacks a server.
    """
    with installed() as installation, asyncio.Runner() as runner:
        before, during, became, seconds = runner.run(_measured(installation, effort.seconds / 12))
    for name, phase in (("before", before), ("during", during)):
        cuts = quantiles(phase.latencies, n=100)
        baseline = quantiles(before.latencies, n=100)
        yield Figure(f"latency {name}: median", 1000 * cuts[49], "ms", cuts[49] / baseline[49])
        yield Figure(f"latency {name}: 99th percentile", 1000 * cuts[98], "ms", cuts[98] / baseline[98])
        yield Figure(f"processor time of the gateway {name}", 100 * phase.cpu, "%")
    for outcome, count in sorted(became.items()):
        yield Figure(f"ended with {outcome}", count / seconds, "a second")


async def _measured(installation: Installation, seconds: float) -> tuple[_Phase, _Phase, Counter[str], float]:
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
            became, _ = await trying.communicate()
    said = orjson.loads(became)
    return before, during, Counter(said["became"]), said["seconds"]


async def _phase(gateway: Child, publish: Publish, subscriber: ClientConnection, seconds: float) -> _Phase:
    """Publish for so long, and wait for everything to arrive."""
    phase, sent = _Phase(), dict[str, float]()
    process = psutil.Process(gateway.pid)
    used, began = sum(process.cpu_times()[:2]), time.monotonic()

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
    phase.cpu = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
    return phase


def _well_formed() -> str:
    """A JWT that is signed by nobody whom the gateway knows."""
    claims = CATALOG.access.claims
    now = time.time()
    return mint(SECRET[::-1], CATALOG.levels, claims, user_id=str(uuid4()), scope=(TENANT,), now=now)
