"""Which address a client comes from, when it may come through load balancers. Pure.

Anybody can send an ``X-Forwarded-For``. What counts is only what a trusted proxy has added to it, and a proxy adds what
it sees at the right end: so the list is read from there, for as long as whoever has written an entry is trusted.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_Address = IPv4Address | IPv6Address

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
"""``[::1]:80``, ``[::1]``, ``1.2.3.4:80``."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as `gateway.trusted_proxies` has them.

    Raises:
        ValueError: One of *texts* is neither.
    """
    return tuple(ip_network(text) for text in texts)


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str | None:
    """The client's address in its usual writing, or None where the peer has none that can be read.

    Args:
        peer: Who has connected, as the socket tells; None for a socket without addresses.
        forwarded_for: The values of all ``X-Forwarded-For`` headers, in the order in which they came.
        trusted: The proxies whose word is believed.

    An entry that a trusted proxy wrote and that is no address (``unknown``, a name) leaves the proxy's own address:
    too many clients then share one limit, and none can choose.
    """
    address = _read(peer)
    if address is None:
        return None
    entries = [entry for value in forwarded_for for entry in value.split(",")]
    while entries and _is_trusted(address, trusted):
        before = _read(entries.pop())
        if before is None:
            break
        address = before
    return str(address)


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Whether *peer* is one of the proxies whose word is believed."""
    address = _read(peer)
    return address is not None and _is_trusted(address, trusted)


def _is_trusted(address: _Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _read(text: str | None) -> _Address | None:
    try:
        address = ip_address(_bare((text or "").strip()))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:  # how a socket for both families writes IPv4
        return address.ipv4_mapped
    # The zone names a network card of this machine and tells nothing about the client.
    return IPv6Address(int(address)) if address.scope_id else address


def _bare(text: str) -> str:
    """*text* without a port and brackets."""
    match = _WITH_PORT.fullmatch(text)
    return (match.group(1) or match.group(2)) if match else text
