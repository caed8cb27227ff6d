"""Counts in memory: how much of it they may take. What they count, `tests/contract/test_quotas.py` asks of all."""

from signalman.access_ports import Backoff, Rate
from signalman.backends.memory_quotas import MemoryQuotas
from signalman.backends.memory_tickets import MemoryTickets

_SLOW = Rate(0.001, 1.0)
_LONG = Backoff(free=0, first=60.0, longest=60.0, memory=600.0)


async def test_ever_new_keys_do_not_fill_the_memory() -> None:
    """The one that was unused for the longest time is forgotten; one that keeps coming is not."""
    quotas = MemoryQuotas(clock=lambda: 0.0, most=10)
    await quotas.take("pest", _SLOW)
    await quotas.failed("pest", _LONG)
    for number in range(1000):
        await quotas.take(f"new-{number}", _SLOW)
        await quotas.failed(f"new-{number}", _LONG)
        assert await quotas.take("pest", _SLOW) > 0
        assert await quotas.failed("pest", _LONG) > 0
    assert len(quotas._buckets) == len(quotas._failures) == 10


async def test_what_was_given_back_leaves_nothing() -> None:
    """Keys of connections that have gone are gone, and giving back too much gives nobody more."""
    quotas = MemoryQuotas()
    await quotas.enter({"a": 1, "b": 1})
    await quotas.leave(["a", "b"])
    await quotas.leave(["a", "b"])
    assert not quotas._held
    assert await quotas.enter({"a": 1}) is None
    assert await quotas.enter({"a": 1}) == "a"


async def test_tickets_that_nobody_takes_go() -> None:
    """The next one that is kept takes those with it whose time is over."""
    now = [0.0]
    tickets = MemoryTickets(lambda: now[0])
    for number in range(100):
        await tickets.put(f"old-{number}", b"", 30.0)
    now[0] = 30.0
    await tickets.put("new", b"", 30.0)
    assert list(tickets._kept) == ["new"]
