"""Everything in one process: the pretend platform, relay, gateway, and every backend in memory."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from signalman.backends.chdb import ChdbEngine, ChdbSnapshots, ChdbWarehouse
from signalman.backends.memory_bus import MemoryBus, MemoryHub
from signalman.backends.memory_log import MemoryLog
from signalman.backends.memory_source import MemorySource
from signalman.compose import parts, roles
from signalman.compose.admission import memory_stores
from signalman.compose.simulate import kafka_names, world
from signalman.config import Config, consumer_names, topic_names
from signalman.metrics import Metrics
from signalman.relay.beat import keep_beating
from signalman.simulate import runner
from signalman.simulate.wire import Emitted
from signalman.simulate.world import World
from signalman.web import server


@dataclass(frozen=True, slots=True)
class Started:
    """Where a person finds what has been started."""

    host: str
    port: int
    accounts: tuple[tuple[str, str], ...]
    """Name and token of each development account: they open nothing but this process."""


async def run_dev(config: Config, started: Callable[[Started], None]) -> None:
    """Run the demo until cancelled; *started* is called once it serves.

    Raises:
        BackendUnavailable: chdb is not installed.
    """
    await run_embedded(config, world(config, time.time()), started)


async def run_embedded(config: Config, platform: World, started: Callable[[Started], None]) -> None:
    """Run everything over *platform* in this process, until cancelled."""
    pack = parts.catalog(config)
    metrics = Metrics()
    listener = server.bind(config.gateway.host, config.gateway.port)
    database = config.clickhouse.database
    # What happened before is in the tables already, and nothing of it was ever on a feed.
    bus = MemoryBus(MemoryHub(limits=parts.feed_limits(config), born_ms=0))
    # One partition: a person who looks at the demo expects events in the order of their times.
    log = MemoryLog(partitions=1)
    source = MemorySource(sorted(topic_names(config, pack)), log=log, consumers=consumer_names(config, pack))
    names = kafka_names(config, pack)

    serving = asyncio.Event()

    async def emit(emitted: Sequence[Emitted]) -> None:
        serving.set()  # the tables are there and filled: whoever is let in now sees something
        for each in emitted:
            await source.put(
                names[each.topic], each.key, each.value, each.headers, timestamp_ms=round(each.time * 1000)
            )

    async with ChdbEngine() as engine, asyncio.TaskGroup() as tasks:
        snapshots = ChdbSnapshots(engine, database=database, limits=parts.query_limits(config))
        stores = memory_stores()
        gateway = parts.gateway(
            config, pack, bus=bus, snapshots=snapshots, directory=None, stores=stores, metrics=metrics
        )
        relay = roles.make_relay(config, pack, source, bus, metrics)
        life = runner.run(
            platform,
            emit=emit,
            warehouse=ChdbWarehouse(engine, database=database),
            lag=config.simulate.lag_seconds,
            clock=time.time,
            sleep=asyncio.sleep,
        )
        tasks.create_task(relay.run(), name="relay")
        tasks.create_task(keep_beating(lambda: relay.is_flowing, bus), name="beat")
        tasks.create_task(life, name="platform")
        await serving.wait()
        tasks.create_task(roles.serve_clients(config, gateway, listener), name="gateway")
        host, port = listener.getsockname()[:2]
        accounts = tuple((each.name, each.token.get_secret_value()) for each in config.access.accounts)
        started(Started(host, port, accounts))
