"""The ticket office: what it gives out opens once, and tells the store nothing."""

import re
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.tickets import TicketOffice
from signalman.backends.memory_tickets import MemoryTickets
from signalman.errors import BackendUnavailable, NotAuthenticated
from signalman.principal import Principal

ALICE = Principal("user", "alice-0001", ("tenant-0001",), frozenset({"member"}), key="alice-0001")

_TEXT = st.text(max_size=20)
_PRINCIPALS = st.builds(
    Principal,
    st.sampled_from(["user", "token", "account"]),
    _TEXT,
    st.lists(_TEXT, max_size=3).map(tuple),
    roles=st.frozensets(_TEXT, max_size=3),
    permissions=st.none() | st.frozensets(_TEXT, max_size=3),
    expires_at=st.none() | st.floats(0, 1e10),
    user_id=st.none() | _TEXT,
    key=st.none() | _TEXT,
    operator=st.booleans(),
)


class Store(MemoryTickets):
    """Remembers what it was given, and what it was asked for."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.put_in: list[tuple[str, bytes, float]] = []
        self.asked: list[str] = []

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        self.put_in.append((name, value, seconds))
        await super().put(name, value, seconds)

    async def take(self, name: str) -> bytes | None:
        self.asked.append(name)
        return await super().take(name)


async def refused(office: TicketOffice, ticket: str) -> str:
    """The code with which *ticket* is refused."""
    with pytest.raises(NotAuthenticated) as caught:
        await office.redeem(ticket)
    assert len(ticket) < 5 or ticket not in str(caught.value)
    return caught.value.code


@given(principal=_PRINCIPALS)
async def test_whoever_redeems_it_is_who_got_it(principal: Principal) -> None:
    """To the last member, whatever stands in it."""
    office = TicketOffice(Store(), seconds=30.0)
    assert await office.redeem(await office.issue(principal)) == principal


async def test_an_id_that_is_no_unicode_comes_through() -> None:
    """JSON may name half a character, in a claim as anywhere; it stays what it is."""
    office = TicketOffice(Store(), seconds=30.0)
    odd = replace(ALICE, id="\ud800")
    assert await office.redeem(await office.issue(odd)) == odd


async def test_a_ticket_is_good_once() -> None:
    """The second time it is as unknown as one that never was."""
    office = TicketOffice(Store(), seconds=30.0)
    ticket = await office.issue(ALICE)
    await office.redeem(ticket)
    assert await refused(office, ticket) == "token_invalid"


async def test_tickets_are_long_random_texts() -> None:
    """256 bits after the prefix, none twice, and good for as long as was said."""
    store = Store()
    office = TicketOffice(store, seconds=12.0)
    tickets = [await office.issue(ALICE) for _ in range(100)]
    assert all(re.fullmatch(r"sgt_[A-Za-z0-9_-]{43}", ticket) for ticket in tickets)
    assert len(set(tickets)) == 100
    assert {seconds for _, _, seconds in store.put_in} == {12.0}


async def test_the_store_learns_nothing() -> None:
    """Neither the ticket nor whom it is for stands in what is kept, and one principal looks different each time."""
    store = Store()
    office = TicketOffice(store, seconds=30.0)
    ticket, _ = await office.issue(ALICE), await office.issue(ALICE)
    (name, value, _), (_, other, _) = store.put_in
    for kept in (name.encode(), value):
        for secret in (ticket.encode(), ticket[4:].encode(), b"alice", b"tenant", b"member"):
            assert secret not in kept
    assert value != other


async def test_the_name_in_the_store_is_not_the_key() -> None:
    """Who reads Redis has the ticket's digest, and cannot open with it what lies under it."""
    store = Store()
    await TicketOffice(store, seconds=30.0).issue(ALICE)
    ((name, value, _),) = store.put_in
    with pytest.raises(InvalidTag):
        AESGCM(bytes.fromhex(name)).decrypt(bytes(12), value, b"signalman ticket 1")


async def test_what_was_altered_or_exchanged_in_the_store_opens_nothing() -> None:
    """Who can write to Redis cannot make himself somebody else, not even with another ticket's true value."""
    store = Store()
    office = TicketOffice(store, seconds=30.0)
    ticket, _ = await office.issue(ALICE), await office.issue(replace(ALICE, id="bob"))
    (name, value, _), (_, bobs, _) = store.put_in
    for forged in (bytes([value[0] ^ 1]) + value[1:], value[:-1], b"", bobs):
        await store.put(name, forged, 30.0)
        assert await refused(office, ticket) == "token_invalid"


@pytest.mark.parametrize(
    "text", ["", "sgt_", "sgt_short", "sgt_" + "a" * 44, "sgx_" + "a" * 43, "sgt_" + "a" * 42 + "\n"]
)
async def test_what_is_no_ticket_is_not_looked_up(text: str) -> None:
    """Nobody makes the store work with what cannot be one."""
    store = Store()
    assert await refused(TicketOffice(store, seconds=30.0), text) == "token_invalid"
    assert store.asked == []


async def test_a_store_that_is_away_is_told_as_such() -> None:
    """It is no refusal: the ticket may be good."""

    class Away(Store):
        async def take(self, name: str) -> bytes | None:
            raise BackendUnavailable("redis", "could not take a ticket")

    with pytest.raises(BackendUnavailable):
        await TicketOffice(Away(), seconds=30.0).redeem("sgt_" + "a" * 43)
