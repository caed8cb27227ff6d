"""Where a Redis server is, who we are there, and how the connection is encrypted: read from a URL.

The URL is taken apart by redis-py, so that the subscribing connection goes where the commands go.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from redis.asyncio.connection import SSLConnection, parse_url
from redis.exceptions import RedisError


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One server. Equal addresses are the same server under the same credentials."""

    host: str = "localhost"
    port: int = 6379
    path: str = ""
    """Of a Unix socket, which goes before host and port; empty for none."""
    database: int = 0
    """For commands: pub/sub ignores it."""
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """How to encrypt, and whom to trust; None does not encrypt."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``redis://``, ``rediss://`` or ``unix://``, with user, password, database and ``ssl_…`` options.

        Raises:
            ValueError: The URL cannot be understood, or its TLS files cannot be read. It is not repeated: what was
                taken for a port can be the part of a password.
        """
        try:
            options: Mapping[str, Any] = parse_url(url)
            return cls(
                host=options.get("host", "localhost"),
                port=options.get("port", 6379),
                path=options.get("path", ""),
                database=options.get("db", 0),
                username=options.get("username", ""),
                password=options.get("password", ""),
                tls=_tls(options) if options.get("connection_class") is SSLConnection else None,
            )
        except (ValueError, TypeError):
            raise ValueError("the Redis URL cannot be understood; characters such as # and @ must be encoded") from None

    def at(self, host: str, port: int) -> Self:
        """Another server of the same cluster: same credentials, same trust."""
        return replace(self, host=host, port=port, path="")


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext:
    named = {name: value for name, value in options.items() if name.startswith("ssl_")}
    try:
        context: ssl.SSLContext = SSLConnection(**named).ssl_context.get()
    except (OSError, RedisError):
        raise ValueError("unusable TLS options") from None
    return context
