"""Aligned columns for people, on a terminal of any width and in a pipe alike."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

_WIDEST = 40
"""Characters of a column before the last; a longer cell pushes its own line only."""

_NARROWEST = 24
"""Characters of the last column, however narrow the terminal is."""


def print_columns(console: Console, rows: Iterable[Sequence[Text | str]], *, indent: int = 0) -> None:
    """Print *rows*, all of the same length, two spaces between columns. The last column is wrapped, and no line ends in
    spaces: what is printed may be pasted.
    """
    lines = [[each if isinstance(each, Text) else Text(each) for each in row] for row in rows]
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*lines, strict=True)][:-1]
    for *first, last in lines:
        head = Text(" " * indent)
        for cell, width in zip(first, widths, strict=True):
            head.append_text(cell).append(" " * (width - len(cell) + 2))
        _print(console, head, last, indent + sum(widths) + 2 * len(widths))


def _print(console: Console, head: Text, last: Text, margin: int) -> None:
    wrapped = last.wrap(console, max(_NARROWEST, console.width - max(margin, len(head))), no_wrap=False)
    for number, text in enumerate(wrapped or [Text()]):
        line = Text.assemble(head if number == 0 else " " * margin, text)
        line.rstrip()
        console.print(line, soft_wrap=True)
