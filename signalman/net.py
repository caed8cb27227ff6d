"""The net below the allow-lists: no address of a person's machine leaves Signalman unless a pack exposes its path.

Allow-lists name fields, and a field that was harmless yesterday may hold an address tomorrow. So the relay passes every
event, and the gateway every snapshot row, through this net: a value is removed when it, or the map key it stands under,
contains an IPv4 or IPv6 address, and whatever stands under a host-like key is removed whether it looks like an address
or not, since a resolved host name tells as much. Times, UUIDs, hashes and ``std::vector`` pass.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from signalman.event import Json
from signalman.exposure import NOTHING, Exposure, exposure

HOST_WORDS = frozenset({"host", "hosts", "hostname", "hostnames", "ip", "ips", "ipv4", "ipv6", "ipaddr", "ipaddress"})
"""A key whose last word is one of these is host-like: ``viewer_host``, ``clientIp``, ``resolved-ip``."""

HOST_KEYS = frozenset(
    f"{owner}{kind}"
    for owner in (
        "ip",
        "remote",
        "client",
        "peer",
        "source",
        "src",
        "dst",
        "real",
        "user",
        "viewer",
        "publisher",
        "socket",
    )
    for kind in ("addr", "addrs", "address", "addresses", "ip", "ips", "host", "hostname")
) | {"forwarded", "forwardedfor", "xforwarded", "xforwardedfor"}
"""Keys that are host-like as a whole, in lower case and without separators: ``remote_addr``, ``X-Forwarded-For``."""

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
_IPV4 = re.compile(rf"(?<![0-9]){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9])")
_COLON_RUN = re.compile(r"[0-9A-Fa-f:]{2,}")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+")

_LONGEST_RUN = 64
"""Characters: an address has 39, and a label before and a port after it fit as well. Longer runs are fingerprints."""


class Net:
    """Removes addresses from JSON values. Stateless; one instance serves a process."""

    def clean(self, value: Json, exposed: frozenset[str] = frozenset()) -> tuple[Json, int]:
        """Return *value* without addresses, and how many keys or list items had to go.

        Args:
            value: Any JSON value, nested no deeper than Python can recurse. It is not changed; where nothing has to
                go, it is itself returned.
            exposed: Dotted paths, ``[]`` for list items and ``*`` for any key of a map, whose own value may be an
                address. What lies below an exposed object is judged by its own path.

        Returns:
            The value, or None where the whole value had to go; and the number of removals, 0 for a clean value.
        """
        paths = exposure(exposed)
        if not _offends(value, paths):
            return value, 0
        return _stripped(value, paths)


def holds_address(text: str) -> bool:
    """Whether *text* contains an IPv4 or IPv6 address anywhere, alone or with port, brackets, zone or text around."""
    # Counting first: nearly all strings stop here, at a tenth of the cost of a regular expression.
    if text.count(".") > 2 and _IPV4.search(text):
        return True
    return text.count(":") > 1 and any(_is_address(run) for run in _colon_runs(text))


class _Key(Enum):
    PLAIN = auto()
    HOST_LIKE = auto()
    ADDRESS = auto()


_PLAIN = _Key.PLAIN


@lru_cache(maxsize=4096)
def _judged(key: str) -> _Key:
    if holds_address(key):
        return _Key.ADDRESS
    words = [word.lower() for word in _WORD.findall(key)]
    host_like = bool(words) and (words[-1] in HOST_WORDS or "".join(words) in HOST_KEYS)
    return _Key.HOST_LIKE if host_like else _PLAIN


def _offends(value: Json, exposed: Exposure) -> bool:
    kind = type(value)
    if kind is str:
        return not exposed.here and holds_address(value)
    if kind is dict:
        return _object_offends(value, exposed)
    if kind is list:
        below = exposed.item()
        return any(_offends(item, below) for item in value)
    return False


def _object_offends(value: dict[str, Json], exposed: Exposure) -> bool:
    # Every field of every event passes here: a plain loop takes half the time of the shorter forms.
    for key, item in value.items():
        below = NOTHING if exposed is NOTHING else exposed.key(key)
        if _judged(key) is not _PLAIN and _key_offends(key, item, below):
            return True
        kind = type(item)
        if kind is str:
            if not below.here and holds_address(item):
                return True
        elif (kind is dict or kind is list) and _offends(item, below):
            return True
    return False


def _key_offends(key: str, value: Json, exposed: Exposure) -> bool:
    judged = _judged(key)
    if judged is _PLAIN or exposed.here:
        return False
    # An address may be a number, but "is_host": true and an absent one tell nothing.
    return judged is _Key.ADDRESS or not (value is None or isinstance(value, bool))


def _stripped(value: Json, exposed: Exposure) -> tuple[Json, int]:
    if type(value) is dict:
        return _stripped_object(value, exposed)
    if type(value) is list:
        return _stripped_list(value, exposed.item())
    return (None, 1) if _offends(value, exposed) else (value, 0)


def _stripped_object(value: dict[str, Json], exposed: Exposure) -> tuple[Json, int]:
    kept: dict[str, Json] = {}
    total = 0
    for key, item in value.items():
        below = exposed.key(key)
        if _key_offends(key, item, below) or (type(item) is str and _offends(item, below)):
            total += 1
        else:
            kept[key], removed = _stripped(item, below)
            total += removed
    return kept, total


def _stripped_list(value: list[Json], exposed: Exposure) -> tuple[Json, int]:
    kept: list[Json] = []
    total = 0
    for item in value:
        if type(item) is str and _offends(item, exposed):
            total += 1
        else:
            clean, removed = _stripped(item, exposed)
            kept.append(clean)
            total += removed
    return kept, total


def _colon_runs(text: str) -> Iterator[str]:
    """Runs of hex digits and colons in *text* that may be an address."""
    for match in _COLON_RUN.finditer(text):
        run = match.group()
        if run.count(":") > 1:
            yield _without_words(text, match.start(), match.end()) if "::" in run else run


def _without_words(text: str, start: int, end: int) -> str:
    """The run at *start* to *end* of *text* without hex digits that belong to a word: the d of ``std::vector``."""
    run = text[start:end]
    cut_left, cut_right = _is_word(text[start - 1 : start]), _is_word(text[end : end + 1])
    run = run[run.index(":") :] if cut_left else run
    run = run[: run.rindex(":") + 1] if cut_right else run
    # The rest of a word such as ``std::dec`` has no digit; what is left of a routable address has one.
    is_words = (cut_left or cut_right) and not any(character.isdecimal() for character in run)
    return "" if is_words else run


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_address(run: str) -> bool:
    """Whether *run* is an IPv6 address, perhaps with a label before it or a port after it."""
    if len(run) > _LONGEST_RUN or not run.strip(":"):
        return False
    start, end = run.find(":") + 1, run.rfind(":")
    return any(_is_ipv6(part) for part in (run, run[start:], run[:end], run[start:end]))


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
