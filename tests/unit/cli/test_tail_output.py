"""What `signalman tail` writes: lines, tables, JSON, and nothing that a terminal would act upon."""

import io
import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.cli.summary import cell, summary
from signalman.cli.tail_output import JsonLines, PipeConsole, Pretty, colour_of, local_time, make_console
from signalman.cli.visible import short, visible
from signalman.client.messages import Snapshot, Subscription

STREAM = "5eedfeed-11fe-ca57-feed-11feca570001"
STREAMS = Subscription("streams")


def event(number: int = 1, **data: Any) -> dict[str, Any]:
    """An event as it comes."""
    return {"id": f"e-{number}", "type": "stream_buffer", "time": "2026-08-20T10:11:12.345678901Z", "source": "foghorn",
            "subject": STREAM, "data": {"stream_id": STREAM, **data}}  # fmt: skip


def rows(count: int, part: int = 1, *, last: bool = True) -> Snapshot:
    """A part of a table."""
    content = tuple({"stream_id": STREAM, "status": f"status-{part}-{n}"} for n in range(count))
    return Snapshot(STREAMS, "streams", ("stream_id",), content, part, last, "2026-08-20T10:11:12Z", None)


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


def test_row_changes_do_not_lengthen_a_line() -> None:
    """They say in columns what the data says in fields; a program gets them, a person has seen it."""
    lines = []
    for rows_ in ([], [{"table": "streams", "op": "upsert", "row": {"stream_id": STREAM, "status": "live"}}]):
        output, out = pretty(200, terminal=False)
        output.event("streams", {**event(buffer_state="FULL"), "rows": rows_})
        lines.append(out.getvalue())
    assert lines[0] == lines[1]


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
