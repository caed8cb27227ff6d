"""What only counts in Redis can go through: gateways die, Redis forgets, restarts, hangs, runs what was given up."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from signalman.access_ports import Backoff, Rate
from signalman.backends import redis_holdings
from signalman.backends.memory_quotas import MemoryQuotas
from signalman.backends.redis_quotas import RedisQuotas
from signalman.errors import BackendUnavailable
from signalman.gateway.admission import Admission, AdmissionLimits
from signalman.metrics import Metrics
from signalman.principal import Principal
from tests.contract.listening import PATIENCE
from tests.contract.quota_media import RedisQuotaMedium, kept
from tests.servers import MissingServerError, Redis, wait_for_async

_MANY = 10_000
_TIMEOUT = 0.5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own, which forgets everything when it restarts."""
    try:
        server = Redis(tmp_path / "redis")
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
async def medium(server: Redis) -> AsyncIterator[RedisQuotaMedium]:
    """Counts on `server`."""
    async with RedisQuotaMedium(server.url, timeout=_TIMEOUT) as medium:
        yield medium


async def counted(medium: RedisQuotaMedium, key: str) -> int:
    """How many of *key* stand in Redis, whoever holds them."""
    return sum(map(int, await medium.operator.hvals(f"{medium.prefix}:{{held}}:by:{key}")))


async def counts(medium: RedisQuotaMedium, key: str, number: int) -> None:
    """Return once so many are counted."""

    async def is_so() -> bool:
        return await counted(medium, key) == number

    await wait_for_async(is_so, within=PATIENCE, what=f"{number} of {key}")


async def test_what_a_dead_gateway_held_counts_no_more(medium: RedisQuotaMedium) -> None:
    """One that lives keeps its places for as long as it does; one that was killed loses them when its lease ends, and
    until then has them.
    """
    living, dead = medium.forsaken(lease_seconds=2.0), medium.forsaken(lease_seconds=2.0)
    other = await medium.quotas()
    async with kept(living):
        assert await living.enter({"tenant": 3}) is None
        for _ in range(2):
            assert await dead.enter({"tenant": 3}) is None
        assert await other.enter({"tenant": 3}) == "tenant"

        async def is_free() -> bool:
            return await other.enter({"tenant": 3}) is None

        await wait_for_async(is_free, within=PATIENCE)
        assert [await other.enter({"tenant": 3}) for _ in range(2)] == [None, "tenant"]


async def test_a_gateway_that_was_thought_dead_is_counted_again(medium: RedisQuotaMedium) -> None:
    """It stood still for longer than its lease: with its next word all that it holds is there again, above the ceiling
    if others have come meanwhile.
    """
    slow, other = medium.forsaken(lease_seconds=0.2), await medium.quotas()
    for _ in range(3):
        await slow.enter({"tenant": 3})
    await asyncio.sleep(0.3)
    assert await other.enter({"tenant": 3}) is None
    async with kept(slow):
        await counts(medium, "tenant", 4)
        assert await other.enter({"tenant": 4}) == "tenant"
        await slow.leave(["tenant"])
        await counts(medium, "tenant", 3)


async def test_whoever_comes_first_after_that_brings_the_others_back(medium: RedisQuotaMedium) -> None:
    """Also when it is a new connection that finds out, between two words of the gateway."""
    quotas = medium.forsaken()
    async with kept(quotas):
        await quotas.enter({"tenant": _MANY, "person": _MANY})
        await quotas.enter({"tenant": _MANY})
        await medium.forget()
        await quotas.enter({"tenant": _MANY})
        await counts(medium, "tenant", 3)
        await counts(medium, "person", 1)


async def test_a_redis_that_forgot_everything_is_told(server: Redis, medium: RedisQuotaMedium) -> None:
    """It restarts empty: every gateway that lives writes what it holds, also what left while Redis was away, and the
    ceilings hold as before.
    """
    one, other = medium.forsaken(lease_seconds=1.0), medium.forsaken(lease_seconds=1.0)
    async with kept(one), kept(other):
        for _ in range(4):
            await one.enter({"tenant": 5, "person": 5})
        await other.enter({"tenant": 5})
        server.stop()
        with pytest.raises(BackendUnavailable):
            await one.leave(["tenant", "person"])
        await one.leave(["tenant"])  # by now it is known that it must be written anew
        server.start()
        await counts(medium, "tenant", 3)
        await counts(medium, "person", 3)
        answers = [await other.enter({"tenant": 5}) for _ in range(3)]
        assert answers == [None, None, "tenant"]


async def test_scripts_that_redis_forgot_are_brought_again(medium: RedisQuotaMedium) -> None:
    """SCRIPT FLUSH costs a second round trip, and counts nothing twice."""
    quotas, rate = await medium.quotas(), Rate(0.001, 2.0)
    await quotas.enter({"tenant": 2})
    await quotas.take("a", rate)
    await medium.operator.script_flush()
    assert [await quotas.enter({"tenant": 2}), await quotas.enter({"tenant": 2})] == [None, "tenant"]
    assert [await quotas.take("a", rate) > 0, await quotas.take("a", rate) > 0] == [False, True]


async def test_a_clock_of_redis_that_is_set_back_makes_nobody_wait_for_it(medium: RedisQuotaMedium) -> None:
    """A bucket that was emptied years from now is an empty bucket now, and no more."""
    quotas = await medium.quotas()
    await medium.operator.set(f"{medium.prefix}:rate:a", 2**52)
    assert 0.9 < await quotas.take("a", Rate(1.0, 5.0)) <= 1.0


async def test_away_is_told_in_time(server: Redis, medium: RedisQuotaMedium) -> None:
    """Whether it refuses or hangs, each method says so within its timeout, and works again when it is back."""
    quotas, tickets = await medium.quotas(), await medium.tickets()
    calls = (
        lambda: quotas.take("a", Rate(1.0, 1000.0)),
        lambda: quotas.enter({"a": _MANY}),
        lambda: quotas.blocked("a"),
        lambda: quotas.failed("a", Backoff(1000, 1.0, 1.0, 1.0)),
        lambda: tickets.put("a", b"", 1.0),
        lambda: tickets.take("a"),
    )
    for call in calls:
        await call()  # connected
    server.pause()
    for call in calls:
        with pytest.raises(BackendUnavailable):
            async with asyncio.timeout(PATIENCE):
                await call()
    server.resume()
    for call in calls:
        await call()
    server.stop()
    for call in calls:
        with pytest.raises(BackendUnavailable) as caught:
            await call()
        assert server.url not in str(caught.value)
    server.start()
    for call in calls:
        await call()


async def test_what_was_given_up_and_ran_all_the_same_is_corrected(server: Redis, medium: RedisQuotaMedium) -> None:
    """A hanging Redis runs, when it goes on, what nobody waits for any more: those are not held, and not counted for
    long.
    """
    quotas = medium.forsaken()
    async with kept(quotas):
        await quotas.enter({"tenant": _MANY})
        server.pause()
        answers = await asyncio.gather(*(quotas.enter({"tenant": _MANY}) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(answer, BackendUnavailable) for answer in answers)
        server.resume()
        await quotas.enter({"tenant": _MANY})
        await counts(medium, "tenant", 2)
        # And stays so.
        await quotas.leave(["tenant"])
        await counts(medium, "tenant", 1)


async def test_one_that_is_cancelled_is_not_held(medium: RedisQuotaMedium) -> None:
    """Whoever goes in the middle of it has no place, wherever in the middle that was."""
    quotas = medium.forsaken()
    async with kept(quotas):
        await quotas.enter({"tenant": _MANY})
        for steps in range(12):
            waiting = asyncio.create_task(quotas.enter({"tenant": _MANY}))
            for _ in range(steps):
                await asyncio.sleep(0)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
                await quotas.leave(["tenant"])
        await counts(medium, "tenant", 1)


@pytest.mark.parametrize("seed", range(3))
async def test_in_the_end_redis_has_what_the_gateways_have(medium: RedisQuotaMedium, seed: int) -> None:
    """Hundreds come and go through two gateways while everything is thrown away again and again, and some give up:
    afterwards each key has exactly the connections that are there.
    """
    chance = random.Random(seed)
    gateways = [medium.forsaken(lease_seconds=0.3) for _ in range(2)]
    truth: Counter[str] = Counter()

    async def visit(gateway: RedisQuotas, key: str, stay: float, *, goes: bool, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await gateway.enter({"tenant": _MANY, key: _MANY})
        except TimeoutError:
            return
        await asyncio.sleep(stay)
        if goes:
            await gateway.leave(["tenant", key])
        else:
            truth.update(["tenant", key])

    async with kept(gateways[0]), kept(gateways[1]):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(300):
                visitor = visit(
                    chance.choice(gateways),
                    f"person-{chance.randrange(5)}",
                    chance.random() / 2,
                    goes=chance.random() < 0.7,
                    patience=chance.choice([0.001, 10.0, 10.0]),
                )
                tasks.create_task(visitor)
                if chance.random() < 0.05:
                    await medium.operator.flushall()
                await asyncio.sleep(chance.random() / 300)
        for key in ("tenant", *(f"person-{number}" for number in range(5))):
            await counts(medium, key, truth[key])


async def test_everything_is_written_again_now_and_then(
    medium: RedisQuotaMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before a hash would go for want of news, and what Redis threw away on its own comes back with it."""
    monkeypatch.setattr(redis_holdings, "_REWRITE_SECONDS", 0.0)
    quotas = medium.forsaken(lease_seconds=0.3)
    async with kept(quotas):
        await quotas.enter({"tenant": _MANY})
        name = f"{medium.prefix}:{{held}}:by:tenant"
        await medium.operator.delete(name)
        await counts(medium, "tenant", 1)
        await medium.operator.pexpire(name, 1000)

        async def is_long() -> bool:
            return bool(await medium.operator.pttl(name) > 1_000_000)

        await wait_for_async(is_long, within=PATIENCE)


async def test_who_has_gone_leaves_nothing(medium: RedisQuotaMedium) -> None:
    """Neither here nor in Redis is anything kept for a key of which nothing is held."""
    quotas = medium.forsaken()
    async with kept(quotas):
        for number in range(50):
            await quotas.enter({f"person-{number}": 1})
            await quotas.leave([f"person-{number}"])
        assert not quotas._holdings._held
        assert [key for key in await medium.keys() if b"person" in key] == []


async def test_a_gateway_tells_once_that_it_does_not_know(server: Redis, medium: RedisQuotaMedium) -> None:
    """Not with each try."""
    quotas = medium.forsaken(lease_seconds=0.3)
    with capture_logs() as logs:
        async with kept(quotas):
            await quotas.enter({"tenant": _MANY})
            await wait_for_async(lambda: not quotas._holdings._doubtful, within=PATIENCE)
            await asyncio.sleep(0.2)
            server.stop()
            await wait_for_async(lambda: logs, within=PATIENCE)
            await asyncio.sleep(1.2)
    assert [line["event"] for line in logs] == ["holdings_unknown"]


async def test_redis_learns_nobodys_name(medium: RedisQuotaMedium) -> None:
    """After all that an admission does there is neither address nor tenant nor user in any key or value, and each key
    has a time to live.
    """
    limits = AdmissionLimits(failures=1, failure_pause_seconds=30.0)
    admission = Admission(medium.forsaken(), MemoryQuotas(), limits, Metrics(), key=b"key")
    alice = Principal("user", "alice-0001", ("tenant-0001",), user_id="alice-0001")
    visitor = await admission.arrive("203.0.113.9")
    await visitor.known(alice)
    await visitor.failed()
    await visitor.failed()
    await admission.snapshot(alice)
    keys = await medium.keys()
    assert len(keys) == 1 + 3 + 2 + 1  # leases, held, rates, failures
    for key in keys:
        kept_there = key + await medium.operator.dump(key)
        for name in (b"203.0.113", b"alice", b"tenant-0001"):
            assert name not in kept_there
        assert await medium.operator.pttl(key) > 0
