"""What every `Tickets` promises, and what Redis learns of them."""

import asyncio

import pytest

from signalman.access.tickets import TicketOffice
from signalman.principal import Principal
from tests.contract.quota_media import QuotaMedium, RedisQuotaMedium


@pytest.fixture(params=["memory", "redis", "redis cluster"])
def quota_kind(request: pytest.FixtureRequest) -> str:
    """Each kind in turn."""
    return str(request.param)


async def test_what_was_put_is_taken_once(quota_medium: QuotaMedium) -> None:
    """By whichever gateway comes first, byte by byte as it was; then it is gone. Others are not touched."""
    one, other = await quota_medium.tickets(), await quota_medium.tickets()
    value = bytes(range(256))
    await one.put("a", value, 30.0)
    await one.put("b", b"", 30.0)
    assert await other.take("a") == value
    assert await other.take("a") is None
    assert await one.take("a") is None
    assert await one.take("b") == b""
    assert await one.take("never") is None


async def test_fifty_that_come_at_once_take_it_once(quota_medium: QuotaMedium) -> None:
    """Over two gateways; one has it, and the others have nothing."""
    gateways = [await quota_medium.tickets(), await quota_medium.tickets()]
    for number in range(10):
        await gateways[0].put(f"ticket-{number}", b"value", 30.0)
        taken = await asyncio.gather(*(gateways[place % 2].take(f"ticket-{number}") for place in range(50)))
        assert sorted(taken, key=lambda value: value is None) == [b"value", *[None] * 49]


async def test_it_is_good_for_its_seconds(quota_medium: QuotaMedium) -> None:
    """And not for longer."""
    tickets = await quota_medium.tickets()
    await tickets.put("short", b"value", 0.1)
    await tickets.put("long", b"value", 100.0)
    await quota_medium.pass_time(0.1)
    assert await tickets.take("short") is None
    assert await tickets.take("long") == b"value"


@pytest.mark.parametrize("quota_kind", ["redis"])
async def test_redis_learns_neither_the_ticket_nor_whose_it_is(quota_medium: RedisQuotaMedium) -> None:
    """A digest and ciphertext stand there, for thirty seconds; with all of it nobody can redeem or name anybody."""
    office = TicketOffice(await quota_medium.tickets(), seconds=30.0)
    principal = Principal("user", "alice-0001", ("tenant-0001",), frozenset({"member"}), key="alice-0001")
    ticket = await office.issue(principal)
    (key,) = await quota_medium.keys()
    kept = key + await quota_medium.operator.get(key)
    for secret in (ticket[4:], "alice", "tenant", "member", "user"):
        assert secret.encode() not in kept
    assert 0 < await quota_medium.operator.pttl(key) <= 30_000
    assert await office.redeem(ticket) == principal
    assert await quota_medium.keys() == []
