"""The client's address behind load balancers, and that nobody outside can choose it."""

from ipaddress import IPv4Address, IPv4Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.web.address import client_address, is_trusted, networks

TRUSTED = networks(["10.0.0.0/8", "192.0.2.7", "fd00::/8"])
PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        (PROXY, [], PROXY),
        (PROXY, ["203.0.113.5"], "203.0.113.5"),
        (PROXY, ["198.51.100.1, 203.0.113.5"], "203.0.113.5"),
        (PROXY, ["198.51.100.1", "203.0.113.5"], "203.0.113.5"),
        (PROXY, ["203.0.113.5, 192.0.2.7", "10.9.9.9"], "203.0.113.5"),
        (PROXY, ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        (PROXY, ["203.0.113.5:4711"], "203.0.113.5"),
        (PROXY, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (PROXY, ["[2001:db8::1]"], "2001:db8::1"),
        (PROXY, ["2001:DB8:0::1"], "2001:db8::1"),
        (PROXY, ["fe80::1%eth0"], "fe80::1"),
        (PROXY, ["::ffff:203.0.113.5"], "203.0.113.5"),
        ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("fd00::1", ["203.0.113.5"], "203.0.113.5"),
        (PROXY, ["203.0.113.5, unknown"], PROXY),
        (PROXY, ["203.0.113.5, "], PROXY),
        (PROXY, ["203.0.113.5, [2001:db8::1]x"], PROXY),
        (PROXY, ["203.0.113.5, unknown, 10.3.3.3"], "10.3.3.3"),
        (PROXY, [""], PROXY),
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),
        (None, ["198.51.100.1"], None),
        ("/run/signalman.sock", ["198.51.100.1"], None),
    ],
)
def test_the_rightmost_address_that_is_not_a_trusted_proxys(
    peer: str | None, forwarded_for: list[str], address: str | None
) -> None:
    """Headers are read from the right, as long as who wrote is trusted; what is no address ends it there."""
    assert client_address(peer, forwarded_for, TRUSTED) == address


def test_without_trusted_proxies_nobody_is_believed() -> None:
    """The default: not even a process of this machine."""
    assert client_address("127.0.0.1", ["203.0.113.5"], ()) == "127.0.0.1"
    assert not is_trusted("127.0.0.1", ())
    assert not is_trusted(None, TRUSTED)


def test_a_network_that_is_none_is_refused() -> None:
    """Configuration has checked it before; here it cannot be passed over."""
    with pytest.raises(ValueError, match="does not appear to be"):
        networks(["10.0.0.0/8", "everybody"])


outside = st.ip_addresses().map(str).filter(lambda text: not is_trusted(text, TRUSTED))
inside = st.ip_addresses(v=4, network=IPv4Network("10.0.0.0/8")).map(str)
lies = st.lists(st.one_of(st.text(max_size=30), st.ip_addresses().map(str), inside), max_size=5)
ports = st.one_of(st.none(), st.integers(min_value=0, max_value=65535))


def _usual(text: str) -> str:
    mapped = getattr(ip_address(text), "ipv4_mapped", None)
    return str(mapped or ip_address(text))


@given(outside, lies)
def test_an_untrusted_peer_cannot_choose_its_address(peer: str, said: list[str]) -> None:
    """Whatever it sends, it has the address from which it has connected."""
    assert client_address(peer, said, TRUSTED) == _usual(peer)


@given(outside, lies, st.lists(inside, max_size=3), ports, st.sampled_from(["one header", "a header each"]))
def test_neither_can_one_behind_trusted_proxies(
    client: str, said: list[str], chain: list[str], port: int | None, form: str
) -> None:
    """Each proxy adds whom it has seen, to the header or as another one: what the client had sent before makes no
    difference.
    """
    seen = client
    if port is not None:
        seen = f"{client}:{port}" if isinstance(ip_address(client), IPv4Address) else f"[{client}]:{port}"
    added = [seen, *chain]
    headers = [*said, *added] if form == "a header each" else [", ".join([*said, *added])]
    assert client_address(PROXY, headers, TRUSTED) == _usual(client)


@given(st.one_of(st.none(), st.text()), st.lists(st.text()))
def test_rubbish_gives_an_address_or_none(peer: str | None, said: list[str]) -> None:
    """It never fails, and what it gives is an address."""
    found = client_address(peer, said, TRUSTED)
    assert found is None or str(ip_address(found)) == found
