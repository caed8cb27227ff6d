"""Who may open a WebSocket: origin, credential in the handshake, subprotocol. Pure but for the credential's check."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from signalman.access.credentials import bearer_token, credential_in_query
from signalman.errors import Forbidden, NotAuthenticated
from signalman.protocol import SUBPROTOCOL


def check_origin(headers: Headers, allowed: Collection[str]) -> None:
    """Refuse a page of a foreign origin, against cross-site WebSocket hijacking (RFC 6455 §10.2).

    A program sends no Origin. A page of this gateway sends its own host; any other origin must be listed exactly.

    Raises:
        Forbidden: ``origin_refused``.
    """
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return
    if urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise Forbidden("origin_refused", "Pages of this origin may not connect; see gateway.allowed_origins.")


def handshake_credential(headers: Headers, query: str) -> str | None:
    """The credential that the handshake carries, or None.

    Raises:
        NotAuthenticated: ``token_in_url`` for one in the query, ``token_invalid`` for an Authorization header that is
            not a bearer token.
    """
    if credential_in_query(query):
        raise NotAuthenticated(
            "token_in_url",
            "A credential in the URL is refused, because URLs are written to logs: "
            "send it in the Authorization header or as the first message.",
        )
    return bearer_token(headers.get("authorization"))


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
