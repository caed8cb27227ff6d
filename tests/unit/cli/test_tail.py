"""`signalman tail` without a server: what it writes for what comes, when it stops, and with which code."""

import io
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from signalman.cli.summary import cell, summary
from signalman.cli.tail import parse_filters, read_token
from signalman.cli.tail_output import JsonLines, PipeConsole, Pretty, colour_of, local_time, make_console
from signalman.cli.tail_status import Status
from signalman.cli.tailing import Exit, Tailing, Wanted
from signalman.cli.visible import short, visible
from signalman.client.errors import ConnectionEnded
from signalman.client.messages import (
    CaughtUp,
    Connected,
    Disconnected,
    Events,
    Fresh,
    Message,
    Refused,
    Reset,
    Snapshot,
    Stale,
    Subscribed,
    Subscription,
    Trouble,
)
from signalman.errors import Forbidden, NotAuthenticated

STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
STREAMS, SYSTEM = Subscription("streams"), Subscription("system")
CONNECTED = Connected({"kind": "account", "id": "dev", "scope": ["t"]}, ("streams", "system"), None)


def event(number: int = 1, **data: Any) -> dict[str, Any]:
    """An event as it comes."""
    return {"id": f"e-{number}", "type": "stream_buffer", "time": "2026-08-20T10:11:12.345678901Z", "source": "foghorn",
            "subject": STREAM, "data": {"stream_id": STREAM, **data}}  # fmt: skip


def begun(subscription: Subscription = STREAMS) -> Subscribed:
    """A subscription begins."""
    return Subscribed(subscription, ("t",), None, 0, ("streams",))


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
        CONNECTED, begun(), CaughtUp(STREAMS, 0), begun(SYSTEM), CaughtUp(SYSTEM, 0), Stale("bus"), Fresh("bus"),
        Reset(STREAMS, "gap"), Trouble(STREAMS, "snapshot_unavailable", "Later.", 2.0), Disconnected("gone", 2.6),
    )  # fmt: skip
    assert run.err.getvalue().splitlines() == [
        "-- connected to ws://gateway as account dev",
        "-- live: streams, system",
        "-- stale: events may be late or missing, the bus does not answer",
        "-- fresh: the bus is back",
        "-- streams: events were lost on their way to the gateway; starting over",
        "-- streams: Later. (again in 2 s)",
        "-- gone; reconnecting in 3 s",
    ]
    assert run.lines == []


async def test_live_is_told_again_after_a_reset() -> None:
    """So that the reader knows when to trust the screen again."""
    run = Run(Wanted(("streams",)))
    await run(CONNECTED, begun(), CaughtUp(STREAMS, 0), Reset(STREAMS, "slow"), begun(), CaughtUp(STREAMS, 9))
    assert run.err.getvalue().count("live: streams") == 2


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


def pretty(width: int, *, terminal: bool) -> tuple[Pretty, io.StringIO]:
    """Output for people, caught."""
    out = io.StringIO()
    return Pretty(PipeConsole(file=out, width=width, force_terminal=terminal, color_system=None)), out


def test_a_line_has_aligned_columns() -> None:
    """Time of day, channel, type, subject, data; the subject is not repeated in the data."""
    output, out = pretty(200, terminal=False)
    output.event("streams", event(buffer_state="FULL", empty="", tracks=[1, 2]))
    output.event("streams", event(buffer_state="DRY"))
    first, second = out.getvalue().splitlines()
    assert first.endswith("streams  stream_buffer  5eedfeed…0001  buffer_state=FULL tracks=[2]")
    assert first.index("buffer_state") == second.index("buffer_state")


def test_a_terminal_gets_one_line_each() -> None:
    """What does not fit is cut there, and only there."""
    long = event(note="x" * 30, other="y" * 30)
    output, out = pretty(60, terminal=True)
    output.event("streams", long)
    (line,) = out.getvalue().splitlines()
    assert len(line) == 60
    assert line.endswith("…")
    output, out = pretty(60, terminal=False)
    output.event("streams", long)
    assert "y" * 30 in out.getvalue()


def test_a_table_is_shown_when_it_is_whole() -> None:
    """Its first rows, and how many more there are."""
    output, out = pretty(100, terminal=True)
    output.rows(rows(8, 1, last=False))
    assert out.getvalue() == ""
    output.rows(rows(8, 2))
    text = out.getvalue()
    assert text.startswith("streams.streams  16 rows")
    assert "status-2-1" in text
    assert "status-2-2" not in text
    assert "… and 6 more" in text


def test_a_table_has_the_columns_that_fit() -> None:
    """Fewer columns that can be read rather than many that cannot; two are the least."""
    content = ({f"column-{n}": "x" * 20 for n in range(9)},)
    shown = Snapshot(STREAMS, "t", (), content, 1, last=True, as_of="", lag_ms=None)
    for width, columns in [(300, 7), (70, 3), (10, 2)]:
        output, out = pretty(width, terminal=True)
        output.rows(shown)
        assert len(out.getvalue().splitlines()[1].split()) == columns


def test_a_table_shows_times_of_day() -> None:
    """A date in every cell would leave no room for anything else."""
    output, out = pretty(100, terminal=True)
    content = ({"id": "x", "updated_at": "2026-08-20T10:11:12Z"},)
    output.rows(Snapshot(STREAMS, "t", (), content, 1, last=True, as_of="", lag_ms=None))
    assert ":11:12" in out.getvalue()
    assert "2026" not in out.getvalue()


def test_an_empty_table_is_told() -> None:
    """Nothing to see is something to know."""
    output, out = pretty(100, terminal=True)
    output.rows(rows(0))
    assert out.getvalue() == "streams.streams  no rows\n"


EVIL = "\x1b]0;title\x07\x1b[31m\x9b2J\u202e\r\n\x7f"


@given(st.text())
def test_nothing_that_a_terminal_acts_upon_is_left(text: str) -> None:
    """Whatever comes: no control character, no half of one, and nothing that breaks a line."""
    assert not {unicodedata.category(character) for character in visible(text)} & {"Cc", "Cs", "Zl", "Zp"}


def test_what_comes_cannot_reach_the_terminal() -> None:
    """Neither through values and names, nor through types, subjects and times."""
    output, out = pretty(500, terminal=True)
    output.event(EVIL, {"type": EVIL, "time": EVIL, "subject": EVIL, "data": {EVIL: EVIL}})
    content = ({EVIL: EVIL},)
    output.rows(Snapshot(STREAMS, EVIL, (), content, 1, last=True, as_of="", lag_ms=None))
    assert not set(out.getvalue()) & set(EVIL) - set("]0;title[31mJ2\n")


def test_json_lines_mean_the_same_and_are_safe() -> None:
    """An escaped character is the same character to whoever parses the line."""
    out = io.StringIO()
    JsonLines(out).event("streams", event(note=EVIL))
    line = out.getvalue()
    assert orjson.loads(line)["data"]["note"] == EVIL
    assert line[:-1].isprintable()


def test_an_id_keeps_both_its_ends() -> None:
    """The demo's ids differ only in the last digits."""
    assert short(STREAM) == "5eedfeed…0001"
    assert short("a" * 41) == "a" * 39 + "…"
    assert short("a" * 36) == "a" * 36


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (False, "no"), (0, "0"), (1 / 3, "0.333333"), ([1], "[1]"), ({}, "{0}"), ("a", "a")],
)
def test_a_value_fits_into_a_cell(value: object, text: str) -> None:
    """Containers by their size, the rest as it is."""
    assert cell(value) == text


def test_a_summary_leaves_out_what_says_nothing() -> None:
    """Zero and false say something; empty does not; containers come last."""
    data = {"a": None, "b": "", "c": [], "list": [1], "d": 0, "e": False, "f": STREAM}
    assert summary(data, without=STREAM) == [("d", "0"), ("e", "no"), ("list", "[1]")]


def test_times_are_the_readers_own() -> None:
    """Nanoseconds are cut, and what is no time is shown as it is."""
    assert local_time("2026-08-20T10:11:12.345678901Z").endswith(":11:12.345")
    assert local_time("yesterday") == "yesterday"


def test_a_type_has_its_colour() -> None:
    """In this run and the next."""
    assert colour_of("stream_end") == colour_of("stream_end")
    assert len({colour_of(f"type-{n}") for n in range(40)}) > 5


@pytest.mark.parametrize(("colour", "coloured"), [("auto", False), ("always", True), ("never", False)])
def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch, colour: str, coloured: bool) -> None:  # noqa: FBT001 # a parameter of the test
    """Unless the person asks for colour on this very command line."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    make_console(out, colour).print("[red]x")
    assert ("\x1b[31m" in out.getvalue()) is coloured


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


def test_where_the_token_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A file, standard input, or the environment; and a file that is not there is wrong usage."""
    monkeypatch.setenv("SIGNALMAN_TOKEN", "from-environment")
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\nrest"))
    path = tmp_path / "token"
    path.write_text("from-file\n")
    assert read_token(None) == "from-environment"
    assert read_token("-").strip() == "from-stdin"
    assert read_token(str(path)).strip() == "from-file"
    with pytest.raises(typer.BadParameter):
        read_token(str(tmp_path / "missing"))
