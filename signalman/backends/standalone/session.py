"""One connection for one command, and what its failures mean to the person who gave it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg

from signalman.backends.postgres_hosts import FAILURES, Connection, PostgresHosts
from signalman.errors import BackendUnavailable

TIMEOUT = 30.0
"""Seconds for all of it, waiting for another `signalman migrate` included."""
CONNECT_TIMEOUT = 10.0

_MISSING = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError)


@contextlib.asynccontextmanager
async def session(url: str, action: str, *, rights: str) -> AsyncIterator[Connection]:
    """A connection within a transaction, which is kept when the block ends well and undone when it does not.

    Args:
        url: ``postgres://user:password@host:port/database``; several hosts are separated by commas.
        action: What is done, as it follows "cannot".
        rights: What the role needs for it.

    Raises:
        ValueError: The URL cannot be understood. It is not repeated.
        BackendUnavailable: The server does not answer or refuses, with what to do about it.
    """
    hosts = PostgresHosts(url, connect_timeout=CONNECT_TIMEOUT)
    try:
        async with asyncio.timeout(TIMEOUT):
            connection = await hosts.connect(None)
            try:
                await connection.execute("BEGIN")
                yield connection
                await connection.execute("COMMIT")
            finally:
                # Undoes what was not kept. To take leave in order, the driver would wait for a server that hangs.
                connection.terminate()
    except asyncpg.InsufficientPrivilegeError as error:
        raise BackendUnavailable("postgres", f"cannot {action}: the role of directory.url needs {rights}") from error
    except _MISSING as error:
        raise BackendUnavailable("postgres", f"cannot {action}: run 'signalman migrate' first") from error
    except FAILURES as error:
        raise BackendUnavailable("postgres", f"cannot {action}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """In words that hold neither address nor value; the driver's have them."""
    if isinstance(error, TimeoutError):
        return "the server does not answer in time"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "the server does not know the user or password of directory.url"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "the server has no such database as directory.url names"
    if isinstance(error, OSError):
        return "the server cannot be reached"
    return f"the server refuses ({type(error).__name__})"
