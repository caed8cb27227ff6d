"""Who is at the other end of a request, as far as limits per address are concerned."""

from collections.abc import Collection, Sequence
from functools import lru_cache

import structlog
from starlette.requests import HTTPConnection

from signalman.web.address import client_address, is_trusted, networks

log = structlog.get_logger(__name__)

_KEPT = 4096
"""Peers whose addresses need not be read again. What they say for whom they speak may be long, and is not kept."""


class Peers:
    """Finds the clients' addresses, behind the *trusted* proxies.

    Args:
        trusted: Their addresses and networks.
        limited: Whether anything is limited by address. If so, it is told once, and without an address, when somebody
            who is not trusted says for whom he speaks: most likely a load balancer that was forgotten here, and all of
            its clients share one limit.
    """

    def __init__(self, trusted: Collection[str], *, limited: bool) -> None:
        self._trusted = networks(trusted)
        self._peer = lru_cache(maxsize=_KEPT)(lambda peer: client_address(peer, (), ()))
        self._warns = limited

    def address(self, connection: HTTPConnection) -> str | None:
        """The address of the client of a request or a handshake; None where it has none."""
        peer = connection.client.host if connection.client is not None else None
        return self.find(peer, connection.headers.getlist("x-forwarded-for"))

    def find(self, peer: str | None, forwarded_for: Sequence[str]) -> str | None:
        """The same out of the address that has connected and the values of all ``X-Forwarded-For`` headers."""
        if forwarded_for and self._warns and not is_trusted(peer, self._trusted):
            self._warns = False
            log.warning(
                "forwarded_for_ignored",
                detail="An X-Forwarded-For came from a peer that is not in gateway.trusted_proxies. "
                "If that is your load balancer, list it there: its clients count as one address until then.",
            )
        return client_address(peer, forwarded_for, self._trusted) if forwarded_for else self._peer(peer)
