"""A platform's accounts on a PostgreSQL or YugabyteDB server, asked in the pack's own SQL."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import asyncpg
import structlog

from signalman.access_ports import Holder, Looked
from signalman.access_rules import Statement
from signalman.backends.gathering import Gathering
from signalman.backends.postgres_hosts import FAILURES, PostgresHosts
from signalman.backends.postgres_listener import PostgresListener
from signalman.backends.postgres_pool import PostgresPool
from signalman.backends.postgres_rows import UnfitError, check_statement, read_holders, read_scopes
from signalman.errors import BackendUnavailable
from signalman.notice import Notice

log = structlog.get_logger(__name__)

CHUNK = 1000
"""At most so many are asked for in one statement, whoever asks for them."""

LONGEST = 512
"""Characters of an id. No platform's is longer, and what a client makes up may be."""

_SAYS_WHAT_IS_WRONG = ("42", "3D", "3F", "25006")
"""SQLSTATEs whose messages name tables, columns and databases, and never a value: wrong SQL, missing rights."""


class PostgresDirectory:
    """`Directory` on a PostgreSQL server. Use as an async context manager.

    Entering does not wait for the server, and it may go and come back at any time. The role needs the right to
    read what the statements read, and no other: they run in transactions that cannot write.

    Args:
        url: ``postgres://user:password@host:port/database?sslmode=…``; several hosts are separated by commas.
        statements: The questions, see `signalman.catalog.statements`.
        databases: Logical database of a statement → the real one; one that is not named is called the same. A
            statement without a database asks the URL's own.
        connections: To each database, at most.
        timeout: Seconds after which a question is over, whatever the server does. A call that asks for more than
            `CHUNK` is several questions.
        listen: Whether to be told of changes.
        watch_seconds: How often it is seen to that changes are still heard.

    Raises:
        ValueError: The URL cannot be understood. It is not repeated.
    """

    def __init__(
        self,
        url: str,
        statements: Mapping[str, Statement],
        databases: Mapping[str, str],
        *,
        connections: int = 4,
        timeout: float = 5.0,
        listen: bool = True,
        watch_seconds: float = 5.0,
    ) -> None:
        hosts = PostgresHosts(url, connect_timeout=timeout * 0.6)
        real = {each.database: databases.get(each.database or "", each.database) for each in statements.values()}
        pools = {name: PostgresPool(hosts, name, connections=connections) for name in real.values()}
        self._statements = {name: (each.sql, pools[real[each.database]]) for name, each in statements.items()}
        self._scopes = [name for name in statements if name.startswith("scopes.")]
        self._pools = list(pools.values())
        self._timeout = timeout
        self._up = True
        self._told: set[tuple[str, str]] = set()
        self._gathering = {name: Gathering(partial(self._find_good, name), longest=CHUNK) for name in self.knows}
        self._listener = PostgresListener(hosts, list(pools), timeout=timeout, watch_seconds=watch_seconds)
        self._listen = listen

    async def __aenter__(self) -> Self:
        for pool in self._pools:
            await pool.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools))

    @property
    def knows(self) -> frozenset[Looked]:
        """See `Directory.knows`."""
        lookups: tuple[Looked, ...] = ("tokens", "keys", "users")
        return frozenset(name for name in lookups if name in self._statements)

    async def tokens(self, digests: Collection[str]) -> Mapping[str, Holder]:
        """See `Directory.tokens`."""
        return await self._find("tokens", digests)

    async def keys(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """See `Directory.keys`."""
        return await self._find("keys", ids)

    async def users(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """See `Directory.users`."""
        return await self._find("users", ids)

    async def scopes(self, ids: Collection[str]) -> Collection[str]:
        """See `Directory.scopes`."""
        good: set[str] = set()
        for chunk in _chunks(sorted(set(filter(_can_be_asked, ids)))):
            async with self._answering():
                good |= await self._standing(set(chunk))
        return good

    async def changes(self) -> AsyncGenerator[Notice, None]:
        """See `Directory.changes`."""
        if not self._listen:
            log.info("changes_not_told", reason="directory.listen is off")
            return
        async with contextlib.aclosing(self._listener.changes()) as notices:
            async for notice in notices:
                yield notice

    async def ping(self) -> None:
        """Return when every statement can be run.

        Raises:
            BackendUnavailable: One cannot; which, and what of it is wrong, is in the text.
        """
        async with self._answering():
            await _all(self._ask(name, ()) for name in self._statements)

    async def _find(self, name: Looked, asked: Collection[str]) -> Mapping[str, Holder]:
        found: dict[str, Holder] = {}
        if name in self._statements:
            for chunk in _chunks(sorted(set(filter(_can_be_asked, asked)))):
                async with self._answering():
                    found |= await self._gathering[name].find(chunk)
        return found

    async def _find_good(self, name: Looked, asked: Sequence[str]) -> Mapping[str, Holder]:
        found, unusable = read_holders(name, await self._ask(name, asked), frozenset(asked))
        for column in unusable:
            self._tell_unusable(name, column)
        good = await self._standing({holder.scope[0] for holder in found.values()})
        return {key: holder for key, holder in found.items() if holder.scope[0] in good}

    async def _standing(self, scopes: set[str]) -> frozenset[str]:
        """Those of *scopes* that no statement leaves out."""
        if not scopes:
            return frozenset()
        answers = await _all(self._ask(name, sorted(scopes)) for name in self._scopes)
        return frozenset(scopes).intersection(*map(read_scopes, answers))

    async def _ask(self, name: str, asked: Sequence[str]) -> list[asyncpg.Record]:
        sql, pool = self._statements[name]
        try:
            return await pool.fetch(sql, asked, partial(check_statement, name))
        except (UnfitError, *FAILURES) as error:
            raise BackendUnavailable("postgres", f"the statement {name} failed: {_reason(error)}") from error

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError as error:
            self._note(up=False, detail="no answer in time")
            raise BackendUnavailable("postgres", "no answer in time") from error
        except BackendUnavailable as error:
            self._note(up=False, detail=error.detail)
            raise
        self._note(up=True)

    def _note(self, *, up: bool, **details: str) -> None:
        # Every client that comes asks; one line for each change tells as much.
        if up is not self._up:
            self._up = up
            if up:
                log.info("directory_back")
            else:
                log.warning("directory_unavailable", **details)

    def _tell_unusable(self, name: str, column: str) -> None:
        if (name, column) not in self._told:
            self._told.add((name, column))
            log.warning("directory_row_unusable", statement=name, column=column)


def _can_be_asked(text: str) -> bool:
    """Whether it can be an id, and a PostgreSQL text can hold it: no NUL, no half of a surrogate pair."""
    return 0 < len(text) <= LONGEST and text.isprintable()


def _chunks(asked: list[str]) -> Iterator[list[str]]:
    return (asked[start : start + CHUNK] for start in range(0, len(asked), CHUNK))


def _reason(error: Exception) -> str:
    if isinstance(error, UnfitError):
        return str(error)
    state = getattr(error, "sqlstate", None) or ""
    if isinstance(error, asyncpg.PostgresError) and state.startswith(_SAYS_WHAT_IS_WRONG):
        return str(error).splitlines()[0]
    return type(error).__name__


async def _all(questions: Iterable[Any]) -> list[list[asyncpg.Record]]:
    """All answers, or the first failure once nobody asks any more."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
