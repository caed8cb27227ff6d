"""The net below the allow-lists: no address of a person's machine leaves Signalman unless a pack exposes its path.

Allow-lists name fields, and a field that was harmless yesterday may hold an address tomorrow. So the relay passes every
event, and the gateway every snapshot row, through this net: a value is removed when it, or the map key it stands under,
contains an IPv4 or IPv6 address in any writing (`signalman.addresses`), and whatever stands under a host-like key is
removed whether it looks like an address or not, since a resolved host name tells as much. A text that holds JSON with a
host-like key is removed for the same reason. Times, UUIDs, hashes and ``std::vector`` pass.
"""

import re
import unicodedata
from enum import Enum, auto

from signalman.addresses import holds_address
from signalman.addresses.readings import is_wrapped, readings
from signalman.event import Json
from signalman.exposure import NOTHING, Exposure, exposure

_KINDS = frozenset({"addr", "addrs", "address", "addresses"})
_OWNERS = frozenset(
    {
        *("ip", "ipv4", "ipv6", "inet", "net", "network", "socket", "sock", "remote", "local", "peer", "client"),
        *("server", "source", "src", "destination", "dest", "dst", "origin", "originating", "real", "external"),
        *("internal", "bind", "user", "viewer", "publisher", "visitor", "caller", "host", "proxy", "forwarded"),
        *("connecting", "connection", "conn", "gateway", "endpoint", "dial", "listen", "public", "private"),
    }
)
_HOST_WORDS = frozenset(
    {
        *("host", "hosts", "hostname", "hostnames", "fqdn", "rdns", "reversedns", "netloc", "sockaddr"),
        *("ip", "ips", "ip4", "ip6", "ipv4", "ipv6", "ipaddr", "ipaddrs", "ipaddress", "ipaddresses"),
        *("xforwarded", "forwardedfor", "xforwardedfor", "forwardedhost", "forwardedserver"),
        *(f"{owner}{kind}" for owner in _OWNERS for kind in _KINDS),
        *(f"{owner}{kind}" for owner in _OWNERS for kind in ("ip", "ips", "host", "hosts", "hostname")),
    }
)
"""A key that ends with one of these, written as one word or as two, is host-like: ``viewer_host``, ``clientIp``,
``resolved-ip``, ``CF-Connecting-IP``, ``peer_ip_address``. An address alone, of a ledger or a mailbox, is not."""

_HOST_KEYS = frozenset({"forwarded", "remote", "peer", "addr", "addrs"})
"""Keys that are host-like when they are the whole key."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+")
# A member of an object, with a value that could tell something.
_MEMBER = re.compile(r'"([^"]*+)"\s*+:(?!\s*(?:true|false|null)\b)')


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


def is_host_like(key: str) -> bool:
    """Whether what stands under *key* is a host or an address by the key's name, whatever it looks like."""
    return _judged(key) is _Key.HOST_LIKE


class _Key(Enum):
    PLAIN = auto()
    HOST_LIKE = auto()
    ADDRESS = auto()


_PLAIN = _Key.PLAIN


# Keys of maps come from outside: what is remembered of them is bounded in number and in length.
_remembered: dict[str, _Key] = {}
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 4096, 64


def _judged(key: str) -> _Key:
    judged = _remembered.get(key)
    if judged is None:
        judged = _Key.ADDRESS if _tells(key) else _Key.HOST_LIKE if _names_a_host(key) else _PLAIN
        if len(key) <= _LONGEST_REMEMBERED:
            if len(_remembered) >= _MOST_REMEMBERED:
                _remembered.clear()
            _remembered[key] = judged
    return judged


def _names_a_host(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", key))]
    while len(words) > 1 and words[-1].isdecimal():
        words.pop()
    last = words[-1] if words else ""
    names = {last, last.rstrip("0123456789"), "".join(words[-2:])}
    return not names.isdisjoint(_HOST_WORDS) or "".join(words) in _HOST_KEYS or last.endswith("forwardedfor")


def _tells(text: str) -> bool:
    """Whether *text* holds an address, or JSON in which something stands under a host-like key."""
    if text.isalnum() and text.isascii():
        return False
    if holds_address(text):
        return True
    if '"' not in text and not is_wrapped(text):
        return False
    return any(
        _names_a_host(member[1]) for reading in readings(text) if '"' in reading for member in _MEMBER.finditer(reading)
    )


def _offends(value: Json, exposed: Exposure) -> bool:
    kind = type(value)
    if kind is str:
        return not exposed.here and _tells(value)
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
        if _remembered.get(key) is not _PLAIN and _key_offends(key, item, below):
            return True
        kind = type(item)
        if kind is str:
            if not below.here and _tells(item):
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
