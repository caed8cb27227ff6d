"""Where a credential may stand in a request, and what it must look like before anything else is asked. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from urllib.parse import unquote_plus

from signalman.access_rules import TokenScheme
from signalman.errors import NotAuthenticated

LONGEST = 8192
"""Characters of a credential."""

_PRINTABLE = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_BEARER = re.compile(rf"bearer +({_TOKEN.pattern}) *", re.IGNORECASE)
_SEPARATORS = re.compile(r"[&;]")
_BEFORE = re.compile(r"\Abearer\s+", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII | re.IGNORECASE)
_TICKET = re.compile(r"sgt_[A-Za-z0-9_-]{43}")
_OWN_PREFIXES = ("sgn_", "sgt_")
_SHORTEST = 32
"""Characters behind a prefix that make a token; what has fewer is a name that merely begins so."""
_SUBPROTOCOL = "bearer."
_NAMES = frozenset(
    {
        "accesstoken",
        "apikey",
        "apitoken",
        "auth",
        "authentication",
        "authorization",
        "authtoken",
        "bearer",
        "bearertoken",
        "credential",
        "credentials",
        "idtoken",
        "jwt",
        "password",
        "refreshtoken",
        "secret",
        "token",
        "xapikey",
    }
)
"""Query parameters that are there to hold a credential: lower case, without ``_ - .``."""


def is_well_formed(credential: str) -> bool:
    """Whether *credential* is printable ASCII without spaces, and not too long."""
    return _PRINTABLE.fullmatch(credential) is not None


def is_bearer_token(text: str) -> bool:
    """Whether *text* can be sent as a bearer token (RFC 6750 §2.1, ``b64token``)."""
    return len(text) <= LONGEST and _TOKEN.fullmatch(text) is not None


def bearer_token(header: str | None) -> str | None:
    """The token of an ``Authorization`` header's value; None when there is no such header.

    The scheme is compared without regard to case (RFC 9110 §11.1).

    Raises:
        NotAuthenticated: ``token_invalid`` for another scheme, several credentials or none.
    """
    if header is None:
        return None
    match = _BEARER.fullmatch(header) if len(header) <= LONGEST + len("Bearer ") else None
    if match is None:
        raise NotAuthenticated("token_invalid", "The Authorization header must read 'Bearer <token>'.")
    return match.group(1)


def subprotocol_token(offered: Sequence[str]) -> str | None:
    """The token of the one ``bearer.<token>`` among the subprotocols that a client offers; None when there is none.

    A browser's WebSocket can send no header, but it can name subprotocols. This one is never answered with.

    Raises:
        NotAuthenticated: ``token_invalid`` for several, or one that holds no token.
    """
    tokens = [name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)]
    if len(tokens) > 1 or not all(map(is_bearer_token, tokens)):
        raise NotAuthenticated("token_invalid", "Offer exactly one subprotocol 'bearer.<token>', or none.")
    return tokens[0] if tokens else None


def ticket_in_query(query: str) -> str | None:
    """The ticket under ``ticket`` in a URL's *query* (without ``?``); None when there is none.

    Raises:
        NotAuthenticated: ``token_invalid`` for several, or one that is no ticket.
    """
    tickets = [value for name, value in _parts(query) if name == "ticket"]
    if len(tickets) > 1 or not all(map(_TICKET.fullmatch, tickets)):
        raise NotAuthenticated("token_invalid", "There must be one ticket in the URL, or none.")
    return tickets[0] if tickets else None


def scheme_of(token: str, schemes: Iterable[TokenScheme]) -> TokenScheme | None:
    """The scheme of *schemes* that *token* is of: of several the one with the longest prefix."""
    fitting = [each for each in schemes if each.prefix and token.startswith(each.prefix)]
    return max(fitting, key=lambda each: len(each.prefix), default=None)


def token_prefixes(schemes: Iterable[TokenScheme]) -> frozenset[str]:
    """What API tokens begin with by any of a pack's *schemes*, the secret halves of split ones too."""
    return frozenset(prefix for each in schemes for prefix in (each.prefix, each.secret_prefix) if prefix)


def credential_in_query(query: str, prefixes: Collection[str] = ()) -> bool:
    """Whether a URL's *query* (without ``?``) holds a credential, valid or not: under a name that is meant for one,
    even when empty, or under any name in the form of one. A one-time ticket may stand there, under its own name.

    The answer is refused with ``token_in_url`` (RFC 9700 §4.3.2): URLs end up in logs, histories and Referer headers.

    Args:
        query: As it was sent.
        prefixes: What the platform's API tokens begin with, beside our own.
    """
    begins = tuple(prefix.lower() for prefix in (*_OWN_PREFIXES, *prefixes))
    return any(_holds_credential(name, value, begins) for name, value in _parts(query))


def _parts(query: str) -> Iterator[tuple[str, str]]:
    for part in _SEPARATORS.split(query):
        name, _, value = part.partition("=")
        yield unquote_plus(name), unquote_plus(value)


def _holds_credential(name: str, value: str, begins: tuple[str, ...]) -> bool:
    if name == "ticket":
        return _TICKET.fullmatch(value) is None
    plain = re.sub(r"[-_.\s]|\[.*", "", name).lower()
    return plain in _NAMES or _looks_like_one(_BEFORE.sub("", value), begins)


def _looks_like_one(value: str, begins: tuple[str, ...]) -> bool:
    lowered = value.lower()
    return _JWT.match(value) is not None or any(
        lowered.startswith(prefix) and re.match(rf"\S{{{_SHORTEST},}}", lowered[len(prefix) :]) is not None
        for prefix in begins
    )
