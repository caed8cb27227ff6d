"""Addresses in texts: every writing is seen, nothing else is, and what is left when they are taken out holds none."""

import json
from typing import Any

import orjson
import pytest

from signalman.addresses import holds_address, may_hold_address, without_addresses
from signalman.addresses.readings import _folded
from signalman.net import Net
from tests.writings import ADDRESSES, CLEAN, WRITINGS, corpus

CORPUS = corpus()

EDGES = [
    "0.0.0.0",
    "10.0.0.1.",
    "x1.2.3.4y",
    "1.2.3.4.5.6",
    "Chrome/203.0.113.9",
    "Chrome/10.0.0.0:80",
    "Chrome/10.0.0.0/8",
    "Chrome/10.0.0.0.7",
    "MyChrome/10.0.0.0",
    "VLC/203.0.113.9",
    "AppleCoreMedia/1.0.0.20",
    "vp09.10.11.12.13",
    "ip-10-11-12-13-14-15",
    "10-0-0-5-14-15",
    "2026-13-10-11-12",
    "2026-10-11-12-7",
    "2026.08.20.10.11.12",
    "%2510.0.0.5",
    "%25203.0.113.9",
    "%u0032%u0030%u0033.0.113.9",
    "203\\x2e0\\x2e113\\x2e9",
    "203&period;0&period;113&period;9",
    "203&amp;#46;0&amp;#46;113&amp;#46;9",
    "113.0.203.in-addr.arpa",
    "8.B.D.0.1.0.0.2.IP6.ARPA",
    "2001:db8::1",
    "::1",
    "1::",
    ":::8080",
    "label:::1",
    "label::2001:db8::1",
    "2001:db8::1::2001:db8::2",
    "dead::beef",
    "fe80::",
    "xfe80::a",
    "newfd00::a::b",
    "x2001:db8::",
    "2001:db8::1z",
    "for=2001:db8::1:",
    "add:db8::",
    "peer::ffff:cb00:7109",
    "::ffff:cb00:7109",
    "1:2:3:4:5:6:7:8:9",
    "00:11:22:33:44:55:66:777",
    "0:11:22:33:44:55:66:77",
    "00:11:22:33:44:55:66:77x",
    "12345::abc",
    "203–0–113–9",  # noqa: RUF001 # dashes that are none
    "²⁰³.0.113.9",
]
"""Texts at the edge of what is excepted."""


def test_the_corpus_is_large() -> None:
    """Every family and every writing has its texts, so that zero misses mean something."""
    assert len(WRITINGS) > 90
    assert len(CORPUS) > 1_000
    assert {version for version in (4, 6) if any(address.version == version for address in ADDRESSES)} == {4, 6}


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "The viewer at {} was gone.",
        "a={};b=c",
        "({})",
        "'{}',\"x\"",
        "12:30:45 std::vector {} 1.2.3",
        "ends\n{}\nlines",
    ],
)
def test_no_writing_gets_through(frame: str) -> None:
    """Of the whole corpus, alone and in sentences, zero pass: as texts, keys and items, in JSON too."""
    texts = [(name, frame.replace("{}", text)) for name, text in CORPUS]
    net = Net()
    places: list[tuple[str, Any]] = [
        place for name, text in texts for place in ((name, {"a": text}), (name, [{text: 1}]), (name, [["b", text]]))
    ]
    assert [name for name, text in texts if not holds_address(text)] == []
    assert [name for name, value in places if net.clean(value)[1] != 1] == []
    assert [name for name, value in places if not may_hold_address(orjson.dumps(value))] == []
    assert [name for name, text in texts if not holds_address(json.dumps({"a": [text]}))] == []
    assert [name for name, text in texts if holds_address(without_addresses(text))] == []


@pytest.mark.parametrize("text", EDGES)
def test_the_exceptions_are_narrow(text: str) -> None:
    """What looks nearly like a version, a date, a MAC or a path is an address."""
    assert holds_address(text)
    assert may_hold_address(orjson.dumps(text))
    assert not holds_address(without_addresses(text))


@pytest.mark.parametrize("text", CLEAN)
def test_other_text_is_left_alone(text: str) -> None:
    """Times, versions, user agents, paths of programs, hashes, MACs, codecs: alone, in JSON and in a sentence."""
    for whole in (text, json.dumps({"a": text}, ensure_ascii=False), f"It said {text} again"):
        assert not holds_address(whole)
        assert without_addresses(whole) is whole


def test_the_first_test_knows_unicode() -> None:
    """Every character that becomes an ASCII one, or vanishes, when a text is folded makes the test look closer."""
    planes = [*range(0x80, 0xD800), *range(0xE000, 0x32400), *range(0xE0000, 0xE1000)]
    missed = [
        hex(number)
        for number in planes
        if (folded := _folded(chr(number))) != chr(number)
        and (not folded or any(character.isascii() for character in folded))
        and not may_hold_address(orjson.dumps(chr(number)))
    ]
    assert missed == []


def test_a_usual_event_passes_the_first_test() -> None:
    """UUIDs, times, numbers, versions and names are told from addresses by their bytes alone."""
    event = {
        "id": "5eed517e-ba5e-da7a-517e-ba5eda7a0001",
        "time": "2026-08-20T10:11:12.123456789+02:00",
        "data": {"node_id": "edge-node-1.example.net", "city": "Köln", "latitude": 50.9375, "version": "v0.2.96"},
        "rows": [
            {"h3": "85283473fffffff", "bytes": "1234567", "codecs": "avc1.64001f,mp4a.40.2", "window": [1.5, 2.5, -3.5]}
        ],
    }
    assert not may_hold_address(orjson.dumps(event))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connect to 203.0.113.9:6379 failed: timeout", "connect to [address] failed: timeout"),
        ("peer [2001:db8::7]:9092 gone", "peer [address] gone"),
        ("http://[fe80::1%25eth0]:80/x?y=1", "http://[address]/x?y=1"),
        ("from 203.0.113.9, 198.51.100.7.", "from [address], [address]."),
        ("203.0.113.9->2001:db8::1", "[address]->[address]"),
        ("ec2-203-0-113-25.compute-1.example.net", "ec[address].compute-1.example.net"),
        ("addr:2001:db8::1 [see below]", "addr:[address] [see below]"),
        ("(see [peer 203.0.113.9])", "(see [peer [address]])"),
        ("2001:db8:0:0:0:0:203.0.113.9", "[address]"),
        ("203.0.113.0/24 and 2001:db8::/32", "[address] and [address]"),
        ("x %32%30%33.0.113.9 y", "x [address] y"),
        ('{"a":"%32%30%33.0.113.9","b":"c"}', '{"a":"[address]","b":"c"}'),
        ("2 \u200b03.0.113\u200b.9 is one word", "2 [address] is one word"),
        ("Chrome/126.0.0.0 at 203.0.113.9", "Chrome/126.0.0.0 at [address]"),
        ("12:30:45 std::vector", "12:30:45 std::vector"),
    ],
)
def test_the_rest_of_a_text_stays(text: str, expected: str) -> None:
    """The address goes with what belongs to it; where it is encoded its word goes; all else stays."""
    assert without_addresses(text) == expected


@pytest.mark.parametrize(
    "text", ["203.0.113\\u\t002e9 and 203%\n2e0.113.9", "all of 203[.]0.113&#46\u200b;9", "x" + "%32" * 9]
)
def test_encoded_beyond_words(text: str) -> None:
    """Even where an encoding reaches over the gap between words, what is left holds no address."""
    assert not holds_address(without_addresses(text))


_MILLION = 250_000
_LONG = [
    *(
        sign * _MILLION
        for sign in ("1", "a:", "1.", ":", "::", "%", "%25", "[", "[.]", "\\", "\\u", '"', '"a', "&amp;")
    ),
    *(
        sign * 60_000
        for sign in ("1-", "256-", "256.", "1.1.1.999.", "x::a ", "g::f:", "\\u005c", '"a" ', "203.0.113.9 ")
    ),
    "a" * 3 * _MILLION + "::",
    "00:" * _MILLION + "x",
    "0:0:0:0:0:0:0:g" * 30_000,
    "a." * 60_000 + "arpa .arpa",
    "1." * 60_000 + "in-addr.arpx .arpa",
    "-" * 60_000 + " ipv6-literal",
    "&" + "amp;" * 60_000,
    "%" * 60_000 + "32" * 60_000,
    '"' + " " * _MILLION,
    "é²" * 60_000,
]


@pytest.mark.parametrize("text", _LONG, ids=lambda text: repr(text[:12]))
def test_long_texts_are_read_a_bounded_number_of_times(text: str) -> None:
    """A search that begins again from each character would not come back from hundreds of kilobytes of these."""
    Net().clean({"a": text})
    assert not holds_address(without_addresses(text))
