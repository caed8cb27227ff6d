"""An address to the network it is in: a place on the map of networks, and no person's machine."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPV4_BITS = 24
IPV6_BITS = 48
"""What stays of an address; of a network that is wider already, its own prefix."""

_WRITING = re.compile(r"\[?([0-9A-Fa-f:.]+)(?:%[0-9A-Za-z._~-]+)?\]?(?:/([0-9]{1,3}))?(?::[0-9]{1,5})?")
"""An address as logs and headers have it: with brackets, zone, prefix and port around it."""
_PORT = re.compile(r":[0-9]{1,5}$")

_LONGEST = 100
"""Characters. The longest address has 45; then there are a zone's name, a prefix and a port. No memory for more."""

_Address = IPv4Address | IPv6Address


def network(text: str) -> str | None:
    """The network of the one address that *text* is: ``203.0.113.0/24``, ``2001:db8::/48``. None where it is none.

    Port, brackets and zone fall away. An IPv4 address inside an IPv6 one, mapped or of 6to4, counts as what it is. A
    network stays one: one of these is its own.
    """
    return _known(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _known(text: str) -> str | None:
    writing = _WRITING.fullmatch(text)
    address = _address(writing[1]) if writing else None
    if writing is None or address is None:
        return None
    bits = int(writing[2]) if writing[2] else address.max_prefixlen
    return _network(address, bits) if bits <= address.max_prefixlen else None


def _address(text: str) -> _Address | None:
    # A port may follow without brackets; what is an address with these digits is taken for one.
    for candidate in (text, _PORT.sub("", text)):
        kind = IPv6Address if candidate.count(":") > 1 else IPv4Address
        try:
            return kind(candidate)
        except AddressValueError:
            continue
    return None


def _network(address: _Address, bits: int) -> str:
    if isinstance(address, IPv4Address):
        return str(IPv4Network((address, min(bits, IPV4_BITS)), strict=False))
    for inner, before in ((address.ipv4_mapped, 96), (address.sixtofour, 16)):
        if inner is not None and bits >= before:
            return _network(inner, bits - before)
    return str(IPv6Network((address, min(bits, IPV6_BITS)), strict=False))
