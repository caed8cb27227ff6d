"""What a handshake says: where the page comes from, who it is for, which subprotocol. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from signalman.access.credentials import bearer_token, credential_in_query, subprotocol_token, ticket_in_query
from signalman.errors import Forbidden, NotAuthenticated
from signalman.protocol import SUBPROTOCOL


class Origin(Enum):
    """Where the page that opens a socket comes from."""

    NONE = "none"
    """It is a program: browsers always tell."""
    OWN = "own"
    """A page of this host."""
    LISTED = "listed"
    """A page of one of ``gateway.allowed_origins``."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What configuration and pack say about handshakes."""

    allowed_origins: frozenset[str] = frozenset()
    """``scheme://host[:port]``, compared exactly."""
    cookie: str = ""
    """Name of the cookie that may hold a credential; empty: none may."""
    prefixes: frozenset[str] = frozenset()
    """What the platform's API tokens begin with, to know one where it must not be."""


def page_origin(headers: Headers, allowed: Collection[str]) -> Origin:
    """Where the page comes from; foreign pages are refused, against cross-site WebSocket hijacking (RFC 6455 §10.2).

    An origin that is listed counts as such, compared as a whole: scheme, host, port. Beside those, a page of this very
    host and port may connect: the Origin's host is compared with the ``Host`` header as the client sent it. Behind a
    load balancer that ends TLS the scheme is not known here, so that a page of ``http://`` and one of ``https://`` on
    the same host are both our own. That proves less than a list does, which is why a cookie counts only for the latter.

    Raises:
        Forbidden: ``origin_refused``; also for ``null``, which sandboxed and local pages send, and for several.
    """
    given = headers.getlist("origin")
    if not given:
        return Origin.NONE
    if len(given) == 1:
        if given[0] in allowed:
            return Origin.LISTED
        if _is_own(given[0], headers.getlist("host")):
            return Origin.OWN
    raise Forbidden("origin_refused", "Pages of this origin may not connect; see gateway.allowed_origins.")


def header_credential(headers: Headers, query: str, prefixes: Collection[str] = ()) -> str | None:
    """The credential of the ``Authorization`` header, or None where there is no such header.

    Raises:
        NotAuthenticated: ``token_in_url`` for one in the query, ``token_invalid`` for a header that is not one bearer
            token, or for several.
    """
    if credential_in_query(query, prefixes):
        raise NotAuthenticated(
            "token_in_url",
            "A credential in the URL is refused, because URLs are written to logs: "
            "send it in the Authorization header or as the first message, or buy a ticket with it (POST /v1/tickets).",
        )
    given = headers.getlist("authorization")
    if len(given) > 1:
        raise _several()
    return bearer_token(given[0] if given else None)


def handshake_credential(headers: Headers, query: str, offered: Sequence[str], rules: Rules) -> str | None:
    """The one credential that a WebSocket handshake carries, or None where it carries none and `auth` is to follow.

    It may stand in the ``Authorization`` header, in the subprotocol pair ``signalman.v1, bearer.<token>``, or be a
    ticket in ``?ticket=``. Browsers add a cookie by themselves, so one of those is simply preferred to it; and only a
    page of a listed origin may be known by it.

    Raises:
        NotAuthenticated: As `header_credential`; and ``token_invalid`` for more than one credential, since which one
            counts must not be a guess, and for a subprotocol pair that is none.
        Forbidden: As `page_origin`.
    """
    origin = page_origin(headers, rules.allowed_origins)
    header = header_credential(headers, query, rules.prefixes)
    token = subprotocol_token(offered)
    if token is not None and SUBPROTOCOL not in offered:
        raise NotAuthenticated(
            "token_invalid", f"Offer '{SUBPROTOCOL}' beside 'bearer.<token>': the latter is never answered."
        )
    given = [each for each in (header, token, ticket_in_query(query)) if each is not None]
    if len(given) > 1:
        raise _several()
    if given:
        return given[0]
    return _cookie(headers.getlist("cookie"), rules.cookie) if rules.cookie and origin is Origin.LISTED else None


def choose_subprotocol(offered: Collection[str]) -> str | None:
    """The subprotocol to answer with; None when the client offers none, which is fine.

    Raises:
        LookupError: The client offers only others.
    """
    if not offered:
        return None
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    raise LookupError(SUBPROTOCOL)


def _is_own(origin: str, hosts: Sequence[str]) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and [parts.netloc.lower()] == _lowered(hosts)


def _lowered(texts: Iterable[str]) -> list[str]:
    return [text.lower() for text in texts]


def _cookie(headers: Iterable[str], name: str) -> str | None:
    """The value of the cookie *name* (RFC 6265 §5.4)."""
    pairs = (pair.partition("=") for header in headers for pair in header.split(";"))
    found = {value.strip().strip('"') for key, _, value in pairs if key.strip() == name} - {""}
    if len(found) > 1:
        # A neighbouring host can set a second one of the same name, for another path.
        raise NotAuthenticated("token_invalid", "There are several cookies of the name that holds the credential.")
    return found.pop() if found else None


def _several() -> NotAuthenticated:
    return NotAuthenticated("token_invalid", "There are several credentials in this request; send one of them.")
