"""An event's data, or a row, in a few words. Pure."""

from collections.abc import Mapping

from signalman.cli.visible import short, visible
from signalman.event import Json


def summary(data: Mapping[str, Json], *, without: str | None = None) -> list[tuple[str, str]]:
    """Names and values worth a glance, plain values first; nothing empty, and nothing whose value is *without*."""
    plain: list[tuple[str, str]] = []
    nested: list[tuple[str, str]] = []
    for name, value in data.items():
        if value in (None, "", [], {}) or value == without:
            continue
        (nested if isinstance(value, list | dict) else plain).append((visible(name), cell(value)))
    return plain + nested


def cell(value: Json) -> str:
    """A value on one line: containers by their size, long text cut."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case list():
            return f"[{len(value)}]"
        case dict():
            return f"{{{len(value)}}}"
        case _:
            return visible(short(str(value), 32))
