"""URLs to scheme and path."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.redaction.url import SCHEMES, scheme_and_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://edge.example/live/index.m3u8", "https:/live/index.m3u8"),
        ("https://u:p@edge.example:8443/live/index.m3u8?tkn=1#t=5", "https:/live/index.m3u8"),
        ("HTTPS://EDGE.EXAMPLE/Live/", "https:/Live/"),
        ("rtmp://[2001:db8::1]:1935/live/key", "rtmp:/live/key"),
        ("srt://203.0.113.9:9000?streamid=secret", "srt:/"),
        ("https://edge.example", "https:/"),
        ("https://edge.example?x", "https:/"),
        ("https://edge.example#x", "https:/"),
        ("file:///recordings/a.mkv", "file:/recordings/a.mkv"),
        ("https:/live/index.m3u8", "https:/live/index.m3u8"),
        ("https://edge.example//a//b/", "https:/a//b/"),
        ("https://edge.example/a%20b/../c;p=1", "https:/a%20b/../c;p=1"),
        ("https://edge.example/live/demo+ä", "https:/live/demo+ä"),
        ("http://a@b@c/x", "http:/x"),
        ("http://u:p?w@h/x", "http:/"),
        ("http://u:p#w@h/x", "http:/"),
        ("//edge.example/live?x", "/live"),
        ("///live", "/live"),
        ("/live/index.m3u8?tkn=1", "/live/index.m3u8"),
        ("/", "/"),
    ],
)
def test_scheme_and_path_stay(text: str, expected: str) -> None:
    """User info, host, port, query and fragment fall away, and a second time changes nothing."""
    assert scheme_and_path(text) == expected
    assert scheme_and_path(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https:",
        "https",
        "live/index.m3u8",
        "edge.example/live",
        "edge.example:8080/live",
        "u:p@edge.example/live",
        "nas-7:/films",
        "edge.example://x/live",
        "mailto:a@edge.example",
        "data:text/plain,secret",
        "javascript:alert(1)",
        "https:live",
        "?tkn=1",
        "#t",
        "http:\\\\u:p@h\\x",
        "http://h\\@evil/x",
        "http://u:p/w@h/x",
        "https:/u:p@h/x",
        "https:///u:p@h/x",
        "https:/h:8080/x",
        "https://proxy/https://u:p@h/x",
        "https://h/\tx",
        "https://h/x\n",
        " https://h/x",
        "https://h/a b",
        "https://h/\x00",
        "https://h/\u200bx",
        "https://h/u\uff20h/x",
        "https:\uff0f\uff0fh/x",
        "https://h/x\u2048y",
    ],
)
def test_in_doubt_it_goes(text: str) -> None:
    """What two programs could read differently, and what has no path of its own, is no URL."""
    assert scheme_and_path(text) is None


# Each part has letters of its own, so that one that gets through is seen.
PARTS = st.fixed_dictionaries(
    {
        "scheme": st.sampled_from(sorted(SCHEMES)),
        "slashes": st.sampled_from(["", "/", "//", "///", "////", "\\\\", "/\\", "/ /", "/\t/"]),
        "user": st.text("ABC:@%\\", max_size=4),
        "at": st.sampled_from(["", "@", "@@", "%40", "\uff20"]),
        "host": st.text("DEF.-:[]\uff0e", max_size=5),
        "query": st.text("GHI=&@:/?", max_size=4).map(lambda text: f"?{text}"),
        "fragment": st.text("KLM=&@:/?#", max_size=4).map(lambda text: f"#{text}"),
    }
)


@given(PARTS)
def test_nothing_but_scheme_and_path_gets_through(parts: dict[str, str]) -> None:
    """Property: behind two slashes or more, of user info, host, query and fragment no character stays; and nowhere of
    query, fragment, or user info before an ``@``.
    """
    authority = parts["user"] + parts["at"] + parts["host"]
    text = f"{parts['scheme']}:{parts['slashes']}{authority}/path{parts['query']}{parts['fragment']}"
    found = scheme_and_path(text) or ""
    hidden = "GHIKLM" + ("ABC" if "@" in authority else "") + ("ABCDEF" if parts["slashes"] == "//" else "")
    assert not set(found) & set(hidden)


@given(st.text(string.printable, max_size=20) | st.text("ahtps:/@?#.\\[]% ", max_size=20))
def test_twice_is_once(text: str) -> None:
    """Property: whatever the text, the result is its own result."""
    found = scheme_and_path(text)
    assert found is None or scheme_and_path(found) == found
