"""One-time tickets: how a page that cannot send a header says who it is, without its credential in an address.

A ticket is worth one connection within seconds. The store, which all gateways share, sees neither the ticket nor whose
it is: it keeps the principal encrypted under a key that only the ticket holds, and by the ticket's digest.
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import asdict
from secrets import token_bytes
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signalman.access_ports import Tickets
from signalman.errors import NotAuthenticated
from signalman.principal import Principal

TICKET_PREFIX = "sgt_"
_TICKET = re.compile(r"sgt_[A-Za-z0-9_-]{43}")
_ENTROPY_BYTES = 32
_PURPOSE = b"signalman ticket 1"
# Each key encrypts one message ever, so that its nonce need not differ from another's (NIST SP 800-38D §8).
_NONCE = bytes(12)
_SETS = frozenset({"roles", "permissions"})


class TicketOffice:
    """Gives tickets out and takes them back.

    Args:
        tickets: Where they are kept, for all gateways.
        seconds: How long a ticket is good.
    """

    def __init__(self, tickets: Tickets, *, seconds: float) -> None:
        self._tickets = tickets
        self.seconds = seconds

    async def issue(self, principal: Principal) -> str:
        """A ticket for *principal*: ``sgt_`` and 43 characters of base64url (256 random bits).

        Raises:
            BackendUnavailable: It cannot be kept now.
        """
        random = base64.urlsafe_b64encode(token_bytes(_ENTROPY_BYTES)).rstrip(b"=").decode()
        ticket = f"{TICKET_PREFIX}{random}"
        sealed = AESGCM(_key(ticket)).encrypt(_NONCE, _written(principal), _PURPOSE)
        await self._tickets.put(_name(ticket), sealed, self.seconds)
        return ticket

    async def redeem(self, ticket: str) -> Principal:
        """Whom *ticket* was given to, as it was then; nobody can redeem it again.

        Raises:
            NotAuthenticated: ``token_invalid``: it was never given, has been used, or is too old.
            BackendUnavailable: The store does not answer. The ticket may be gone.
        """
        if _TICKET.fullmatch(ticket):
            sealed = await self._tickets.take(_name(ticket))
            if sealed is not None and (principal := _opened(ticket, sealed)) is not None:
                return principal
        raise NotAuthenticated("token_invalid", "The ticket is unknown, used or too old: it is good once, for seconds.")


def _name(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def _key(ticket: str) -> bytes:
    # Not the digest that the store knows the ticket by.
    return hmac.digest(ticket.encode(), _PURPOSE, "sha256")


def _opened(ticket: str, sealed: bytes) -> Principal | None:
    """What was kept, or None when it is not what `TicketOffice.issue` put there."""
    try:
        return _read(AESGCM(_key(ticket)).decrypt(_NONCE, sealed, _PURPOSE))
    except (InvalidTag, ValueError, TypeError, KeyError):
        return None


def _written(principal: Principal) -> bytes:
    members = asdict(principal)
    for name in _SETS:
        members[name] = None if members[name] is None else sorted(members[name])
    # Not orjson: an id that came in a claim can hold a lone surrogate, which this escapes.
    return json.dumps(members).encode("ascii")


def _read(written: bytes) -> Principal:
    members: dict[str, Any] = json.loads(written)
    for name in _SETS:
        members[name] = None if members[name] is None else frozenset(members[name])
    return Principal(**{**members, "scope": tuple(members["scope"])})
