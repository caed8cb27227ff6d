"""From what a person writes to the address of the gateway's WebSocket."""

from urllib.parse import urlsplit, urlunsplit

from signalman.client.errors import AddressError

PATH = "/v1/ws"

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def websocket_url(url: str) -> str:
    """The URL to connect to for *url*, which may be a gateway's or a load balancer's, with or without the path.

    Raises:
        AddressError: Another scheme, no host, or something where a credential could be: user, password or query.
    """
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise AddressError("is not a URL") from None
    if parts.scheme not in _SCHEMES:
        raise AddressError("does not begin with ws://, wss://, http:// or https://")
    if not parts.hostname:
        raise AddressError("names no host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise AddressError("holds more than scheme, host, port and path, and a credential in a URL is refused")
    path = parts.path.rstrip("/")
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path if path.endswith(PATH) else path + PATH, "", ""))
