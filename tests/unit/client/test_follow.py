"""Tables that follow a client's messages."""

from collections.abc import AsyncIterator
from typing import Any

from signalman.client.follow import Follower
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

STREAMS, ONE = Subscription("streams"), Subscription("streams", filter={"stream_id": ("a",)})
RULES = {
    "version": None,
    "compared": False,
    "final": False,
    "clock": [{"column": "seen_at", "after_ms": 60_000, "set": {"status": "gone"}}],
}


def row(status: str, id_: str = "a") -> dict[str, Any]:
    """A row of the table, last seen at the beginning of 1970."""
    return {"stream_id": id_, "status": status, "seen_at": "1970-01-01T00:00:00Z"}


def begun(subscription: Subscription = STREAMS, *, recovered: bool = False) -> Subscribed:
    """A subscription begins, or goes on."""
    return Subscribed(subscription, ("t",), "e1", 1, ("streams",), recovered)


def rows(*content: dict[str, Any], subscription: Subscription = STREAMS) -> Snapshot:
    """The whole table."""
    return Snapshot(subscription, "streams", ("stream_id",), content, 1, True, "2026-08-20T10:11:12Z", None, RULES)


def changed(to: dict[str, Any]) -> Events:
    """An event that changes a row."""
    return Events(STREAMS, 1, 2, ({"id": "e", "rows": [{"table": "streams", "op": "upsert", "row": to}]},))


async def followed(*messages: Message, now_ms: int = 0) -> Follower:
    """A follower to which these messages have come; it passes each on."""

    async def come() -> AsyncIterator[Message]:
        for message in messages:
            yield message

    follower = Follower(come(), now_ms=lambda: now_ms)
    assert [message async for message in follower] == [*messages]
    return follower


BEGINNING = (begun(), rows(row("live")), changed(row("idle")), CaughtUp(STREAMS, 2))


async def test_the_rows_are_current() -> None:
    """From the first time that it has caught up; what the clock does to them is done when they are asked for."""
    before = await followed(*BEGINNING[:-1])
    assert (before.tables(STREAMS), before.is_stale(STREAMS)) == ((), True)
    live = await followed(*BEGINNING)
    assert (live.rows(STREAMS, "streams"), live.is_stale(STREAMS)) == ([row("idle")], False)
    later = await followed(*BEGINNING, now_ms=60_000)
    assert later.rows(STREAMS, "streams") == [row("gone")]


async def test_what_is_lost_is_stale_and_stays() -> None:
    """An empty dashboard would say less than an old one."""
    for loss in (Disconnected("gone", 1), Reset(STREAMS, "gap")):
        follower = await followed(*BEGINNING, loss)
        assert (follower.rows(STREAMS, "streams"), follower.is_stale(STREAMS)) == ([row("idle")], True)


async def test_a_recovered_subscription_keeps_its_rows() -> None:
    """What was missed is applied to them."""
    back = (Disconnected("gone", 1), begun(recovered=True), changed(row("live", "b")), CaughtUp(STREAMS, 3))
    follower = await followed(*BEGINNING, *back)
    assert follower.rows(STREAMS, "streams") == [row("idle"), row("live", "b")]
    assert not follower.is_stale(STREAMS)


async def test_a_new_beginning_replaces_them() -> None:
    """When it has caught up, and not before."""
    anew = (Reset(STREAMS, "gap"), begun(), rows(row("new", "c")))
    assert (await followed(*BEGINNING, *anew)).rows(STREAMS, "streams") == [row("idle")]
    assert (await followed(*BEGINNING, *anew, CaughtUp(STREAMS, 9))).rows(STREAMS, "streams") == [row("new", "c")]


async def test_each_subscription_has_its_own() -> None:
    """Two of the same channel, with different filters."""
    one = (begun(ONE), rows(row("other"), subscription=ONE), CaughtUp(ONE, 1))
    follower = await followed(*BEGINNING, *one)
    assert follower.rows(ONE, "streams") == [row("other")]
    assert follower.rows(STREAMS, "streams") == [row("idle")]


async def test_what_is_no_longer_granted_is_no_longer_held() -> None:
    """Neither its rows nor its tables' names; it stands as if it had never begun."""
    ended = await followed(*BEGINNING, Refused(STREAMS, "grant_ended", "No longer."))
    assert (ended.rows(STREAMS, "streams"), ended.tables(STREAMS), ended.is_stale(STREAMS)) == ([], (), True)
