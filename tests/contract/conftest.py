"""Fixtures of the contract suites: each implementation of a port in turn."""

import importlib.util
from collections.abc import AsyncIterator, Iterator

import pytest

from signalman.backends.chdb import ChdbEngine, ChdbSnapshots
from signalman.backends.clickhouse import ClickHouseSnapshots
from signalman.backends.feed_limits import FeedLimits
from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.ports import Bus
from tests.contract.buses import BusMedium, MemoryBusMedium, RedisBusMedium
from tests.contract.listening import Listener
from tests.contract.quota_media import MemoryQuotaMedium, QuotaMedium, RedisQuotaMedium
from tests.contract.snapshot_stores import DATABASE, Embedded, Memory, Served, Store, address, run_apart
from tests.servers import ClickHouse


@pytest.fixture(scope="session")
def engine() -> Iterator[ChdbEngine]:
    """The ClickHouse engine in this process, in memory. A process has only one."""
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("ClickHouse: the Python package chdb is not installed")
    engine = ChdbEngine()
    run_apart(engine.__aenter__())
    yield engine
    run_apart(engine.__aexit__(None, None, None))


@pytest.fixture
async def memory_store() -> Store:
    """A store of Python objects."""
    memory = MemorySnapshots()
    return Store(memory, Memory(memory))


@pytest.fixture
async def chdb_store(engine: ChdbEngine) -> Store:
    """A store on the engine in this process."""
    return Store(ChdbSnapshots(engine, database=DATABASE), Embedded(engine))


@pytest.fixture
async def clickhouse_store(clickhouse: ClickHouse) -> AsyncIterator[Store]:
    """A store on a server."""
    async with ClickHouseSnapshots(address(clickhouse)) as snapshots:
        yield Store(snapshots, Served(clickhouse))


@pytest.fixture(params=["memory", "chdb", "clickhouse"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each implementation in turn."""
    made: Store = request.getfixturevalue(f"{request.param}_store")
    return made


@pytest.fixture(params=["chdb", "clickhouse"])
def sql_store(request: pytest.FixtureRequest) -> Store:
    """Each implementation in turn that speaks SQL."""
    made: Store = request.getfixturevalue(f"{request.param}_store")
    return made


@pytest.fixture
def limits() -> FeedLimits:
    """Of the feeds on `medium`; tests give others by ``parametrize``."""
    return FeedLimits()


@pytest.fixture(params=["memory", "redis", "redis cluster", "redis cluster, classic"])
async def medium(request: pytest.FixtureRequest, limits: FeedLimits) -> AsyncIterator[BusMedium]:
    """What the buses of one deployment share, each kind in turn."""
    made: BusMedium
    if request.param == "memory":
        made = MemoryBusMedium(limits)
    elif request.param == "redis":
        made = RedisBusMedium(request.getfixturevalue("redis_server").url, limits)
    else:
        url = request.getfixturevalue("redis_cluster").url
        made = RedisBusMedium(url, limits, cluster=True, sharded=request.param == "redis cluster")
    async with made:
        yield made


@pytest.fixture
async def bus(medium: BusMedium) -> Bus:
    """A bus that publishes and listens."""
    return await medium.bus()


@pytest.fixture
async def listener(bus: Bus) -> Listener:
    """Listens to `bus`."""
    listener = Listener()
    bus.listen(listener)
    return listener


@pytest.fixture
async def quota_medium(request: pytest.FixtureRequest, quota_kind: str) -> AsyncIterator[QuotaMedium]:
    """What the counts of one installation share, of the kind that `quota_kind` names."""
    made: QuotaMedium
    if quota_kind == "memory":
        made = MemoryQuotaMedium()
    elif quota_kind == "redis":
        made = RedisQuotaMedium(request.getfixturevalue("redis_server").url)
    else:
        made = RedisQuotaMedium(request.getfixturevalue("redis_cluster").url, cluster=True)
    async with made:
        yield made
