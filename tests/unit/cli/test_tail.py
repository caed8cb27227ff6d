"""`signalman tail` without a server: what it writes for what comes, when it stops, and with which code."""

import io
from collections.abc import AsyncIterator
from typing import Any, get_args

import orjson
import pytest
import typer
from rich.console import Console

from signalman.cli.tail import parse_filters
from signalman.cli.tail_output import JsonLines
from signalman.cli.tail_status import Status
from signalman.cli.tailing import Exit, Tailing, Wanted
from signalman.client.errors import ConnectionEnded
from signalman.client.messages import (
    CaughtUp,
    Connected,
    Disconnected,
    Dropped,
    Events,
    Expiring,
    Fresh,
    Message,
    Refused,
    Renewed,
    Reset,
    Snapshot,
    Stale,
    Subscribed,
    Subscription,
    Trouble,
)
from signalman.errors import Forbidden, NotAuthenticated
from signalman.protocol import ResetReason

STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
STREAMS, SYSTEM = Subscription("streams"), Subscription("system")
CONNECTED = Connected({"kind": "account", "id": "dev", "scope": ["t"]}, ("streams", "system"), None)


def event(number: int = 1, **data: Any) -> dict[str, Any]:
    """An event as it comes."""
    return {"id": f"e-{number}", "type": "stream_buffer", "time": "2026-08-20T10:11:12.345678901Z", "source": "foghorn",
            "subject": STREAM, "data": {"stream_id": STREAM, **data}}  # fmt: skip


def begun(subscription: Subscription = STREAMS, *, recovered: bool = False, partial: bool = False) -> Subscribed:
    """A subscription begins, or goes on."""
    return Subscribed(subscription, ("t",), None, 0, ("streams",), recovered, partial)


def rows(count: int, part: int = 1, *, last: bool = True) -> Snapshot:
    """A part of a table."""
    content = tuple({"stream_id": STREAM, "status": f"status-{part}-{n}"} for n in range(count))
    return Snapshot(STREAMS, "streams", ("stream_id",), content, part, last, "2026-08-20T10:11:12Z", None)


class Run:
    """A tail with everything it writes caught."""

    def __init__(self, wanted: Wanted | None = None) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        console = Console(file=self.err, width=200)
        self.tailing = Tailing(wanted or Wanted(), JsonLines(self.out), Status(console, "ws://gateway"))

    async def __call__(self, *messages: Message | Exception) -> Exit | None:
        """Feed it; the code with which it ends."""

        async def feed() -> AsyncIterator[Message]:
            for message in messages:
                if isinstance(message, Exception):
                    raise message
                yield message

        await self.tailing.run(feed())
        return self.tailing.code

    @property
    def lines(self) -> list[Any]:
        """What it wrote to standard output."""
        return [orjson.loads(line) for line in self.out.getvalue().splitlines()]


async def test_rows_and_events_become_json_lines() -> None:
    """One object a line, in the shape that `--help` promises."""
    run = Run()
    await run(CONNECTED, begun(), rows(1), CaughtUp(STREAMS, 0), Events(STREAMS, 0, 1, (event(),)))
    assert run.lines == [
        {"channel": "streams", "table": "streams", "row": {"stream_id": STREAM, "status": "status-1-0"}},
        {"channel": "streams", **event()},
    ]


async def test_the_connection_is_told_on_standard_error() -> None:
    """Whoever pipes the events elsewhere still sees what happens."""
    run = Run()
    await run(
        CONNECTED, begun(), CaughtUp(STREAMS, 0), begun(SYSTEM, partial=True), CaughtUp(SYSTEM, 0),
        Stale("bus"), Fresh("bus"), Stale("source"), Fresh("source"), Stale("moon"), Fresh("moon"),
        Trouble(STREAMS, "snapshot_unavailable", "Later.", 2.0), Disconnected("gone", 2.6),
    )  # fmt: skip
    assert run.err.getvalue().splitlines() == [
        "-- connected to ws://gateway as account dev",
        "-- system: the history is short, and rows may be behind at first",
        "-- live: streams, system",
        "-- stale: events may be late or missing, the bus does not answer",
        "-- fresh: the bus is back",
        "-- stale: events may be late or missing, nobody reads the platform's events",
        "-- fresh: the platform's events are read again",
        "-- stale: events may be late or missing, moon",
        "-- fresh: moon",
        "-- streams: Later. (again in 2 s)",
        "-- gone; reconnecting in 3 s",
    ]
    assert run.lines == []


@pytest.mark.parametrize("reason", [*get_args(ResetReason), "hole"])
async def test_a_new_beginning_has_its_reason_in_words(reason: str) -> None:
    """A word of the protocol says little to who sits at the terminal."""
    run = Run()
    await run(Reset(STREAMS, reason))
    (line,) = run.err.getvalue().splitlines()
    why = line.removeprefix("-- streams: ").removesuffix("; starting over")
    assert len(why.split()) > 2


async def test_the_end_of_access_is_told_and_so_is_its_renewal() -> None:
    """Before it ends, and until when it goes on; a channel that is no longer granted by name ends the run."""
    run = Run(Wanted(channels=("streams",)))
    code = await run(
        CONNECTED,
        Expiring("2026-08-20T10:12:00Z", 59.7),
        Renewed(CONNECTED.principal, ("streams",), "2026-08-20T11:12:00Z"),
        Renewed(CONNECTED.principal, ("streams", "system"), None),
        Refused(STREAMS, "grant_ended", "No longer."),
    )
    assert run.err.getvalue().splitlines()[1:] == [
        "-- access ends in 60 s",
        "-- access goes on until 2026-08-20T11:12:00Z: streams",
        "-- access goes on: streams, system",
        "-- streams: No longer.",
    ]
    assert code is Exit.FORBIDDEN


async def test_a_connection_that_is_back_says_whether_anything_was_missed() -> None:
    """Channel by channel: one may have gone on and another begun anew."""
    run = Run()
    await run(
        CONNECTED, begun(), begun(SYSTEM), CaughtUp(STREAMS, 0), CaughtUp(SYSTEM, 0), Disconnected("gone", 1),
        CONNECTED, begun(recovered=True), CaughtUp(STREAMS, 0), Reset(SYSTEM, "trimmed"), begun(SYSTEM),
        CaughtUp(SYSTEM, 0),
    )  # fmt: skip
    assert run.err.getvalue().splitlines()[2:] == [
        "-- gone; reconnecting in 1 s",
        "-- connected to ws://gateway as account dev",
        "-- system: it was away for longer than the gateway remembers; starting over",
        "-- live: system",
        "-- live again, nothing missed: streams",
    ]


@pytest.mark.parametrize(("count", "told"), [(1, "1 event is"), (1874, "1874 events are")])
async def test_what_was_dropped_is_told(count: int, told: str) -> None:
    """On standard error, with how much is missing; the events that come are written as ever."""
    run = Run()
    await run(CONNECTED, begun(), Dropped(STREAMS, 5, 2310, count), Events(STREAMS, 2310, 2311, (event(1),)))
    assert f"streams: this client read too slowly, and {told} left out" in run.err.getvalue()
    assert len(run.lines) == 1


async def test_live_is_told_again_after_a_reset() -> None:
    """So that the reader knows when to trust the screen again; of the channel that began anew, and of no other."""
    run = Run()
    await run(
        CONNECTED, begun(), begun(SYSTEM), CaughtUp(STREAMS, 0), CaughtUp(SYSTEM, 0),
        Reset(STREAMS, "slow"), begun(), CaughtUp(STREAMS, 9),
    )  # fmt: skip
    assert [line for line in run.err.getvalue().splitlines() if "live" in line] == [
        "-- live: streams, system",
        "-- live: streams",
    ]


async def test_no_event_is_written_twice() -> None:
    """What a new beginning replays has been written before, and does not count again."""
    run = Run(Wanted(max_events=3))
    again = Events(STREAMS, 0, 2, (event(1), event(2)), frozenset({"e-1"}))
    code = await run(CONNECTED, begun(), Events(STREAMS, 0, 1, (event(1),)), Reset(STREAMS, "slow"), begun(), again)
    assert (code, [line["id"] for line in run.lines]) == (None, ["e-1", "e-2"])


async def test_row_changes_are_written_as_they_came() -> None:
    """A program may keep its own table with them."""
    run = Run()
    changes = [
        {"table": "streams", "op": "upsert", "row": {"stream_id": STREAM, "status": "live"}, "initial": {"n": 1}}
    ]
    await run(CONNECTED, begun(), Events(STREAMS, 0, 1, ({**event(), "rows": changes},)))
    assert run.lines == [{"channel": "streams", **event(), "rows": changes}]


async def test_it_stops_after_so_many_events() -> None:
    """In the middle of a batch, too."""
    run = Run(Wanted(max_events=2))
    code = await run(CONNECTED, begun(), Events(STREAMS, 0, 3, (event(1), event(2), event(3))))
    assert (code, [line["id"] for line in run.lines]) == (Exit.OK, ["e-1", "e-2"])


async def test_snapshot_only_stops_when_every_channel_has_its_tables() -> None:
    """Events that come meanwhile are not shown."""
    run = Run(Wanted(snapshot_only=True))
    code = await run(
        CONNECTED, begun(), rows(1), CaughtUp(STREAMS, 0), Events(STREAMS, 0, 1, (event(),)), begun(SYSTEM),
        CaughtUp(SYSTEM, 0), Disconnected("never comes here", 1),
    )  # fmt: skip
    assert (code, len(run.lines)) == (Exit.OK, 1)
    assert "never" not in run.err.getvalue()


async def test_snapshot_only_fails_where_the_tables_cannot_be_read() -> None:
    """A script must not take nothing for an empty table."""
    run = Run(Wanted(snapshot_only=True))
    assert await run(CONNECTED, begun(), Trouble(STREAMS, "snapshot_unavailable", "Later.", 2.0)) is Exit.RUNTIME


@pytest.mark.parametrize(
    ("code", "exit_"),
    [("unknown_channel", Exit.FORBIDDEN), ("forbidden", Exit.FORBIDDEN), ("invalid_request", Exit.USAGE)],
)
async def test_a_named_channel_that_is_refused_ends_it(code: str, exit_: Exit) -> None:
    """A typing error is told at once, with the server's sentence."""
    run = Run(Wanted(("nope",)))
    assert await run(CONNECTED, Refused(Subscription("nope"), code, "There is no such channel.")) is exit_
    assert "-- nope: There is no such channel." in run.err.getvalue()


async def test_of_unnamed_channels_one_may_be_refused() -> None:
    """A filter that only some channels have leaves the others to be followed; when none is left, that is the end."""
    run = Run(Wanted(filter={"node_id": ("n",)}))
    assert await run(CONNECTED, Refused(SYSTEM, "invalid_request", "No."), begun(), rows(1)) is None
    assert len(run.lines) == 1
    refused = [Refused(each, "invalid_request", "No.") for each in (SYSTEM, STREAMS)]
    assert await Run()(CONNECTED, *refused) is Exit.USAGE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotAuthenticated("token_expired", "The credential has expired."), Exit.AUTHENTICATION),
        (Forbidden("nothing_granted", "No channel."), Exit.FORBIDDEN),
        (ConnectionEnded("lost", "The connection was lost."), Exit.CONNECTION),
    ],
)
async def test_the_end_has_a_code_and_a_sentence(error: Exception, code: Exit) -> None:
    """Scripts read the one, people the other."""
    run = Run()
    assert await run(CONNECTED, error) is code
    assert str(error) in run.err.getvalue()


async def test_time_can_be_limited() -> None:
    """`--duration` is a good end, unless there never was a connection."""

    async def silence(*first: Message) -> AsyncIterator[Message]:
        import asyncio

        for message in first:
            yield message
        await asyncio.Event().wait()

    connected, alone = Run(Wanted(duration=0.01)), Run(Wanted(duration=0.01))
    await connected.tailing.run(silence(CONNECTED))
    await alone.tailing.run(silence())
    assert (connected.tailing.code, alone.tailing.code) == (Exit.OK, Exit.CONNECTION)


def test_an_interrupted_run_has_no_code() -> None:
    """The command then decides by whether there was a connection."""
    run = Run()
    assert (run.tailing.code, run.tailing.connected) == (None, False)


def test_filters_are_collected() -> None:
    """A repeated field accepts each of its values; a value may hold an equals sign."""
    assert parse_filters(["a=1", "b=x=y", "a=2"], ["stream_end"]) == {
        "a": ("1", "2"),
        "b": ("x=y",),
        "type": ("stream_end",),
    }


@pytest.mark.parametrize("pair", ["a", "=a", ""])
def test_a_filter_that_is_none_is_wrong_usage(pair: str) -> None:
    """And says how to write it."""
    with pytest.raises(typer.BadParameter, match="FIELD=VALUE"):
        parse_filters([pair], [])
