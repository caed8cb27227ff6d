"""IP addresses of people and machines: from ranges that documentation and measurement are free to use."""

from ipaddress import IPv4Address, IPv6Address
from random import Random

# 203.0.113.0/24 and 198.51.100.0/24, then 198.18.0.0/15, then 2001:db8::/32.
_DOCUMENTATION = ("203.0.113.", "198.51.100.")
_MEASUREMENT = int(IPv4Address("198.18.0.0"))
_DOCUMENTATION_6 = int(IPv6Address("2001:db8::"))


def client_address(dice: Random) -> str:
    """An address of somebody on the internet, a third of them IPv6."""
    throw = dice.random()
    if throw < 0.3:
        return dice.choice(_DOCUMENTATION) + str(dice.randrange(1, 255))
    if throw < 0.66:
        return str(IPv4Address(_MEASUREMENT + dice.randrange(1 << 17)))
    return str(IPv6Address(_DOCUMENTATION_6 | dice.getrandbits(24) << 64 | dice.getrandbits(64)))


def node_address(number: int) -> str:
    """The address of the machine with this number."""
    return f"192.0.2.{number}" if number < 255 else str(IPv6Address(_DOCUMENTATION_6 | number))


def proxy_address(dice: Random) -> str:
    """An address inside a private network, as proxies leave it in lists of forwarded addresses."""
    return f"10.{dice.randrange(10, 250)}.{dice.randrange(10, 250)}.{dice.randrange(10, 250)}"
