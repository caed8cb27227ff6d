import copy
import string
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.net import Net, holds_address

NET = Net()

ADDRESSES = [
    "203.0.113.9",
    "0.0.0.0",
    "255.255.255.255",
    "203.0.113.9:443",
    "203.0.113.0/24",
    "https://203.0.113.9/live?x=1",
    "10.0.0.1, 203.0.113.9",
    "ip-203.0.113.9.example.net",
    "v=203.000.113.009",
    "2001:db8::1",
    "2001:DB8::1",
    "[2001:db8::1]:8080",
    "2001:db8::1:54321",
    "2001:0db8:0000:0000:0000:0000:0000:0001",
    "2001:db8:0:0:0:0:0:1:8080",
    "client 2001:db8::1, port 3",
    "addr:2001:db8::1",
    "peer=2001:db8:1:2:3:4:5:6;",
    "fe80::1%eth0",
    "fe80::1/64",
    "::1",
    "::ffff:203.0.113.9",
    "::ffff:cb00:7109",
    "x2001:db8::1",
    "2001:db8::1z",
    "for=2001:db8::1:",
]

CLEAN = [
    "",
    "12:30:45",
    "2026-08-20T10:11:12.123456789+02:00",
    "std::vector",
    "std::dec",
    "std::bad_alloc",
    "a.b.c.d",
    "::",
    "256.1.1.1",
    "1.2.3",
    "1.2.3.456",
    "1234.1.1.1",
    "v0.2.96",
    "5eed517e-ba5e-da7a-517e-ba5eda7a0001",
    "807a534c30fd84d3544bd6ee5f8b1c4426596a9c8c360b92caf7b667c25db8d8",
    "00:11:22:33:44:55",
    "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",
    "599686042433355775",
    "85283473fffffff",
    "edge-node-1.example.net",
    "urn:signalman:error:forbidden",
    "live+demo_live_stream_001",
    "4:2:0",
    "…::…",
]


@pytest.mark.parametrize("text", ADDRESSES)
def test_address_is_seen(text: str) -> None:
    """An address is seen in every way that logs, URLs and headers write it."""
    assert holds_address(text)


@pytest.mark.parametrize("text", CLEAN)
def test_other_text_is_left_alone(text: str) -> None:
    """Times, names, UUIDs, hashes, fingerprints and H3 cells are no addresses."""
    assert not holds_address(text)


@given(st.ip_addresses(), st.sampled_from(["{}", "<{}>", "a {} b", "http://[{}]:80/", "x={};", "({},{})"]))
def test_every_address_is_seen(address: IPv4Address | IPv6Address, frame: str) -> None:
    """Every address there is, in its usual spelling, with anything but a word around it."""
    if address.compressed != "::":
        assert holds_address(frame.format(address.compressed, address.compressed))


@given(st.ip_addresses(v=6), st.integers(1, 65535))
def test_every_ipv6_address_is_seen_with_a_port(address: IPv6Address, port: int) -> None:
    """The careless spelling, without brackets, expanded or not."""
    assert holds_address(f"{address.exploded}:{port}")
    if address.compressed != "::":
        assert holds_address(f"{address.compressed}:{port}")


def test_long_runs_cost_little() -> None:
    """Megabytes of hex digits and colons are scanned once, not again from each of their characters."""
    for text in ("a" * 3_000_000 + "::", "a:" * 1_500_000, "1." * 1_500_000, ":" * 3_000_000):
        holds_address(text)


def test_values_with_addresses_go() -> None:
    """A member or list item that holds an address is gone, its neighbours stay, and each is counted."""
    value = {"a": "x", "b": "203.0.113.9", "c": ["y", "::1", {"d": "10.0.0.1", "e": 1}], "f": None}
    assert NET.clean(value) == ({"a": "x", "c": ["y", {"e": 1}], "f": None}, 3)


def test_map_keys_with_addresses_go() -> None:
    """A map keyed by address loses those entries: the key alone would tell."""
    assert NET.clean({"by_peer": {"203.0.113.9": 3, "n": 4}}) == ({"by_peer": {"n": 4}}, 1)


@pytest.mark.parametrize(
    "key",
    [
        *("host", "Hostname", "ip", "client_ip", "clientIp", "clientIP", "clientip", "remote_addr", "remoteAddr"),
        *("RemoteAddress", "x_forwarded_for", "X-Forwarded-For", "viewer_host", "resolved_ip", "X-Real-IP"),
        *("peer_address", "remotehost"),
    ],
)
def test_host_like_keys_go(key: str) -> None:
    """What stands under a host-like key goes in every shape, for a host name or a number tells as much."""
    for value in ("cable-7.example.net", 3_405_803_785, ["n"], {"name": "n"}):
        assert NET.clean({key: value, "n": 1}) == ({"n": 1}, 1)


@pytest.mark.parametrize("key", ["host_count", "ghost", "zip", "ship", "hostile", "address_book", "chips", "tip", "…"])
def test_similar_keys_stay(key: str) -> None:
    """A key that merely contains the letters is no host-like key."""
    assert NET.clean({key: "n"}) == ({key: "n"}, 0)


def test_host_like_flags_stay() -> None:
    """True, false and null hold no address."""
    value = {"is_host": True, "ip": None}
    assert NET.clean(value) == (value, 0)


def test_exposed_paths_stay() -> None:
    """A pack may expose a path: through objects, list items and any key of a map, and nothing beside it."""
    value = {
        "base_url": "http://10.0.0.1",
        "host": "edge-1",
        "outputs": [{"url": "http://10.0.0.2", "note": "10.0.0.2"}],
        "tags": ["10.0.0.3"],
        "peers": {"10.0.0.4": "10.0.0.4", "b": "10.0.0.5"},
        "other": "10.0.0.6",
    }
    exposed = frozenset({"base_url", "host", "outputs[].url", "tags[]", "peers.*"})
    expected = {**value, "outputs": [{"url": "http://10.0.0.2"}]}
    del expected["other"]
    assert NET.clean(value, exposed) == (expected, 2)


def test_exposure_is_not_inherited_or_imitated() -> None:
    """Exposing an object does not expose what is in it, and a key with a dot in it is no path."""
    value = {"a": {"b": "10.0.0.1"}, "c.d": "10.0.0.2", "tags[]": "10.0.0.3"}
    assert NET.clean(value, frozenset({"a", "c.d", "tags[]"})) == ({"a": {}}, 3)


def test_a_bare_value_becomes_null() -> None:
    """A value that is itself an address leaves nothing to return."""
    assert NET.clean("203.0.113.9") == (None, 1)
    assert NET.clean("fine") == ("fine", 0)


def test_a_clean_value_is_returned_itself() -> None:
    """The common case copies nothing."""
    value = {"a": ["b", {"c": 1.5}]}
    assert NET.clean(value)[0] is value


_TEXT = st.text(string.printable, max_size=12) | st.ip_addresses().map(str) | st.sampled_from(ADDRESSES + CLEAN)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_TEXT | st.sampled_from(["host", "client_ip", "a"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_JSON)
def test_nothing_is_left_and_nothing_is_changed(value: Any) -> None:
    """What comes out holds no address, cleaning it again finds nothing more, and the input is as it was."""
    before = copy.deepcopy(value)
    clean, removed = NET.clean(value)
    assert value == before
    assert NET.clean(clean) == (clean, 0)
    assert not any(holds_address(text) for text in _strings(clean))
    assert (removed == 0) == (clean is value or clean == value)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in _strings(item))]
    return [text for item in value for text in _strings(item)] if isinstance(value, list) else []
