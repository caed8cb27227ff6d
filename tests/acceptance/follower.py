"""The Python client at work on one channel, with an account of everything that it was told."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from signalman.client.backoff import delays
from signalman.client.connection import Client
from signalman.client.messages import (
    CaughtUp,
    Connected,
    Disconnected,
    Events,
    Fresh,
    Reset,
    Snapshot,
    Stale,
    Subscribed,
    Subscription,
)
from signalman.client.tables import Tables


class Follower:
    """Follows *channel* at *url* for good, coming back by itself. Use as an async context manager."""

    def __init__(
        self, url: str, token: str, channel: str = "streams", *, snapshot: bool = False, name: str = ""
    ) -> None:
        self.name = name
        self.ids: list[str] = []
        """Of all events, as they came."""
        self.resets: list[str] = []
        """Reasons."""
        self.told: Counter[str] = Counter()
        """How often: ``connected``, ``recovered``, ``caught_up``, ``stale <backend>``, ``fresh <backend>``."""
        self.tables = Tables()
        self.read: dict[str, list[Mapping[str, Any]]] = {}
        """Table → the rows of its latest snapshot, as the store had them."""
        self.seq = 0
        self._client = Client(
            url,
            token,
            [Subscription(channel, snapshot=snapshot)],
            # A person waits for half a minute at most; a test has less time.
            delays=lambda: delays(first=0.05, longest=1.0),
        )
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow())
        await self.until(lambda: self.told["caught_up"])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    async def until(self, done: Any, within: float = 60.0) -> None:
        """Return once ``done()`` is true, which is asked again with each message."""
        assert self._task is not None
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: done() or (self._task and self._task.done()))
        except TimeoutError:
            raise AssertionError(f"{self.name}: not within {within:g} s; told {dict(self.told)}") from None
        if self._task.done():
            self._task.result()

    async def _follow(self) -> None:
        async for message in self._client:
            async with self._news:
                self._take(message)
                self._news.notify_all()

    def _take(self, message: object) -> None:
        self._count(message)
        self._show(message)

    def _count(self, message: object) -> None:
        match message:
            case Connected():
                self.told["connected"] += 1
            case Subscribed(recovered=recovered):
                self.told["recovered"] += recovered
            case Events(news=news):
                self.ids += [event["id"] for event in news]
            case CaughtUp():
                self.told["caught_up"] += 1
            case Reset(reason=reason):
                self.resets.append(reason)
            case Stale(backend=backend):
                self.told[f"stale {backend}"] += 1
            case Fresh(backend=backend):
                self.told[f"fresh {backend}"] += 1
            case _:
                pass

    def _show(self, message: object) -> None:
        match message:
            case Disconnected() | Reset():
                self.tables.lost()
            case Subscribed(recovered=False, tables=tables):
                self.tables.begin(tables)
                self.read = {}
            case Snapshot(table=table, key=key, rules=rules, rows=rows):
                self.tables.snapshot(table, key, rules, rows)
                self.read.setdefault(table, []).extend(rows)
            case Events(events=events, seq=seq):
                self.tables.events(events)
                self.seq = seq
            case CaughtUp(seq=seq):
                self.tables.caught_up()
                self.seq = seq
            case _:
                pass
