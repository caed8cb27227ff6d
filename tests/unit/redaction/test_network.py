"""Addresses to networks."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.redaction.network import network
from tests.unit.redaction.sample import REDACTIONS, applied


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("203.0.113.9:443", "203.0.113.0/24"),
        ("[203.0.113.9]:443", "203.0.113.0/24"),
        ("203.0.113.9/32", "203.0.113.0/24"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.9/16", "203.0.0.0/16"),
        ("203.0.113.9/0", "0.0.0.0/0"),
        ("2001:db8:1:2::9", "2001:db8:1::/48"),
        ("2001:DB8:0001::9", "2001:db8:1::/48"),
        ("[2001:db8:1:2::9]", "2001:db8:1::/48"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1::/48"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1:2:3:4:5:6:443", "2001:db8:1::/48"),
        ("2001:db8:1:2::9/128", "2001:db8:1::/48"),
        ("2001:db8:1::/48", "2001:db8:1::/48"),
        ("2001:db8:1::/32", "2001:db8::/32"),
        ("fe80::1%eth0", "fe80::/48"),
        ("[fe80::1%25eth0]:80", "fe80::/48"),
        ("fe80::1%en1/64", "fe80::/48"),
        ("::1", "::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("::FFFF:cb00:7109", "203.0.113.0/24"),
        ("[::ffff:203.0.113.9]:443", "203.0.113.0/24"),
        ("::ffff:203.0.113.9/128", "203.0.113.0/24"),
        ("::ffff:203.0.113.9/112", "203.0.0.0/16"),
        ("::ffff:203.0.113.9/64", "::/48"),
        ("64:ff9b::203.0.113.9", "64:ff9b::/48"),
    ],
)
def test_plain_writings(text: str, expected: str) -> None:
    """Port, brackets, zone and prefix fall away; IPv4 inside of IPv6 is IPv4; a network stays, or gets wider."""
    assert network(text) == expected


@pytest.mark.parametrize("text", ["2002:cb00:7109::1", "2002:cb00:7109::/48", "2002:cb00:7109:5:6::"])
def test_6to4_is_the_ipv4_address_that_it_holds(text: str) -> None:
    """Its first 48 bits are a whole IPv4 address: the /48 of it would be somebody's machine."""
    assert network(text) == "203.0.113.0/24"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "unknown",
        "edge.example.net",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.9.1",
        "203.0.113.9/33",
        "203.0.113.9/",
        "203.0.113.9:",
        "203.0.113.9:1:2",
        "2001:db8::1::2",
        "2001:db8::/129",
        "at 203.0.113.9",
        "https://203.0.113.9/",
        "dead:beef",
        "12:30:45",
        "203.0.113.9%" + "e" * 100,
    ],
)
def test_anything_else_is_none(text: str) -> None:
    """A host name, text around an address, or half of one is not an address."""
    assert network(text) is None


@given(st.ip_addresses().map(str))
def test_any_address(text: str) -> None:
    """Property: the network holds the address where it is of its family, is wide enough, and is its own network."""
    found = network(text)
    assert found is not None
    masked, address = ip_network(found), ip_address(text)
    assert masked.prefixlen <= (24 if masked.version == 4 else 48)
    assert masked.version != address.version or address in masked
    assert network(found) == found


@pytest.mark.parametrize(
    ("value", "expected", "unread"),
    [
        ("203.0.113.9, 198.51.100.7", "203.0.113.0/24, 198.51.100.0/24", 0),
        ("203.0.113.9,2001:db8::1", "203.0.113.0/24, 2001:db8::/48", 0),
        ("unknown, 203.0.113.9,, edge.example", "203.0.113.0/24", 2),
        ("203.0.113.0/24, 2001:db8::/48", "203.0.113.0/24, 2001:db8::/48", 0),
        (" 203.0.113.9 ", "203.0.113.0/24", 0),
    ],
)
def test_lists_with_commas(value: str, expected: str, unread: int) -> None:
    """As proxies write them: each for itself, and what is no address goes without taking the others with it."""
    assert applied({"v": value}, REDACTIONS["mask"]) == ({"v": expected}, unread)


@pytest.mark.parametrize(("value", "unread"), [("edge.example", 1), ("a,b", 2), (",", 1), (" ", 1), (5, 1)])
def test_no_address_at_all(value: object, unread: int) -> None:
    """Then the field goes."""
    assert applied({"v": value}, REDACTIONS["mask"]) == ({}, unread)
