"""JSON values with addresses planted in them, in every writing and every place."""

import json
from ipaddress import IPv4Address, IPv6Address

from signalman.event import Json
from tests.fuzz.choices import Choices, choose, once_in
from tests.writings import CLEAN, WRITINGS

DEEPEST = 4
NAMES = ("a", "b", "name", "x", "labels", "items", "note", "reason", "latitude", "longitude", "upload_id")
"""Keys, apart from those that a pack lists."""
HOST_LIKE = ("host", "client_ip", "viewerHost", "remote-addr", "X-Forwarded-For", "ips")
"""Keys under which nothing may stay, whatever it looks like."""
_WRITINGS = tuple(WRITINGS.items())
_NETWORKS = ("203.0.113.0", "198.51.100.0", "192.0.2.0", "10.0.0.0")
_WORDS = (
    *("", "live", "12:30:45", "std::vector", "x" * 40, '\u00e9 \\ " \n', "5eedfeed-11fe-ca57-feed-11feca570001"),
    *("https://u:p@edge.example//inner.example/a.m3u8?tkn=1", "rtmp://edge.example/live#key", '{"host": "edge"}'),
)


def value(choices: Choices, names: tuple[str, ...] = NAMES, depth: int = DEEPEST) -> Json:
    """Any JSON value, no deeper than *depth*."""
    kind = choices.integer(0, 9 if depth else 5)
    if kind < 4:
        return text(choices)
    if kind < 6:
        return scalar(choices)
    if kind == 6:
        return [value(choices, names, depth - 1) for _ in range(choices.integer(0, 3))]
    if kind == 7:
        # JSON in a text, as deep as it may be, and perhaps with text around it that makes it none.
        return json.dumps(value(choices, names, depth - 1)) + ("," if once_in(choices, 8) else "")
    return {key(choices, names): value(choices, names, depth - 1) for _ in range(choices.integer(0, 4))}


def scalar(choices: Choices) -> Json:
    """A value that is neither text nor container."""
    numbers: tuple[Json, ...] = (None, True, False, 0, 52.52, -13.405, 90, 1e300, 3405803785, -0.0, 1 << 63)
    return choose(choices, numbers)


def text(choices: Choices) -> str:
    """Every third one with an address in it, alone or among words."""
    if choices.integer(0, 2) < 2:
        return choose(choices, (*_WORDS, *CLEAN))
    words = choose(choices, ("{}", "{}", "{}", "{}, {}", "{} left", "peer={};", "https://{}/live/a.m3u8?x"))
    return words.replace("{}", planted(choices))


def key(choices: Choices, names: tuple[str, ...]) -> str:
    """Mostly one of *names*, else one that tells of an address, or is one."""
    kind = choices.integer(0, 11)
    if kind < 8:
        return choose(choices, names)
    return choose(choices, HOST_LIKE) if kind < 10 else text(choices)


def planted(choices: Choices) -> str:
    """An address in one of its writings."""
    # Every other one as it is mostly written: operators understand little else.
    name, writing = choose(choices, _WRITINGS) if choices.integer(0, 1) else ("any", str)
    is_ipv6 = name.startswith("IPv6") or (name.startswith("any") and choices.integer(0, 1) == 1)
    if is_ipv6:
        return writing(IPv6Address(0x20010DB8 << 96 | choices.integer(0, (1 << 96) - 1)))
    return writing(IPv4Address(choose(choices, _NETWORKS)) + choices.integer(0, 255))
