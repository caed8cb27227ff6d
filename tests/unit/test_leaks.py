"""The search for leaks finds what it looks for: a search that finds nothing proves nothing by itself."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.acceptance.leaks import SHORTEST, Search, kind_of

IPV4, IPV6 = "203.0.113.77", "2001:db8::5a:77"
SENTENCE = 'It\'s "only" a <test> & \u00e9 \\ /'
SECRETS = (IPV4, IPV6, SENTENCE, "vt_0123456789abcdef", "52.5200128471")
WRITTEN = {
    "as it is": (IPV4, b"203.0.113.77"),
    "in upper case": (IPV6, b"2001:DB8::5A:77"),
    "with a port": (IPV4, b"203.0.113.77:50123"),
    "in brackets": (IPV6, b"[2001:db8::5a:77]:443"),
    "in another address": (IPV4, b"::ffff:203.0.113.77"),
    "mapped": (IPV4, b"::ffff:cb00:714d"),
    "in a host name": (IPV4, b"ip-203-0-113-77.example"),
    "backwards": (IPV4, b"77.113.0.203.in-addr.arpa"),
    "with zeros": (IPV4, b"203.000.113.077"),
    "written out": (IPV6, b"2001:0db8:0000:0000:0000:0000:005a:0077"),
    "with single zeros": (IPV6, b"2001:db8:0:0:0:0:5a:77"),
    "without colons": (IPV6, b"20010db800000000000000000 05a0077".replace(b" ", b"")),
    "percent-encoded": (IPV6, b"2001%3adb8%3A%3a5a%3A77"),
    "percent-encoded throughout": (IPV4, b"".join(b"%%%02X" % byte for byte in IPV4.encode())),
    "in hex": (IPV4, IPV4.encode().hex().encode()),
    "in spaced hex": (IPV4, IPV4.encode().hex(" ").upper().encode()),
    "as code points": (IPV4, b"".join(b"\\u%04x" % byte for byte in IPV4.encode())),
    "as printed bytes": (SENTENCE, repr(SENTENCE.encode()).encode()),
    "in JSON": (SENTENCE, orjson.dumps({"a": SENTENCE})),
    "in ASCII JSON": (SENTENCE, json.dumps({"a": SENTENCE}).encode()),
    "in JSON in JSON": (SENTENCE, orjson.dumps({"a": orjson.dumps([SENTENCE]).decode()})),
    "in Go's JSON": (SENTENCE, json.dumps(SENTENCE).replace("&", "\\u0026").replace("<", "\\u003c").encode()),
    "in a URL": (SENTENCE, quote(SENTENCE, safe="").encode()),
}


@pytest.mark.parametrize("writing", WRITTEN)
def test_every_writing_is_found(writing: str) -> None:
    """Somewhere in a line, between others."""
    secret, output = WRITTEN[writing]
    if writing == "in Go's JSON":
        output = output.replace(b">", b"\\u003e")
    assert Search(SECRETS).found(b"before\nx " + output + b" y\nafter") == {secret}


@given(
    st.binary(max_size=8),
    st.binary(max_size=8),
    st.sampled_from(SECRETS),
    st.sampled_from([b64encode, urlsafe_b64encode]),
)
def test_base64_is_found_wherever_it_begins(
    before: bytes, after: bytes, secret: str, encode: Callable[[bytes], bytes]
) -> None:
    """Whatever stands before the secret moves its bits."""
    assert secret in Search(SECRETS).found(b"x=" + encode(before + secret.encode() + after))


def test_what_is_not_there_is_not_found() -> None:
    """Neighbours of the secrets, and ends of them."""
    output = b"203.0.113.78 203.0.113.7 03.0.113.7 2001:db8::5a:78 vt_0123456789abcdee 123456789abcdef 52.520012847"
    assert Search(SECRETS).found(output) == set()


def test_a_report_says_where_and_not_what() -> None:
    """The output of a failing test is no place for a secret either."""
    report = Search(SECRETS).report({"log": b"x vt_0123456789abcdef", "frames": b"nothing"})
    assert report == ["log: a_0a (19 characters)"]
    assert kind_of("a" * 99) == "a (99 characters)"


def test_what_chance_would_find_is_refused() -> None:
    """Six characters occur in anything that is long enough."""
    with pytest.raises(ValueError, match="too short"):
        Search(["a" * (SHORTEST - 1)])
