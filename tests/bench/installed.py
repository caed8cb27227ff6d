"""The installed command around real servers, for what cannot be measured in one process."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from statistics import median

import orjson

from signalman.backends.redis_bus import RedisBus
from signalman.event import Feed, Outgoing, OutgoingEvent, Record
from tests.acceptance.processes import Installation
from tests.acceptance.records import TENANT
from tests.bench.figures import Figure, LeftOut
from tests.servers import ClickHouse, Kafka, MissingServerError, MockKafka, Postgres, Redis, create_frameworks

Publish = Callable[[Mapping[str, object]], Awaitable[None]]
"""Publishes one event, given as a client sees it."""

_PARTITIONS = 3


@contextmanager
def installed(*, relayed: bool = False) -> Iterator[Installation]:
    """Settings for processes around servers that are this block's own, on all cores of the machine. Where a relay is
    to read, there is a real Kafka if the machine has what it needs.

    Raises:
        LeftOut: This machine lacks one of the servers.
    """
    with every_core(), tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        try:
            installation = Installation(
                folder,
                kafka=stack.enter_context(_kafka(folder / "kafka", real=relayed)),
                redis=stack.enter_context(Redis(folder / "redis")),
                postgres=stack.enter_context(Postgres(folder / "postgres")),
                clickhouse=stack.enter_context(ClickHouse(folder / "clickhouse")),
            )
        except MissingServerError as missing:
            raise LeftOut(str(missing)) from missing
        create_frameworks(installation.postgres)
        installation.create_topics(_PARTITIONS)
        yield installation


@contextmanager
def every_core() -> Iterator[None]:
    """Several processes at work are not to share the one core on which the rest is measured."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@asynccontextmanager
async def publishing(installation: Installation) -> AsyncIterator[Publish]:
    """Publishes events of channel ``streams`` as a relay does, one at a time."""
    feed = Feed("streams", (TENANT,))
    numbers = count(1)
    async with RedisBus(installation.env["REDIS_URL"], prefix=installation.env["SIGNALMAN_REDIS__PREFIX"]) as bus:

        async def publish(event: Mapping[str, object]) -> None:
            number = next(numbers)
            record = Record("bench", 0, number, number, None, None)
            await bus.publish([Outgoing(feed, (OutgoingEvent(record, number.to_bytes(8), orjson.dumps(event)),))])

        yield publish


def spread(what: str, seconds: Sequence[float], unit: str = "ms") -> Iterator[Figure]:
    """Median and worst of *seconds*, in milliseconds unless told otherwise."""
    factor = 1000.0 if unit == "ms" else 1.0
    yield Figure(f"{what}, median of {len(seconds)}", factor * median(seconds), unit)
    yield Figure(f"{what}, worst", factor * max(seconds), unit)


@contextmanager
def _kafka(folder: Path, *, real: bool) -> Iterator[Kafka | MockKafka]:
    try:
        kafka = Kafka(folder) if real else MockKafka()
    except MissingServerError:
        kafka = MockKafka()
    kafka.start()
    try:
        yield kafka
    finally:
        kafka.stop()
