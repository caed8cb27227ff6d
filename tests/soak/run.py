"""One soak: the servers, our processes, the clients, the events, and the harm."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from signalman.simulate.tenants import tenant_ids
from tests.acceptance.follower import Follower
from tests.acceptance.processes import Installation, ready
from tests.acceptance.records import Topics, value
from tests.acceptance.running import event_ids
from tests.servers import Child, ClickHouse, Kafka, Postgres, Redis, Server, create_frameworks
from tests.servers.balancer import Balancer
from tests.servers.ports import free_port
from tests.soak.account import Account
from tests.soak.chaos import Deed, wreak

TENANTS = tenant_ids(3)
PARTITIONS = 3
# A relay that dies keeps its partitions until the group misses it.
SESSION_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may choose."""

    seconds: float
    clients: int
    rate: float
    seed: int


class Process:
    """One of our processes: killed, and started again on the same port."""

    def __init__(self, installation: Installation, stack: AsyncExitStack, role: str) -> None:
        self.port = free_port()
        self._role = role
        self._installation = installation
        self._stack = stack
        self._child: Child | None = None

    async def start(self) -> None:
        """Begin, without waiting until it is ready: a backend may be away."""
        prefix = f"SIGNALMAN_{self._role.upper()}__"
        env = {
            f"{prefix}HOST": "127.0.0.1",
            f"{prefix}PORT": str(self.port),
            "SIGNALMAN_KAFKA__SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
        }
        self._child = self._stack.enter_context(self._installation.run(self._role, [self._role], env))

    async def ready(self) -> None:
        """Return once it is."""
        assert self._child is not None
        await asyncio.to_thread(self._child.wait_ready, lambda: ready(self.port), timeout=120)

    async def kill(self) -> None:
        """End it as a power cut would, and start it again."""
        assert self._child is not None
        await asyncio.to_thread(self._child.kill)
        await self.start()
        await self.ready()


async def soak(folder: Path, options: Options, tell: Callable[[str], None]) -> Account:
    """Run it, *tell* of each deed, and return the account."""
    account = Account()
    rng = random.Random(options.seed)
    async with AsyncExitStack() as stack:
        kafka, redis_server = Kafka(folder / "kafka"), Redis(folder / "redis", appendonly=True)
        postgres, clickhouse = Postgres(folder / "postgres"), ClickHouse(folder / "clickhouse")
        for server in (kafka, redis_server, postgres, clickhouse):
            stack.enter_context(server)
        create_frameworks(postgres)
        installation = Installation(folder, kafka=kafka, redis=redis_server, postgres=postgres, clickhouse=clickhouse)
        installation.create_topics(PARTITIONS)
        topics = await stack.enter_async_context(Topics(installation))
        await topics.begin_group()
        processes = {f"{role} {n}": Process(installation, stack, role) for role in ("relay", "gateway") for n in (1, 2)}
        for process in processes.values():
            await process.start()
        for process in processes.values():
            await process.ready()
        gateways = [process.port for name, process in processes.items() if name.startswith("gateway")]
        balancer = await stack.enter_async_context(Balancer(gateways))
        followers = await _followers(installation, balancer.url, options.clients, stack)

        deeds: dict[str, Deed] = {name: process.kill for name, process in processes.items()}
        deeds |= _harm({"kafka": kafka, "redis": redis_server, "clickhouse": clickhouse, "postgres": postgres}, rng)
        deeds["redis connections"] = lambda: _cut(redis_server.url)
        over = asyncio.Event()
        telling = asyncio.create_task(_tell(topics, options.rate, over))
        await wreak(deeds, options.seconds, rng, account.kills, tell)
        over.set()
        told = await telling
        account.produced = sum(map(len, told.values()))
        await _all_arrived(followers, told)
        for tenant, theirs in followers.items():
            for follower in theirs:
                account.add(follower, told[tenant])
    return account


async def _followers(
    installation: Installation, url: str, count: int, stack: AsyncExitStack
) -> dict[str, list[Follower]]:
    made = defaultdict(list)
    for number in range(count):
        tenant = TENANTS[number % len(TENANTS)]
        made[tenant].append(Follower(url, installation.jwt(tenant, time.time()), name=f"client {number}"))
    everybody = [follower for theirs in made.values() for follower in theirs]
    await asyncio.gather(*(stack.enter_async_context(follower) for follower in everybody))
    return dict(made)


async def _tell(topics: Topics, rate: float, over: asyncio.Event) -> dict[str, list[str]]:
    """Events of all tenants in turn, one after the other; returns tenant → ids once *over*.

    All events of a tenant go to one partition, so that their order is known.
    """
    told: dict[str, list[str]] = {tenant: [] for tenant in TENANTS}
    loop = asyncio.get_running_loop()
    began, number = loop.time(), 0
    while not over.is_set():
        tenant = TENANTS[number % len(TENANTS)]
        (event_id,) = event_ids(1)
        event = value(event_id, tenant_id=tenant, timestamp=f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z")
        await topics.put(event, key=event_id.encode(), partition=TENANTS.index(tenant))
        told[tenant].append(event_id)
        number += 1
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        if loop.time() - began > 2 + number / rate:
            began = loop.time() - number / rate  # Kafka was away: go on at the same pace, without making up for it
    return told


def _harm(servers: dict[str, Server], rng: random.Random) -> dict[str, Deed]:
    """For each server: killed and started again; for Redis also a standstill."""

    def killing(server: Server) -> Deed:
        async def kill() -> None:
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(rng.uniform(0.0, 3.0))
            await asyncio.to_thread(server.start)

        return kill

    async def stand_still() -> None:
        servers["redis"].pause()
        await asyncio.sleep(rng.uniform(1.0, 12.0))
        servers["redis"].resume()

    deeds = {name: killing(server) for name, server in servers.items()}
    return {**deeds, "redis standstill": stand_still}


async def _cut(url: str) -> None:
    async with redis.asyncio.Redis.from_url(url) as admin:
        for kind in ("pubsub", "normal"):
            try:
                await admin.client_kill_filter(_type=kind, skipme=True)
            except RedisError:
                return  # it was away already


async def _all_arrived(followers: dict[str, list[Follower]], told: dict[str, list[str]]) -> None:
    """Give everybody time to have everything; who does not get it is found by the account."""
    arrivals = [
        follower.until(lambda f=follower, ids=told[tenant]: len(set(f.ids)) >= len(ids), within=60)
        for tenant, theirs in followers.items()
        for follower in theirs
    ]
    await asyncio.gather(*arrivals, return_exceptions=True)
