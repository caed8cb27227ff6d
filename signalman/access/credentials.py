"""Where a credential may stand in a request, and what it must look like before anything else is asked. Pure."""

import re
from urllib.parse import unquote_plus

from signalman.errors import NotAuthenticated

LONGEST = 8192
"""Characters of a credential."""

_PRINTABLE = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_BEARER = re.compile(rf"bearer +({_TOKEN.pattern}) *", re.IGNORECASE)
_SEPARATORS = re.compile(r"[&;]")
_CREDENTIAL = re.compile(r"fw_\S{32,}|(?:bearer\s+)?eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII | re.IGNORECASE)
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


def credential_in_query(query: str) -> bool:
    """Whether a URL's *query* (without ``?``) holds a credential, valid or not: under a name that is meant for one,
    even when empty, or under any name in the form of one.

    The answer is refused with ``token_in_url`` (RFC 9700 §4.3.2): URLs end up in logs, histories and Referer headers.
    """
    return any(_holds_credential(part) for part in _SEPARATORS.split(query))


def _holds_credential(part: str) -> bool:
    name, _, value = part.partition("=")
    plain = re.sub(r"[-_.\s]|\[.*", "", unquote_plus(name)).lower()
    return plain in _NAMES or _CREDENTIAL.match(unquote_plus(value)) is not None
