"""Addresses in texts: what holds for any address, any text and any JSON, and what a second implementation says."""

import json
import re
import string
from ipaddress import IPv6Address
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from signalman.addresses import holds_address, may_hold_address, without_addresses
from signalman.net import Net
from tests import oracle
from tests.writings import CLEAN, Address, corpus, written

_HARMLESS = st.sampled_from(["", *CLEAN])
_GAP = st.sampled_from([" ", "\t", "\n", ", ", "; ", "=", "<", ">", '"', "'", "(", ")", "|", " - ", "→", "@", "?x="])


def _is_plain(address: Address) -> bool:
    """Not the unspecified address, which names nobody, nor one that is written like an EUI-64."""
    return str(address) != "::" and not (
        address.version == 6 and all(len(part) == 2 for part in str(address).split(":"))
    )


@given(st.ip_addresses().filter(_is_plain), st.data(), _HARMLESS, _GAP, _GAP, _HARMLESS)
def test_every_address_is_seen(
    address: Address, data: st.DataObject, before: str, left: str, right: str, after: str
) -> None:
    """Any address there is, in any writing, with anything harmless around it."""
    choices = [(name, text) for name, text in written(address) if not _is_glued_and_short(name, address)]
    _, text = data.draw(st.sampled_from(choices))
    whole = f"{before}{left}{text}{right}{after}"
    assert holds_address(whole)
    assert may_hold_address(orjson.dumps({"a": whole}))
    rest = without_addresses(whole)
    assert not holds_address(rest)
    assert oracle.in_text(rest) == []


def _is_glued_and_short(name: str, address: Address) -> bool:
    """A known limit: it looks like a path of a program, ``ipabcd::efport``, and begins with a group that nobody has."""
    return name == "any: glued to words" and address.version == 6 and not _has_group_in_use(IPv6Address(str(address)))


def _has_group_in_use(address: IPv6Address) -> bool:
    first, *others = str(address).split(":")
    return bool(re.fullmatch("[23]...|f[cd]..|fe[89ab].", first)) or any(part[:1].isdecimal() for part in others[:-1])


_SIGNS = st.text(st.sampled_from('.:-_0123456789abdfxzFg%\\&#;[]()" u25/Ａ．：²\u200b'), max_size=40)  # noqa: RUF001 # wide
_PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "1",
                "25",
                "203",
                "256",
                "2001",
                "db8",
                "fe80",
                "::",
                ":",
                ".",
                "-",
                "_",
                "[.]",
                "%2e",
                "%3A",
                "%25",
                "\\u003a",
            ),
            *(
                "\\",
                '"',
                " ",
                "x",
                "std",
                "Chrome/",
                "0.0.0",
                "00",
                "ff",
                "in-addr.arpa",
                "ip6.arpa",
                "ipv6-literal.",
                "&#58;",
            ),
            *("[:]", "(dot)", "１", "．", "。", "/", ",", "2026-08-20-", "host", "ip-", "\t", "{", "}"),  # noqa: RUF001 # wide
        ]
    ),
    max_size=16,
).map("".join)
_TEXT = _SIGNS | _PIECES | st.text(max_size=10) | st.sampled_from([*CLEAN, *(text for _, text in corpus())])


@given(_SIGNS | _PIECES)
def test_it_sees_what_a_naive_search_sees(text: str) -> None:
    """A second implementation, which tries every part of every reading, finds nothing that the first has missed."""
    if oracle.in_text(text):
        assert holds_address(text)


@given(_TEXT)
@example("%" * 40)
@example("&" + "amp;" * 40)
@example("203.0.113.9" * 3)
def test_what_is_left_holds_no_address(text: str) -> None:
    """Taking addresses out leaves none, taking out again changes nothing, and a text without one is returned itself."""
    rest = without_addresses(text)
    assert not holds_address(rest)
    assert without_addresses(rest) is rest
    assert (rest is text) == (not holds_address(text))
    assert not holds_address(without_addresses(text, "…"))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_TEXT | st.sampled_from(["a", "time"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_JSON)
@example({"a": "2001:db8:a:b:c:d:e:f"})
@example(['{"host":"cable-7"}'])
@example({"a": "%7B%22client_ip%22%3A7%7D"})
@example({"a": {"{＂host＂:1}": 1}})  # noqa: RUF001 # full-width quotes
def test_the_first_test_lets_nothing_pass(value: Any) -> None:
    """Whenever the net would remove a text or a key for what it says, the test of the encoded bytes has told so."""
    if any(Net().clean(text)[1] for text in oracle.texts(value)):
        assert may_hold_address(orjson.dumps(value))


@given(st.text(string.printable, max_size=30))
def test_the_writing_of_a_text_is_no_matter(text: str) -> None:
    """Whether a text is escaped by JSON any number of times, an address in it is seen."""
    if holds_address(text):
        assert holds_address(json.dumps(text))
        assert holds_address(json.dumps(json.dumps({"a": text})))
