"""Shared counts with this gateway's own behind them."""

import asyncio

import pytest
from structlog.testing import capture_logs

from signalman.access_ports import Backoff, Rate
from signalman.backends.memory_quotas import MemoryQuotas
from signalman.gateway import quotas as module
from signalman.gateway.quotas import PAUSE, SharedQuotas
from tests.servers import wait_for_async
from tests.unit.gateway.quotas import Clock, FakeShared

RATE = Rate(0.001, 2.0)
BACKOFF = Backoff(free=0, first=10.0, longest=10.0, memory=60.0)


@pytest.fixture
def clock() -> Clock:
    """Of all counts."""
    return Clock()


@pytest.fixture
def shared(clock: Clock) -> FakeShared:
    """Those of all gateways."""
    return FakeShared(clock)


@pytest.fixture
def quotas(shared: FakeShared, clock: Clock) -> SharedQuotas:
    """Under test."""
    return SharedQuotas(shared, MemoryQuotas(clock), clock)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is waited for, and what is untold is told all the time."""
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    monkeypatch.setattr(module, "PAUSE", 0.0)


async def test_the_others_are_heard(quotas: SharedQuotas, shared: FakeShared) -> None:
    """What other gateways have counted holds here."""
    await shared.others.enter({"tenant": 1})
    await shared.others.failed("address", BACKOFF)
    await shared.others.take("address", Rate(0.001, 1.0))
    assert await quotas.enter({"address": 5, "tenant": 1}) == "tenant"
    assert await quotas.blocked("address") == 10.0
    assert await quotas.take("address", Rate(0.001, 1.0)) > 0
    # And who was refused is held nowhere.
    assert await quotas.enter({"address": 1}) is None


async def test_without_the_others_each_limit_is_this_gateways(quotas: SharedQuotas, shared: FakeShared) -> None:
    """Nobody is refused for want of an answer, and nobody gets without end."""
    shared.is_away = True
    assert await quotas.enter({"tenant": 1}) is None
    assert await quotas.enter({"tenant": 1}) == "tenant"
    await quotas.leave(["tenant"])
    assert await quotas.enter({"tenant": 1}) is None
    assert [await quotas.take("address", RATE) > 0 for _ in range(3)] == [False, False, True]
    assert await quotas.blocked("address") == 0.0
    assert await quotas.failed("address", BACKOFF) == 10.0
    assert await quotas.blocked("address") == 10.0


async def test_what_was_held_before_counts_while_the_others_are_away(quotas: SharedQuotas, shared: FakeShared) -> None:
    """The local count is right when it is needed, since it was kept all the time."""
    assert await quotas.enter({"tenant": 2}) is None
    shared.is_away = True
    assert await quotas.enter({"tenant": 2}) is None
    assert await quotas.enter({"tenant": 2}) == "tenant"


async def test_who_does_not_answer_is_not_asked_again_at_once(
    quotas: SharedQuotas, shared: FakeShared, clock: Clock
) -> None:
    """For a second nobody asks; then one does, and who comes meanwhile does not wait with him."""
    shared.is_away = True
    for _ in range(5):
        await quotas.take("address", RATE)
    assert shared.asked == ["take"]
    clock.now += PAUSE
    shared.hangs = True
    waiting = asyncio.create_task(quotas.take("a", RATE))
    await asyncio.sleep(0)
    await quotas.take("b", RATE)
    assert shared.asked == ["take", "take"]
    waiting.cancel()


async def test_the_others_are_heard_again(quotas: SharedQuotas, shared: FakeShared, clock: Clock) -> None:
    """As soon as they answer, they decide; and both turns are logged once."""
    with capture_logs() as logs:
        shared.is_away = True
        for _ in range(3):
            await quotas.blocked("address")
            clock.now += PAUSE
        shared.is_away = False
        await shared.others.failed("address", BACKOFF)
        assert await quotas.blocked("address") == 10.0
        assert await quotas.blocked("address") == 10.0
    assert [line["event"] for line in logs] == ["quotas_local", "quotas_shared"]


@pytest.mark.usefixtures("impatient")
async def test_others_that_hang_hold_nobody_up(quotas: SharedQuotas, shared: FakeShared) -> None:
    """No answer is an answer."""
    shared.hangs = True
    async with asyncio.timeout(10):
        assert await quotas.take("address", RATE) == 0.0
        assert await quotas.enter({"tenant": 1}) is None


@pytest.mark.usefixtures("impatient")
async def test_what_was_let_in_meanwhile_is_told_afterwards(quotas: SharedQuotas, shared: FakeShared) -> None:
    """Each of it once, above every ceiling, and without what has left again."""
    await quotas.enter({"tenant": 9})
    shared.is_away = True
    for _ in range(3):
        await quotas.enter({"tenant": 9, "person": 9})
    await quotas.leave(["tenant", "person"])
    await shared.others.enter({"tenant": 9})
    shared.is_away = False
    keeping = asyncio.create_task(quotas.keep())
    await wait_for_async(lambda: (shared.held("tenant"), shared.held("person")) == (4, 2))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (shared.held("tenant"), shared.held("person")) == (4, 2)
    for _ in range(2):
        await quotas.leave(["tenant", "person"])
    await quotas.leave(["tenant"])
    assert (shared.held("tenant"), shared.held("person")) == (1, 0)
    keeping.cancel()


async def test_what_leaves_while_it_is_told_is_given_back(
    quotas: SharedQuotas, shared: FakeShared, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others learn of both, in this order."""
    shared.is_away = True
    await quotas.enter({"tenant": 9})
    shared.is_away = False
    clock.now += PAUSE
    arrived, answer = asyncio.Event(), asyncio.Event()
    enter = shared.enter

    async def slowly(ceilings: dict[str, int]) -> str | None:
        arrived.set()
        await answer.wait()
        return await enter(ceilings)

    monkeypatch.setattr(shared, "enter", slowly)
    telling = asyncio.create_task(quotas._told())
    await arrived.wait()
    await quotas.leave(["tenant"])
    answer.set()
    assert await telling
    assert shared.held("tenant") == 0
    assert shared.asked[-1] == "leave"


async def test_who_gives_up_while_he_waits_holds_nothing(quotas: SharedQuotas, shared: FakeShared) -> None:
    """A client that goes in the middle of its handshake leaves no place taken."""
    shared.hangs = True
    waiting = asyncio.create_task(quotas.enter({"tenant": 1}))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    shared.hangs = False
    assert await quotas.enter({"tenant": 1}) is None
