"""Marks: what addresses, people and tenants are called where they are counted and logged. Pure.

A mark is a digest that only an installation's own gateways can make (HMAC, RFC 2104): who reads Redis or a log cannot
find the address by trying all of them, and sees no person's id.
"""

import hmac
from ipaddress import IPv6Address, ip_address

from signalman.principal import Principal

_DIGEST_BYTES = 16
_NETWORK_BITS = 64
_UNKNOWN = "unknown"


class Marks:
    """Marks under one key, the same in all gateways of an installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def address(self, address: str | None) -> str:
        """The mark of a client's address. An IPv6 address counts as its /64 network, which is what one customer has
        (RFC 6177 §2), and an IPv4 address written as IPv6 as what it is. All whose address is not known have one mark.
        """
        return self._mark("address", _network(address))

    def tenant(self, principal: Principal) -> str:
        """The mark of the widest level of its scope."""
        return self._mark("tenant", *principal.scope[:1])

    def person(self, principal: Principal) -> str:
        """The mark of one user, token or account."""
        return self._mark("person", principal.kind, principal.id)

    def _mark(self, *words: str) -> str:
        text = "\0".join(words).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, "sha256")[:_DIGEST_BYTES].hex()


def _network(address: str | None) -> str:
    try:
        found = ip_address(address or "")
    except ValueError:
        return _UNKNOWN
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{int(found) >> (128 - _NETWORK_BITS):x}::"
