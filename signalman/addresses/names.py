"""Where a text holds a host name that spells an address in the manner of its zone: reverse DNS, and UNC paths."""

import re
from collections.abc import Iterator

from signalman.addresses.ipv4 import Span

_ZONES = ("in-addr.arpa", "ip6.arpa", "ipv6-literal")

# A delegated part of a reverse zone has a part of the address in its name, and that is enough.
_NAMES = re.compile(
    r"(?:[0-9/-]{1,8}\.){0,4}[0-9]{1,3}\.in-addr\.arpa"
    r"|(?:[0-9a-f]\.){1,32}ip6\.arpa"
    r"|[0-9a-z-]{1,63}+\.ipv6-literal",
    re.IGNORECASE | re.ASCII,
)


def spans(text: str) -> Iterator[Span]:
    """Start and end of each such name in *text*."""
    lower = text.lower()
    if any(zone in lower for zone in _ZONES):
        for name in _NAMES.finditer(text):
            yield name.span()
