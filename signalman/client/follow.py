"""For a dashboard in Python: the tables of all subscriptions, current at every moment."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Self

from signalman.client.messages import (
    CaughtUp,
    Disconnected,
    Events,
    Message,
    Refused,
    Reset,
    Snapshot,
    Subscribed,
    Subscription,
)
from signalman.client.tables import Row, Tables


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Follower:
    """Passes a client's messages on, after it has brought its tables up to date with them.

        streams = Subscription("streams")
        async with Client("ws://127.0.0.1:18009", token, [streams]) as client:
            follower = Follower(client)
            async for message in follower:
                print(len(follower.rows(streams, "streams")), "old" if follower.is_stale(streams) else "live")

    Args:
        messages: A `Client`, or whatever yields its messages.
        now_ms: The time by which rows expire, Unix milliseconds; it should be about the server's.
    """

    def __init__(self, messages: AsyncIterator[Message], *, now_ms: Callable[[], int] = _wall_clock_ms) -> None:
        self._messages = messages
        self._now_ms = now_ms
        self._tables: dict[Subscription, Tables] = {}

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        message = await anext(self._messages)
        self._take(message)
        return message

    def tables(self, subscription: Subscription) -> tuple[str, ...]:
        """The names of the tables that it shows; none before it has caught up for the first time."""
        return self._of(subscription).names

    def rows(self, subscription: Subscription, table: str) -> list[Row]:
        """The rows of *table* as they are now, in no order."""
        tables = self._of(subscription)
        tables.expire(self._now_ms())
        return tables.rows(table)

    def is_stale(self, subscription: Subscription) -> bool:
        """Whether its rows may be old: there is no connection, or it has not caught up."""
        return self._of(subscription).stale

    def _of(self, subscription: Subscription) -> Tables:
        return self._tables.setdefault(subscription, Tables())

    def _take(self, message: Message) -> None:
        match message:
            case Disconnected():
                for tables in self._tables.values():
                    tables.lost()
            case Refused():
                self._tables.pop(message.subscription, None)  # what is no longer allowed is no longer shown
            case Reset():
                self._of(message.subscription).lost()
            case Subscribed(recovered=False):
                self._of(message.subscription).begin(message.tables)
            case Snapshot():
                self._of(message.subscription).snapshot(message.table, message.key, message.rules, message.rows)
            case Events():
                self._of(message.subscription).events(message.events)
            case CaughtUp():
                self._of(message.subscription).caught_up()
            case _:
                pass
