"""The door: who is let in, who is refused, and what is counted of it."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from signalman.backends.memory_quotas import MemoryQuotas
from signalman.errors import Limited
from signalman.gateway.admission import Admission, AdmissionLimits
from signalman.metrics import Metrics
from signalman.principal import Principal
from signalman.protocol import ERRORS
from tests.unit.gateway.quotas import Clock, FakeShared

ADDRESS, OTHER = "203.0.113.9", "203.0.113.10"
ALICE = Principal("user", "alice", ("tenant-1",), user_id="alice")
BOB = Principal("user", "bob", ("tenant-1",), user_id="bob")
CAROL = Principal("user", "carol", ("tenant-2",), user_id="carol")
NONE = AdmissionLimits(
    connections_per_tenant=0,
    connections_per_user=0,
    connections_per_address=0,
    handshakes_per_minute=0,
    failures=0,
    unauthenticated=0,
    snapshots_per_minute=0,
)


class Door:
    """An admission with these limits, its clock, and what it shares."""

    def __init__(self, **limits: float) -> None:
        self.clock = Clock()
        self.shared = FakeShared(self.clock)
        self.metrics = Metrics()
        self.admission = Admission(
            self.shared,
            MemoryQuotas(self.clock),
            replace(NONE, **limits),  # type: ignore[arg-type]  # each by the name and type of its field
            self.metrics,
            key=b"a key of the tests",
            clock=self.clock,
        )

    def limited(self, limit: str) -> float:
        """How many were counted as turned away by *limit*."""
        return self.metrics.registry.get_sample_value("signalman_limited_total", {"limit": limit}) or 0.0

    @property
    def unauthenticated(self) -> float:
        """The gauge."""
        return self.metrics.registry.get_sample_value("signalman_unauthenticated") or 0.0

    async def refuses(self, code: str, limit: str, address: str | None = ADDRESS) -> Limited:
        """Somebody arrives and is turned away so, which is counted."""
        before = self.limited(limit)
        with pytest.raises(Limited) as caught:
            await self.admission.arrive(address)
        assert (caught.value.code, caught.value.limit) == (code, limit)
        assert code in ERRORS
        assert caught.value.retry_after > 0
        assert (address or "nobody") not in str(caught.value)
        assert self.limited(limit) == before + 1
        return caught.value


async def test_connections_of_one_address() -> None:
    """As many as the limit; another address has its own; a place is free again when somebody leaves."""
    door = Door(connections_per_address=2)
    first = await door.admission.arrive(ADDRESS)
    await door.admission.arrive(ADDRESS)
    await door.refuses("too_many_connections", "connections_per_address")
    await door.admission.arrive(OTHER)
    await first.leave()
    await door.admission.arrive(ADDRESS)
    await door.refuses("too_many_connections", "connections_per_address")


async def test_whose_address_is_not_known_is_limited_all_the_same() -> None:
    """All of them together, as one address."""
    door = Door(connections_per_address=1)
    await door.admission.arrive(None)
    await door.refuses("too_many_connections", "connections_per_address", None)


async def test_attempts_of_one_address() -> None:
    """So many at once and then so many a minute, of sockets and of requests together."""
    door = Door(handshakes_per_minute=60)
    for _ in range(30):
        await (await door.admission.arrive(ADDRESS)).leave()
        await door.admission.attempt(ADDRESS)
    error = await door.refuses("too_many_attempts", "handshakes_per_minute")
    assert error.retry_after == pytest.approx(1.0)
    with pytest.raises(Limited):
        await door.admission.attempt(ADDRESS)
    await door.admission.arrive(OTHER)
    door.clock.now += 1.0
    await door.admission.arrive(ADDRESS)
    await door.refuses("too_many_attempts", "handshakes_per_minute")


async def test_failures_cost_time() -> None:
    """Some are free; then each doubles the wait, up to the longest; who comes within it is turned away, also with a
    good credential; others are not.
    """
    door = Door(failures=2, failure_pause_seconds=1.0, failure_longest_pause_seconds=5.0)
    waits: list[float] = []
    for _ in range(6):
        visitor = await door.admission.arrive(ADDRESS)
        await visitor.failed()
        await visitor.leave()
        if len(waits) < 2:
            waits.append(0.0)  # the next one is let in, or the loop ends here
        else:
            waits.append((await door.refuses("too_many_attempts", "failures")).retry_after)
            door.clock.now += waits[-1]
    assert waits == [0.0, 0.0, *map(pytest.approx, (1.0, 2.0, 4.0, 5.0))]
    assert door.limited("failures") == 4
    await door.admission.arrive(OTHER)


async def test_failed_requests_count_as_failed_sockets() -> None:
    """Who tries keys over REST has to wait at the WebSocket, and the other way round."""
    door = Door(failures=1, failure_pause_seconds=10.0)
    attempt = await door.admission.attempt(ADDRESS)
    visitor = await door.admission.arrive(ADDRESS)
    assert attempt.mark == visitor.mark
    await attempt.failed()
    await visitor.failed()
    await door.refuses("too_many_attempts", "failures")
    with pytest.raises(Limited):
        await door.admission.attempt(ADDRESS)


async def test_a_block_is_logged_once() -> None:
    """When it begins, under the mark of the address; however often somebody comes within it."""
    door = Door(failures=1, failure_pause_seconds=10.0)
    with capture_logs() as logs:
        attempts = [await door.admission.attempt(ADDRESS) for _ in range(2)]
        for attempt in attempts:
            await attempt.failed()
        for _ in range(100):
            await door.refuses("too_many_attempts", "failures")
    assert [(line["event"], line["visitor"], line["seconds"]) for line in logs] == [
        ("address_blocked", attempts[0].mark, 10.0)
    ]


async def test_a_block_by_another_gateway_holds_here() -> None:
    """Who failed there need not try here."""
    door = Door(failures=1, failure_pause_seconds=10.0)
    key = f"address:{door.admission.marks.address(ADDRESS)}"
    for _ in range(2):
        await door.shared.others.failed(key, door.admission.limits.backoff)
    await door.refuses("too_many_attempts", "failures")


async def test_who_is_blocked_costs_nothing() -> None:
    """Redis is not asked about an address that is known to have to wait, however often it comes; when its time is over
    it is asked about again.
    """
    door = Door(failures=0 + 1, failure_pause_seconds=10.0, handshakes_per_minute=1000, connections_per_address=1000)
    for _ in range(2):
        visitor = await door.admission.arrive(ADDRESS)
        await visitor.failed()
        await visitor.leave()
    door.shared.asked.clear()
    for _ in range(1000):
        await door.refuses("too_many_attempts", "failures")
    assert door.shared.asked == []
    door.clock.now += 10.0
    await door.admission.arrive(ADDRESS)
    assert door.shared.asked


async def test_ever_new_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the many that are blocked only so many are known by heart; Redis knows the others."""
    monkeypatch.setattr("signalman.gateway.admission._MOST_REFUSED", 10)
    door = Door(failures=1, failure_pause_seconds=10.0)
    for number in range(50):
        for _ in range(2):
            await (await door.admission.attempt(f"2001:db8:0:{number:x}::1")).failed()
    assert len(door.admission._refused) == 10
    await door.refuses("too_many_attempts", "failures", "2001:db8:0:0::1")


async def test_sockets_that_have_not_said_who_they_are() -> None:
    """So many at once per gateway, whatever their addresses; who says so, or goes, makes room. The gauge tells."""
    door = Door(unauthenticated=2)
    first, second = await door.admission.arrive(ADDRESS), await door.admission.arrive(OTHER)
    assert door.unauthenticated == 2
    await door.refuses("overloaded", "unauthenticated", "203.0.113.11")
    await first.known(ALICE)
    third = await door.admission.arrive(ADDRESS)
    await door.refuses("overloaded", "unauthenticated")
    for visitor in (first, second, third, third):
        await visitor.leave()
    assert door.unauthenticated == 0


async def test_connections_of_one_tenant_and_one_user() -> None:
    """Each has its ceiling; who is refused by one of them is not counted by the other."""
    door = Door(connections_per_tenant=3, connections_per_user=2)
    visitors = [await door.admission.arrive(ADDRESS) for _ in range(7)]
    await visitors[0].known(ALICE)
    await visitors[1].known(ALICE)
    for _ in range(2):
        with pytest.raises(Limited) as caught:
            await visitors[2].known(ALICE)
        assert (caught.value.code, caught.value.limit) == ("too_many_connections", "connections_per_user")
    await visitors[3].known(BOB)
    with pytest.raises(Limited) as caught:
        await visitors[4].known(BOB)
    assert (caught.value.code, caught.value.limit) == ("too_many_connections", "connections_per_tenant")
    await visitors[5].known(CAROL)
    await visitors[0].leave()
    await visitors[2].known(ALICE)
    assert (door.limited("connections_per_user"), door.limited("connections_per_tenant")) == (2, 1)


async def test_a_refresh_is_not_counted_again() -> None:
    """However often somebody says who he is, he is one connection, and gives back one."""
    door = Door(connections_per_tenant=1, unauthenticated=1)
    visitor = await door.admission.arrive(ADDRESS)
    for _ in range(3):
        await visitor.known(ALICE)
    await visitor.leave()
    assert door.unauthenticated == 0
    await (await door.admission.arrive(ADDRESS)).known(BOB)


async def test_who_leaves_while_he_is_being_counted_holds_nothing() -> None:
    """A socket that goes between its credential and the answer is given back when the answer comes."""
    door = Door(connections_per_tenant=1)
    visitor = await door.admission.arrive(ADDRESS)
    enter = door.admission.quotas.enter

    async def slowly(ceilings: dict[str, int]) -> str | None:
        answer = await enter(ceilings)
        await visitor.leave()
        return answer

    door.admission.quotas.enter = slowly  # type: ignore[method-assign,assignment]  # only here
    await visitor.known(ALICE)
    door.admission.quotas.enter = enter  # type: ignore[method-assign]  # as it was
    await (await door.admission.arrive(ADDRESS)).known(BOB)


async def test_who_leaves_twice_gives_back_once() -> None:
    """The second `leave` takes nobody else's place away."""
    door = Door(connections_per_address=2)
    first = await door.admission.arrive(ADDRESS)
    await door.admission.arrive(ADDRESS)
    await first.leave()
    await first.leave()
    await door.admission.arrive(ADDRESS)
    await door.refuses("too_many_connections", "connections_per_address")


async def test_who_is_refused_holds_nothing() -> None:
    """Neither a place of the address nor one among those who have not said who they are."""
    door = Door(connections_per_address=1, handshakes_per_minute=3, unauthenticated=2)
    visitor = await door.admission.arrive(ADDRESS)
    await door.refuses("too_many_connections", "connections_per_address")
    assert door.unauthenticated == 1
    await visitor.leave()
    await (await door.admission.arrive(ADDRESS)).leave()
    await door.refuses("too_many_attempts", "handshakes_per_minute")
    assert door.unauthenticated == 0


async def test_snapshots_of_one_person() -> None:
    """So many a minute for each user, token or account, over all gateways."""
    door = Door(snapshots_per_minute=2)
    for _ in range(2):
        await door.admission.snapshot(ALICE)
    with pytest.raises(Limited) as caught:
        await door.admission.snapshot(ALICE)
    assert (caught.value.code, caught.value.limit) == ("too_many_snapshots", "snapshots_per_minute")
    assert caught.value.retry_after == pytest.approx(30.0)
    await door.admission.snapshot(BOB)
    assert door.limited("snapshots_per_minute") == 1


async def test_zero_sets_no_limit() -> None:
    """Then nobody is asked about anything, and nobody is ever refused."""
    door = Door()
    visitors = [await door.admission.arrive(ADDRESS) for _ in range(100)]
    for visitor in visitors:
        await visitor.known(ALICE)
        await visitor.failed()
        await door.admission.snapshot(ALICE)
    for visitor in visitors:
        await visitor.leave()
    assert door.shared.asked == []
    assert not door.admission.by_address


async def test_limits_hold_without_the_others() -> None:
    """While Redis is away everybody is still let in, up to this gateway's own count; nothing raises."""
    door = Door(connections_per_address=1, handshakes_per_minute=60, failures=5, connections_per_tenant=1)
    door.shared.is_away = True
    visitor = await door.admission.arrive(ADDRESS)
    await visitor.known(ALICE)
    await visitor.failed()
    await door.refuses("too_many_connections", "connections_per_address")
    other = await door.admission.arrive(OTHER)
    with pytest.raises(Limited):
        await other.known(BOB)
    await visitor.leave()
    await other.known(BOB)


async def test_nothing_shared_names_anybody() -> None:
    """Neither address nor tenant nor user stands in a key, and another installation's keys are others."""
    door = Door(connections_per_address=9, connections_per_tenant=9, connections_per_user=9, failures=9)
    visitor = await door.admission.arrive(ADDRESS)
    await visitor.known(ALICE)
    await visitor.failed()
    keys = " ".join([*door.shared.others._held, *door.shared.others._failures])
    assert len(keys) > 100
    for name in (ADDRESS, "alice", "tenant-1"):
        assert name not in keys


async def test_failures_are_remembered_for_long_enough() -> None:
    """Longer than the longest wait, or who waits it out begins anew; a first wait above the longest is the longest."""
    backoff = AdmissionLimits(failure_pause_seconds=5.0, failure_longest_pause_seconds=3600.0).backoff
    assert backoff.memory > backoff.longest
    assert AdmissionLimits(failure_pause_seconds=9.0, failure_longest_pause_seconds=2.0).backoff.longest == 9.0
