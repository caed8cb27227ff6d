"""What every `Quotas` promises."""

import asyncio
import random
import time

import pytest

from signalman.access_ports import Backoff, Rate
from tests.contract.quota_media import QuotaMedium

_SLOW = Rate(per_second=0.001, burst=3.0)
_STEEP = Backoff(free=2, first=100.0, longest=350.0, memory=1000.0)


@pytest.fixture(params=["memory", "redis", "redis cluster"])
def quota_kind(request: pytest.FixtureRequest) -> str:
    """Each kind in turn."""
    return str(request.param)


async def test_nothing_is_held_where_anything_is_full(quota_medium: QuotaMedium) -> None:
    """All or nothing: the key that is full is named, the first one of several, and none of the others is counted."""
    quotas = await quota_medium.quotas()
    assert await quotas.enter({"full": 1, "also full": 1}) is None
    for _ in range(5):
        assert await quotas.enter({"free": 1, "full": 1, "also full": 1}) == "full"
        assert await quotas.enter({"also full": 1, "free": 1}) == "also full"
    assert await quotas.enter({"free": 1}) is None
    assert await quotas.enter({"free": 1}) == "free"


async def test_what_is_given_back_can_be_had_again(quota_medium: QuotaMedium) -> None:
    """By any gateway, as often as it was given back, and only the keys that were."""
    one, other = await quota_medium.quotas(), await quota_medium.quotas()
    for gateway in (one, other, one):
        assert await gateway.enter({"a": 3, "b": 3}) is None
    assert await other.enter({"a": 3}) == "a"
    await one.leave(["a"])
    assert await other.enter({"a": 3, "b": 3}) == "b"
    assert await other.enter({"a": 3}) is None
    assert await one.enter({"a": 3}) == "a"


async def test_a_ceiling_that_was_lowered_lets_nobody_in(quota_medium: QuotaMedium) -> None:
    """Those who are there stay; the next one is refused until enough have left."""
    quotas = await quota_medium.quotas()
    for _ in range(3):
        await quotas.enter({"a": 3})
    await quotas.leave(["a"])
    assert await quotas.enter({"a": 1}) == "a"


async def test_no_race_exceeds_a_ceiling(quota_medium: QuotaMedium) -> None:
    """Two gateways let two hundred in at once, where fifty fit: fifty are in, and when some leave, as many get in."""
    gateways = [await quota_medium.quotas(), await quota_medium.quotas()]

    async def rush(number: int) -> list[int]:
        came = await asyncio.gather(
            *(gateways[place % 2].enter({"address": 1000, "tenant": 50}) for place in range(number))
        )
        return [place % 2 for place, answer in enumerate(came) if answer is None]

    held = await rush(200)
    assert len(held) == 50
    chosen = random.Random(5).sample(held, 20)
    await asyncio.gather(*(gateways[which].leave(["address", "tenant"]) for which in chosen))
    assert len(await rush(100)) == 20


async def test_so_often_and_no_oftener(quota_medium: QuotaMedium) -> None:
    """The burst at once, then each after its wait; who is refused has taken nothing; other keys have their own."""
    one, other = await quota_medium.quotas(), await quota_medium.quotas()
    began = time.monotonic()
    assert [await gateway.take("a", _SLOW) for gateway in (one, other, one)] == [0.0, 0.0, 0.0]
    waits = [await gateway.take("a", _SLOW) for gateway in (one, other, one)]
    passed = time.monotonic() - began
    assert all(1000 - passed - 0.1 <= wait <= 1000.1 for wait in waits)
    assert await one.take("b", _SLOW) == 0.0


async def test_after_the_wait_it_may_happen(quota_medium: QuotaMedium) -> None:
    """The seconds that are told are enough."""
    quotas, rate = await quota_medium.quotas(), Rate(per_second=4.0, burst=2.0)
    while not (wait := await quotas.take("a", rate)):
        pass
    assert 0.0 < wait <= 0.25
    await quota_medium.pass_time(wait)
    assert await quotas.take("a", rate) == 0.0


async def test_in_the_long_run_the_rate_holds(quota_medium: QuotaMedium) -> None:
    """Two gateways that never stop asking get what has come in since, and the burst. However slow the machine: it is
    counted against the time that really passed.
    """
    gateways, rate = [await quota_medium.quotas(), await quota_medium.quotas()], Rate(per_second=50.0, burst=5.0)
    began = time.monotonic()
    taken = 0
    for turn in range(300):
        waits = await asyncio.gather(*(gateway.take("a", rate) for gateway in gateways))
        taken += waits.count(0.0)
        if turn % 30 == 29:
            await quota_medium.pass_time(0.01)
    # In memory a tenth of a second has passed, and nothing else; in Redis what the clock says.
    passed = max(time.monotonic() - began, 0.1)
    assert 5 + 50 * 0.1 - 1 <= taken <= 5 + 50 * passed + 1


async def test_rates_below_one_a_second_and_of_fractions(quota_medium: QuotaMedium) -> None:
    """A third of one a second, with room for one and a half: one, and the next after half a one has come in."""
    quotas = await quota_medium.quotas()
    rate = Rate(per_second=0.001 / 3, burst=1.5)
    assert await quotas.take("a", rate) == 0.0
    assert 1499.0 <= await quotas.take("a", rate) <= 1500.1


async def test_a_burst_below_one_lets_one_in_all_the_same(quota_medium: QuotaMedium) -> None:
    """Then one at a time, each after the whole time that one takes."""
    quotas, rate = await quota_medium.quotas(), Rate(per_second=0.001, burst=0.5)
    assert await quotas.take("a", rate) == 0.0
    assert 990.0 <= await quotas.take("a", rate) <= 1000.1


async def test_failures_double_the_wait(quota_medium: QuotaMedium) -> None:
    """Some are free, the first costs this, each further one twice as much up to the longest, whichever gateway they
    are told to; and all know of it.
    """
    gateways = [await quota_medium.quotas(), await quota_medium.quotas()]
    assert await gateways[0].blocked("a") == 0.0
    for turn, expected in enumerate((0.0, 0.0, 100.0, 200.0, 350.0, 350.0)):
        began = time.monotonic()
        said = await gateways[turn % 2].failed("a", _STEEP)
        asked = await gateways[(turn + 1) % 2].blocked("a")
        passed = time.monotonic() - began
        assert said == pytest.approx(expected, abs=0.01)
        assert expected - passed - 0.01 <= asked <= expected + 0.01 or asked == expected == 0.0
    assert await gateways[0].blocked("b") == 0.0


async def test_a_failure_never_shortens_the_wait(quota_medium: QuotaMedium) -> None:
    """Not even one that is told with a smaller backoff."""
    quotas = await quota_medium.quotas()
    await quotas.failed("a", Backoff(0, 100.0, 100.0, 1000.0))
    assert await quotas.failed("a", Backoff(0, 1.0, 1.0, 1000.0)) > 90


async def test_very_many_failures_wait_for_the_longest(quota_medium: QuotaMedium) -> None:
    """Twice as long and twice as long ends where it was said, and breaks nothing."""
    quotas, backoff = await quota_medium.quotas(), Backoff(0, 1.0, 100.0, 1000.0)
    for _ in range(1100):
        await quotas.failed("a", backoff)
    assert await quotas.failed("a", backoff) == pytest.approx(100.0, abs=5)


async def test_the_wait_ends(quota_medium: QuotaMedium) -> None:
    """By itself; and the failures before it are remembered."""
    quotas, backoff = await quota_medium.quotas(), Backoff(0, 0.05, 100.0, 1000.0)
    await quota_medium.pass_time(await quotas.failed("a", backoff))
    assert await quotas.blocked("a") == 0.0
    assert await quotas.failed("a", backoff) == pytest.approx(0.1, abs=0.001)


async def test_failures_are_forgotten(quota_medium: QuotaMedium) -> None:
    """After so long without one; then it is as if there had been none."""
    quotas, backoff = await quota_medium.quotas(), Backoff(1, 0.01, 100.0, 0.1)
    await quotas.failed("a", backoff)
    await quota_medium.pass_time(0.2)
    assert await quotas.failed("a", backoff) == 0.0
