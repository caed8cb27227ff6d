"""Marks: what stands for an address, a tenant, a person."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.gateway.marks import Marks
from signalman.principal import Principal

MARKS = Marks(b"a key of the tests")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:db8:1:2::1", "2001:0DB8:0001:0002:0:0:0:9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:cb00:7109", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::2"),
        (None, ""),
        (None, "nonsense"),
    ],
)
def test_the_same_customer_has_one_mark(one: str | None, other: str | None) -> None:
    """IPv6 by its /64 network, however it is written; IPv4 within IPv6 as IPv4; and what is not known is one."""
    assert MARKS.address(one) == MARKS.address(other)


def test_others_have_others() -> None:
    """Neighbours of IPv4, networks of IPv6, and nobody has that of the unknown."""
    addresses = ["203.0.113.9", "203.0.113.10", "2001:db8:1:2::1", "2001:db8:1:3::1", "::1", "0.0.0.0", None]
    assert len({MARKS.address(address) for address in addresses}) == len(addresses)


@given(address=st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_a_mark_holds_nothing_of_the_address(address: IPv4Address | IPv6Address) -> None:
    """It is a digest that another key makes another of: 32 hexadecimal digits, whatever the address."""
    mark = MARKS.address(str(address))
    assert len(mark) == 32
    assert set(mark) <= set("0123456789abcdef")
    assert mark != Marks(b"another key").address(str(address))


def test_people_and_tenants() -> None:
    """A person is known by kind and id, a tenant by the widest level; one never has the mark of the other."""
    alice = Principal("user", "one", ("tenant", "project"))
    assert MARKS.person(alice) == MARKS.person(Principal("user", "one", ("other",)))
    assert MARKS.tenant(alice) == MARKS.tenant(Principal("token", "two", ("tenant", "else")))
    marks = {
        MARKS.person(alice),
        MARKS.person(Principal("token", "one", ("tenant",))),
        MARKS.person(Principal("user", "tenant", ())),
        MARKS.tenant(alice),
        MARKS.tenant(Principal("user", "one", ("tenant2",))),
        MARKS.tenant(Principal("user", "one", ("one",))),
        MARKS.tenant(Principal("user", "one", ())),
    }
    assert len(marks) == 7
