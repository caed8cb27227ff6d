"""What `signalman tail` writes to standard output: JSON lines for programs, lines and small tables for people."""

import os
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TextIO

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from signalman.cli.summary import cell, summary
from signalman.cli.visible import short, visible
from signalman.client.messages import Snapshot
from signalman.event import Json

ROWS = 10
"""Rows of a table shown to a person."""

COLUMNS = 7
"""Columns of a table shown to a person."""

_COLOURS = ("cyan", "green", "yellow", "blue", "magenta", "bright_cyan", "bright_green", "bright_yellow", "bright_blue")
_SUBJECT = 13
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^ ]*$")


class Output(Protocol):
    """Writes what has come. Raises BrokenPipeError when nobody reads any more."""

    def event(self, channel: str, event: Mapping[str, Json]) -> None:
        """One event of *channel*."""
        ...

    def rows(self, snapshot: Snapshot) -> None:
        """One part of a table."""
        ...


class JsonLines:
    """One JSON object a line, flushed at once so that a pipe sees it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def event(self, channel: str, event: Mapping[str, Json]) -> None:
        """``{"channel", …the event's members}``."""
        self._write({"channel": channel, **event})

    def rows(self, snapshot: Snapshot) -> None:
        """``{"channel", "table", "row"}`` for each row."""
        for row in snapshot.rows:
            self._write({"channel": snapshot.subscription.channel, "table": snapshot.table, "row": row})

    def _write(self, value: Mapping[str, Json]) -> None:
        # A terminal acts upon some characters that JSON leaves as they are; escaped they mean the same.
        self._stream.write(visible(orjson.dumps(value).decode()) + "\n")
        self._stream.flush()


class Pretty:
    """A line for each event and a short table for each table. A terminal's width cuts lines; a pipe's has none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._parts: dict[tuple[str, str], list[dict[str, Json]]] = {}
        self._channel_width = 0
        self._type_width = 0

    def event(self, channel: str, event: Mapping[str, Json]) -> None:
        """Time, channel, type, subject, and what its data says."""
        # Columns are as wide as what has come so far: a narrow terminal has no room for the longest type there is.
        self._channel_width = max(self._channel_width, len(channel))
        self._type_width = max(self._type_width, len(str(event.get("type", ""))))
        line = event_line(channel, event, self._channel_width, self._type_width)
        if self._console.is_terminal:
            self._console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
        else:
            self._console.print(line, soft_wrap=True)
        self._console.file.flush()

    def rows(self, snapshot: Snapshot) -> None:
        """The table, once its last part is there."""
        channel = snapshot.subscription.channel
        name = (channel, snapshot.table)
        if snapshot.part == 1:
            self._parts[name] = []
        self._parts.setdefault(name, []).extend(snapshot.rows)
        if snapshot.last:
            self._table(channel, snapshot.table, self._parts.pop(name))

    def _table(self, channel: str, name: str, rows: Sequence[Mapping[str, Json]]) -> None:
        title = f"{visible(channel)}.{visible(name)}"
        if not rows:
            self._console.print(Text.assemble((title, "bold"), "  no rows"))
            return
        self._console.print(Text.assemble((title, "bold"), f"  {len(rows)} row{'s' if len(rows) > 1 else ''}"))
        self._console.print(self._fitting(rows))
        if len(rows) > ROWS:
            self._console.print(Text(f"… and {len(rows) - ROWS} more", style="dim"))

    def _fitting(self, rows: Sequence[Mapping[str, Json]]) -> Table:
        """As many of the first columns as there is room for, so that each can be read."""
        unbounded = self._console.options.update(width=10_000)
        for columns in range(COLUMNS, 2, -1):
            table = table_of(rows, columns)
            if self._console.measure(table, options=unbounded).maximum <= self._console.width:
                return table
        return table_of(rows, 2)


class PipeConsole(Console):
    """A console that leaves a broken pipe to its caller, where rich would end the process with code 1."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError


def leave_pipe() -> None:
    """Whoever read standard output has gone, as ``head`` does: nothing more may be written there, because Python would
    complain when it flushes on its way out.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def event_line(channel: str, event: Mapping[str, Json], channel_width: int = 0, type_width: int = 0) -> Text:
    """One event as a line of aligned columns."""
    kind, subject = str(event.get("type", "")), str(event.get("subject") or "")
    line = Text()
    line.append(local_time(str(event.get("time", ""))), "dim")
    line.append(f"  {visible(channel):<{channel_width}} ", "dim")
    line.append(f" {visible(kind):<{type_width}} ", colour_of(kind))
    line.append(f" {visible(short(subject, _SUBJECT)):<{_SUBJECT}} ", "bold")
    data = event.get("data")
    for name, value in summary(data, without=subject) if isinstance(data, dict) else ():
        line.append(f" {name}=", "dim")
        line.append(value)
    line.rstrip()
    return line


def table_of(rows: Sequence[Mapping[str, Json]], most: int) -> Table:
    """The first columns of the first rows, *most* of them."""
    columns = list(rows[0])[:most]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(visible(column), no_wrap=True, overflow="ellipsis")
    for row in rows[:ROWS]:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    return table


def _cell(value: Json) -> str:
    return local_time(value)[:8] if isinstance(value, str) and _TIME.match(value) else cell(value)


def local_time(time: str) -> str:
    """RFC 3339 as the reader's own time of day with milliseconds; as it is where it cannot be read."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return visible(time)


def colour_of(kind: str) -> str:
    """The same colour for the same event type, in every run."""
    return _COLOURS[zlib.crc32(kind.encode("utf-8", "surrogatepass")) % len(_COLOURS)]


def make_output(form: str, colour: str) -> Output:
    """The output on standard output for ``-o`` *form* and ``--color`` *colour*; ``auto`` asks whether it is a
    terminal.
    """
    if form == "json" or (form == "auto" and not sys.stdout.isatty()):
        return JsonLines(sys.stdout)
    return Pretty(make_console(sys.stdout, colour))


def make_console(stream: TextIO, colour: str) -> Console:
    """A console on *stream*. ``NO_COLOR`` counts unless colour is asked for with ``always``."""
    if colour == "never":
        return PipeConsole(file=stream, no_color=True, highlight=False, color_system=None)
    if colour == "always":
        return PipeConsole(
            file=stream,
            no_color=False,
            highlight=False,
            color_system="standard",
            force_terminal=stream.isatty() or None,
        )
    return PipeConsole(file=stream, highlight=False)
