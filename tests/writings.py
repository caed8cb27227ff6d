"""Planted addresses: every writing of an IP address that the net must see, and texts that it must leave alone.

The corpus of the promise that no address gets out. A writing that was once missed is added here, and every test that
plants addresses (net, redaction, fuzz, acceptance) has it from then on.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import quote

Address = IPv4Address | IPv6Address
Writing = Callable[[Address], str]


def _percent(text: str) -> str:
    """*text* with every character percent-encoded."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _escaped(text: str) -> str:
    r"""*text* as JSON may have it when it likes to: every character as ``\uXXXX``."""
    return "".join(f"\\u{ord(character):04x}" for character in text)


def _nested(value: object, levels: int) -> str:
    """JSON in a text in JSON in a text."""
    for _ in range(levels):
        value = json.dumps(value)
    return str(value)


def _wide(text: str) -> str:
    """*text* in full-width characters, as East Asian keyboards write it."""
    return "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text)


def _bracketed(address: Address) -> str:
    """As in the authority of a URL."""
    return f"[{address}]" if address.version == 6 else str(address)


def _groups(address: Address) -> list[str]:
    """Eight groups of an IPv6 address without leading zeros."""
    return [f"{int(group, 16):x}" for group in address.exploded.split(":")]


def _dashed(address: Address) -> str:
    return str(address).replace(".", "-").replace(":", "-")


_OTHER: dict[int, str] = {4: "198.51.100.7", 6: "2001:db8:0:7::7"}

BOTH: Mapping[str, Writing] = {
    "plain": str,
    "exploded": lambda a: a.exploded,
    "quoted": lambda a: f'"{a}"',
    "in a sentence": lambda a: f"The viewer ({a}), it seems, left; see '{a}'!",
    "at the end of a sentence": lambda a: f"Lost connection to {a}.",
    "with a prefix length": lambda a: f"{a}/{24 if a.version == 4 else 64}",
    "after a label": lambda a: f"addr:{a}",
    "after an equals sign": lambda a: f"client={a};",
    "after a user": lambda a: f"root@{a}",
    "in angle brackets": lambda a: f"<{a}>",
    "in a list": lambda a: f"{a},{_OTHER[a.version]}",
    "in X-Forwarded-For": lambda a: f"unknown, {a}, {_OTHER[a.version]}",
    "in Forwarded": lambda a: f'for="{_bracketed(a)}:80";proto=http',
    "in an authority": lambda a: f"{_bracketed(a)}:8080",
    "in a URL": lambda a: f"https://{_bracketed(a)}:8443/live/index.m3u8?x=1",
    "in a URL with a user": lambda a: f"rtmp://user:pass@{_bracketed(a)}/live",
    "in a URL of another scheme": lambda a: f"srt://{_bracketed(a)}:9000?streamid=x",
    "in a URL's path": lambda a: f"https://example.net/peers/{a}/state",
    "in a URL's query": lambda a: f"https://example.net/?ip={a}&n=1",
    "in a URL's query, encoded": lambda a: f"https://example.net/?ip={quote(str(a), safe='')}",
    "in a URL's fragment": lambda a: f"https://example.net/#{a}",
    "in a path of Java": lambda a: f"db-3/{a}:80" if a.version == 4 else f"db-3/[{a}]:80",
    "between arrows": lambda a: f"{a}->{_OTHER[a.version]}",
    "between spaced arrows": lambda a: f"{_OTHER[a.version]} -> {a}",
    "between Unicode arrows": lambda a: f"{_OTHER[a.version]}→{a}",
    "between fat arrows": lambda a: f"{a}=>{_OTHER[a.version]}",
    "between arrows both ways": lambda a: f"{a}<->{_OTHER[a.version]}",
    "percent-encoded": lambda a: _percent(str(a)),
    "percent-encoded twice": lambda a: _percent(_percent(str(a))),
    "percent-encoded three times": lambda a: _percent(_percent(_percent(str(a)))),
    "percent-encoded in part": lambda a: _percent(str(a)[:2]) + str(a)[2:],
    "separators percent-encoded": lambda a: str(a).replace(".", "%2E").replace(":", "%3A"),
    "separators percent-encoded twice": lambda a: str(a).replace(".", "%252e").replace(":", "%253a"),
    "separators percent-encoded five times": lambda a: str(a).replace(".", "%252525252E").replace(":", "%252525253A"),
    "JSON in a text": lambda a: json.dumps({"a": str(a)}),
    "JSON in JSON in a text": lambda a: _nested({"a": [str(a)]}, 2),
    "JSON four levels deep": lambda a: _nested({"a": str(a)}, 4),
    "JSON key in a text": lambda a: json.dumps({str(a): 1}),
    "JSON with Unicode escapes": lambda a: f'{{"a":"{_escaped(str(a))}"}}',
    "JSON with Unicode escapes in JSON": lambda a: _nested(f'{{"a":"{_escaped(str(a))}"}}', 2),
    "JSON with Unicode escapes of percent-encoding": lambda a: _escaped(_percent(str(a))),
    "percent-encoded JSON": lambda a: quote(json.dumps({"a": str(a)})),
    "after an escaped line break": lambda a: f"x\\n{a}\\ty",
    "defanged": lambda a: str(a).replace(".", "[.]").replace(":", "[:]"),
    "defanged at the end": lambda a: f"{str(a)[::-1].replace('.', '].[', 1).replace(':', ']:[', 1)[::-1]}",
    "separators escaped": lambda a: str(a).replace(".", "\\.").replace(":", "\\:"),
    "separators as entities": lambda a: str(a).replace(".", "&#46;").replace(":", "&#x3a;"),
    "full-width": lambda a: _wide(str(a)),
    "full-width separators": lambda a: str(a).replace(".", "．").replace(":", "："),  # noqa: RUF001 # the point of it
    "ideographic full stops": lambda a: str(a).replace(".", "。").replace(":", "："),  # noqa: RUF001 # the point of it
    "zero-width spaces": lambda a: "\u200b".join(str(a)),
    "after a tab": lambda a: f"peer\t{a}\tgone",
    "on a line of its own": lambda a: f"peers:\n{a}\n",
    "upper case": lambda a: str(a).upper(),
    "glued to words": lambda a: f"ip{a}port",
}
"""Writings of an address of either family."""

IPV4: Mapping[str, Writing] = {
    "digits with a full stop in them": lambda a: re.sub(
        r"([1-9])\.", lambda found: chr(0x2487 + int(found[1])), str(a)
    ),
    "with a port": lambda a: f"{a}:443",
    "with a port of tcpdump": lambda a: f"{a}.443",
    "zeros padded": lambda a: ".".join(f"{int(octet):03}" for octet in str(a).split(".")),
    "mapped": lambda a: f"::ffff:{a}",
    "mapped, in hex": lambda a: f"::ffff:{int(a) >> 16:x}:{int(a) & 0xFFFF:x}",
    "mapped, upper case": lambda a: f"::FFFF:{a}",
    "mapped, expanded": lambda a: f"0:0:0:0:0:ffff:{a}",
    "mapped, in brackets with a port": lambda a: f"[::ffff:{a}]:443",
    "compatible": lambda a: f"::{a}",
    "NAT64": lambda a: f"64:ff9b::{a}",
    "NAT64, in hex": lambda a: f"64:ff9b::{int(a) >> 16:x}:{int(a) & 0xFFFF:x}",
    "private name of AWS": lambda a: f"ip-{_dashed(a)}.eu-west-1.compute.internal",
    "public name of AWS": lambda a: f"ec2-{_dashed(a)}.compute-1.amazonaws.com",
    "name of a cable line": lambda a: f"{_dashed(a)}.cable.example.net",
    "name glued to a letter": lambda a: f"h{_dashed(a)}",
    "name with dots": lambda a: f"{a}.dsl.example.net",
    "name with a word before": lambda a: f"pool-{_dashed(a)}-dynamic.example.net",
    "underscores": lambda a: f"ip_{str(a).replace('.', '_')}",
    "reverse DNS": lambda a: a.reverse_pointer,
    "reverse DNS, absolute": lambda a: f"{a.reverse_pointer}.",
    "name of a wildcard service": lambda a: f"app.{_dashed(a)}.nip.io",
    "in a user agent": lambda a: f"Chrome/126.0.0.0 ({a}) Safari/537.36",
    "in parentheses of defanging": lambda a: str(a).replace(".", "(.)"),
    "defanged in words": lambda a: str(a).replace(".", "[dot]"),
    "range": lambda a: f"{a}-{a}",
    "Arabic digits": lambda a: str(a).translate({ord("0") + digit: 0x660 + digit for digit in range(10)}),
}
"""Writings of an IPv4 address alone."""

IPV6: Mapping[str, Writing] = {
    "in brackets": lambda a: f"[{a}]",
    "in brackets with a port": lambda a: f"[{a}]:443",
    "with a careless port": lambda a: f"{a}:54321",
    "without compression": lambda a: ":".join(_groups(a)),
    "without compression, with a port": lambda a: ":".join(_groups(a)) + ":8080",
    "expanded, upper case": lambda a: a.exploded.upper(),
    "with a zone": lambda a: f"{a}%eth0",
    "with an encoded zone": lambda a: f"http://[{a}%25eth0]:80/",
    "with a zone and a prefix length": lambda a: f"{a}%en0/64",
    "last groups dotted": lambda a: ":".join(_groups(a)[:6]) + f":{IPv4Address(int(a) & 0xFFFFFFFF)}",
    "reverse DNS": lambda a: a.reverse_pointer,
    "reverse DNS, upper case": lambda a: a.reverse_pointer.upper(),
    "name for UNC paths": lambda a: f"{_dashed(a)}.ipv6-literal.net",
    "name for UNC paths, with a zone": lambda a: f"{_dashed(a)}s4.ipv6-literal.net",
    "name with eight groups": lambda a: f"{a.exploded.replace(':', '-')}.dsl.example.net",
    "name of a wildcard service": lambda a: f"app.{a.exploded.replace(':', '-')}.sslip.io",
}
"""Writings of an IPv6 address alone."""

WRITINGS: Mapping[str, Writing] = {
    **{f"any: {name}": writing for name, writing in BOTH.items()},
    **{f"IPv4: {name}": writing for name, writing in IPV4.items()},
    **{f"IPv6: {name}": writing for name, writing in IPV6.items()},
}
"""All of them. A name begins with the family that it applies to: ``any: ``, ``IPv4: `` or ``IPv6: ``."""

ADDRESSES: tuple[Address, ...] = tuple(
    map(
        ip_address,
        (
            *("203.0.113.9", "198.51.100.255", "192.0.2.1", "10.0.0.5", "255.255.255.255", "100.64.200.13"),
            *("2001:db8::1", "2001:db8:a:b:c:d:e:f", "2001:db8:12:3456:7890:abcd:ef01:2345", "fe80::1"),
            *("fe80::a00:27ff:fe4e:66a1", "fd12:3456:789a::2", "2001:db8:0:cafe::", "2a00:1450:4001:81b::200e"),
        ),
    )
)
"""A fixed handful, of both families: private and public, short and long."""


def written(address: Address) -> Iterator[tuple[str, str]]:
    """Each writing that applies to *address*: its name and the text."""
    families = ("any: ", f"IPv{address.version}: ")
    for name, writing in WRITINGS.items():
        if name.startswith(families):
            yield name, writing(address)


def corpus() -> list[tuple[str, str]]:
    """Every fixed address in every writing that applies to it: a name for test reports, and the text."""
    return [(f"{name} of {address}", text) for address in ADDRESSES for name, text in written(address)]


USER_AGENTS: list[str] = Path(__file__).with_name("user_agents.txt").read_text().splitlines()
"""What players and browsers say of themselves, versions of four parts among it."""

CLEAN: list[str] = [
    *USER_AGENTS,
    *(
        "",
        " ",
        ".",
        "...",
        ":",
        "::",
        "[::]",
        "[::]:8080",
        "…",
        "%",
        "%25",
        "100%",
        "a%" + "25" * 30 + "20b",
        "\\",
        "&",
        "a.b.c.d",
        "…::…",
    ),
    *("12:30:45", "12:30", "12:30:45.123456", "2026-08-20T10:11:12.123456789+02:00", "2026-08-20 10:11:12"),
    *("2026-08-20T10:11:12Z/2026-08-20T11:11:12Z", "2026-08-20", "20-08-2026", "2026_08_20", "2026-08-20-10-11-12"),
    *("2026-08-20_10-11-12", "rec_2026_08_20_10_11_12.mkv", "2026-08-20-10-11", "10:11:12.5,10:11:13.5", "PT12H30M5S"),
    *("1.2.3", "v0.2.96", "1.2.3-4", "1.2.3.456", "1234.1.1.1", "256.1.1.1", "10.0.19045.3693", "7.4-alpine3.20"),
    *("std::vector", "std::dec", "std::bad_alloc", "a::b::c", "::std::add", "boost::asio::ip::tcp"),
    *("core::f64::consts::PI", "f64::consts", "c10::Error", "base64::decode", "sha256::Digest", "ActiveRecord::Base"),
    *("Foo::Bar.new", "std::", "alloc::vec::Vec<alloc::string::String>", "key::12345", "main.rs:12:30"),
    *("error: foo::bar: baz (a.cc:12)", "5eed517e-ba5e-da7a-517e-ba5eda7a0001"),
    *("01234567-0123-4123-8123-012345678901", "urn:signalman:error:forbidden"),
    *("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "tag:example.net,2026:live", "did:web:example.net"),
    *("807a534c30fd84d3544bd6ee5f8b1c4426596a9c8c360b92caf7b667c25db8d8", "d41d8cd98f00b204e9800998ecf8427e"),
    *("00:11:22:33:44:55", "00-11-22-33-44-55", "aa:bb:cc:dd:ee:ff", "00:11:22:33:44:55:66:77", "0011.2233.4455"),
    *("mac:00:11:22:33:44:55:66:77", "10-11-12-13-14-15-16-17", "(00-11-22-33-44-55)", "mac=00:1b:44:11:3a:b7,n=1"),
    *("AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",),
    *("MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",),
    *("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "599686042433355775", "85283473fffffff"),
    *("8928308280fffff", "1787220672", "1787220672500", "1787220672.5", "52.370216", "-4.895168"),
    *("52.370216,4.895168", "1e-7", "3.141592653589793", "0.1 0.2 0.3 0.4", "[1.5, 2.5, 3.5]"),
    *("16:9", "4:2:0", "4:4:4:4", "1920x1080", "29.97", "5.1", "7.1.4", "1:2:3:4:5:6:7", "-1:2:3"),
    *("avc1.64001f", "mp4a.40.2", "mp4a.40.34", "hvc1.1.6.L93.B0", "hev1.2.4.L120.90", "hvc1.1.6.L120.90.0.0.0"),
    *("vp09.00.10.08", "vp09.02.10.10.01.09.16.09.01", "av01.0.04M.08", "av01.0.04M.08.0.110.01.01.01.0", "ec-3"),
    *("dvh1.05.06", "avc1.64001f,mp4a.40.2", 'video/mp4; codecs="av01.0.08M.10"', "1.2.840.113549"),
    *("1.2.840.113549.1.1.11", "live+demo_stream_001", "edge-node-1.example.net", "edge-1-2-3"),
    *("demo_live_stream_001", "track_1_2_3", "s3://bucket/a/b.c/2026/08/20/10.ts"),
    *("/var/lib/media/live.d/seg-0001-0002-0003.ts", "C:\\new\\temp\\b.txt", "https:/live/index.m3u8"),
    *("https://example.net/a%20b?x=%2F&y=1", "a+b@example.net", "someone.else@mail.example.net"),
    *("SGVsbG8sIHdvcmxkIQ==", "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiNWVlZDUxN2Ui.p786hVnkGwYIToAfHCA7pF0fd3o"),
    *('{"a":"b","n":[1.5,{"t":"10:11:12"}]}', '{"a":"{\\"b\\":\\"c\\"}"}', "line one\nline two\ttab", "São Paulo"),
    *("東京", "It took 1.2.3 seconds: no.", "Wait... what?", "e.g. a.b.c.d.e", "1, 2, 3, 4", "1/2/3/4", "rgb(1,2,3)"),
    *("١٢:٣٠", "Müller & Söhne — 10 % off", "#1 «live» 🎉 10:30", "Q&A", "5 × 3", "0x1F", "00:00:00:00", "01:02:03;04"),
]
"""Texts that hold no address, and must come out as they went in."""
