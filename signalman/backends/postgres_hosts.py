"""Where a PostgreSQL server is, and connections to it: one host or, as YugabyteDB has it, several."""

from typing import Any, TypeAlias
from urllib.parse import urlsplit

import asyncpg

# Generic for the type checker only.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver raises when the server refuses, cannot be reached, or does not answer in time."""


class PostgresHosts:
    """The hosts of one URL; the one that was good last is asked first.

    Args:
        url: ``postgres://`` with one host or several with commas between.
        connect_timeout: Seconds for a connection, all hosts together. Each has its share of them: the driver would
            spend them all on a first host that hangs.
        role: Shown by the server as ``application_name``.

    Raises:
        ValueError: The URL cannot be understood. It is not repeated.
    """

    def __init__(self, url: str, *, connect_timeout: float, role: str = "signalman") -> None:
        self._hosts = single_hosts(url)
        self._timeout = connect_timeout / len(self._hosts)
        self._role = role

    async def connect(self, database: str | None, **settings: Any) -> Connection:
        """A new connection to *database*, or without one to the URL's own, with the driver's *settings*. Raises the
        driver's errors.
        """
        failure: Exception = ConnectionError("no host")
        for host in list(self._hosts):
            try:
                connection: Connection = await asyncpg.connect(
                    host,
                    database=database,
                    timeout=self._timeout,
                    # YugabyteDB refuses a cached plan after each change of a table, and PgBouncer may hand the next
                    # statement to another session.
                    statement_cache_size=0,
                    server_settings={"application_name": self._role},
                    **settings,
                )
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                failure = error
            else:
                # The next connection begins with the host that was good now.
                self._hosts.sort(key=host.__ne__)
                return connection
        raise failure


def single_hosts(url: str) -> list[str]:
    """*url* once for each of its hosts, with that host alone.

    Raises:
        ValueError: It is no URL of PostgreSQL. It is not repeated.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(
            "the PostgreSQL URL must read postgres://user:password@host:port/database; "
            "characters such as # / ? @ in a password must be encoded"
        )
    user, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [url]
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]
