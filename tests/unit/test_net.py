import copy
import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.addresses import holds_address
from signalman.net import Net, is_host_like
from tests import oracle
from tests.writings import CLEAN, corpus

NET = Net()


def test_values_with_addresses_go() -> None:
    """A member or list item that holds an address is gone, its neighbours stay, and each is counted."""
    value = {"a": "x", "b": "203.0.113.9", "c": ["y", "::1", {"d": "10.0.0.1", "e": 1}], "f": None}
    assert NET.clean(value) == ({"a": "x", "c": ["y", {"e": 1}], "f": None}, 3)


def test_map_keys_with_addresses_go() -> None:
    """A map keyed by address loses those entries: the key alone would tell."""
    assert NET.clean({"by_peer": {"203.0.113.9": 3, "n": 4}}) == ({"by_peer": {"n": 4}}, 1)


HOST_LIKE = [
    *(
        "host",
        "hosts",
        "Hostname",
        "host_name",
        "HOSTNAME",
        "viewer_host",
        "viewerHost",
        "remotehost",
        "remote_host_name",
    ),
    *("ip", "IP", "client_ip", "clientIp", "clientIP", "clientIPs", "clientip", "resolved_ip", "resolved-ip", "ip2"),
    *("ip_address", "IPAddress", "peer_ip_address", "ipv4", "ipv6", "ip6", "ips", "host_1", "client_ip_2"),
    *("remote_addr", "remoteAddr", "RemoteAddress", "REMOTE_ADDR", "REMOTEADDR", "peer_address", "addr", "addrs"),
    *("server_addr", "listen_address", "sock_addr", "source_address", "dst_addr", "remote", "peer", "Forwarded"),
    *("x_forwarded_for", "X-Forwarded-For", "HTTP_X_FORWARDED_FOR", "xforwardedfor", "x-original-forwarded-for"),
    *(
        "X-Forwarded-Host",
        "X-Real-IP",
        "CF-Connecting-IP",
        "True-Client-IP",
        "Fastly-Client-IP",
        "x-envoy-external-address",
    ),
    *("fqdn", "rdns", "ｈｏｓｔ", "reverse_dns"),  # noqa: RUF001 # full-width letters
]
SIMILAR = [
    *("host_count", "ghost", "zip", "ship", "hostile", "address_book", "chips", "tip", "…", "", "_", "1", "ip_version"),
    *("location", "node_id", "node_name", "protocol", "description", "clip", "vip_level", "peers", "remote_cluster"),
    *(
        "orch_addr",
        "wallet_address",
        "contract_address",
        "address",
        "addresses",
        "email_address",
        "mac_address",
        "endpoint",
    ),
    *(
        "peer_cluster",
        "host_times",
        "by_peer",
        "remote_bytes",
        "session_id",
        "client",
        "viewer",
        "city",
        "country_code",
    ),
]


@pytest.mark.parametrize("key", HOST_LIKE)
def test_host_like_keys_go(key: str) -> None:
    """What stands under a host-like key goes in every shape, for a host name or a number tells as much."""
    assert is_host_like(key)
    for value in ("cable-7.example.net", 3_405_803_785, ["n"], {"name": "n"}):
        assert NET.clean({key: value, "n": 1}) == ({"n": 1}, 1)


@pytest.mark.parametrize("key", SIMILAR)
def test_similar_keys_stay(key: str) -> None:
    """A key that merely has the letters is no host-like key, and an address may be one of a ledger or a mailbox."""
    assert not is_host_like(key)
    assert NET.clean({key: "n"}) == ({key: "n"}, 0)


@pytest.mark.parametrize("key", ["host", "client_ip", "X-Forwarded-For", "h\\u006fst"])
def test_host_like_keys_in_json_in_a_text_take_the_text(key: str) -> None:
    """In a text one cannot take out the member alone. It may lie deep, within other text, encoded or escaped."""
    member = f'{{"a": [{{"{key}" : "cable-7.example.net"}}]}}'
    levels = [member, json.dumps(member), json.dumps(json.dumps({"b": member}))]
    for text in (
        *levels,
        f"got {member} from there",
        quote(member),
        f'{{"x":1}}\n{member}',
        member.replace('"', "&quot;"),
    ):
        assert NET.clean({"details": text, "n": 1}) == ({"n": 1}, 1)


@pytest.mark.parametrize(
    "text", ['{"is_host": true, "ip": null, "host":false}', '{"name": "host"}', '["host", "ip"]', '"host"', "host: x"]
)
def test_other_json_in_a_text_stays(text: str) -> None:
    """Flags, values and words tell nothing."""
    assert NET.clean({"details": text}) == ({"details": text}, 0)


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


_TEXT = (
    st.text(string.printable, max_size=12)
    | st.sampled_from(CLEAN)
    | st.sampled_from([text for _, text in corpus()])
    | st.sampled_from(['{"host":1}', '{"a":{"client_ip":"x"}}', "%7B%22host%22:1%7D", '{"host":null}'])
)
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
    """What comes out holds no address, not for a naive search either, nor a host-like key with something under it;
    cleaning it again finds nothing more, and the input is as it was.
    """
    before = copy.deepcopy(value)
    clean, removed = NET.clean(value)
    assert value == before
    assert NET.clean(clean) == (clean, 0)
    assert not any(holds_address(text) for text in oracle.texts(clean))
    assert oracle.addresses(clean) == []
    assert (removed == 0) == (clean is value or clean == value)
