"""The fields of an event as a diff: what is shown, what is changed, what is removed and why."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import orjson
from rich.text import Text

from signalman.addresses import without_addresses
from signalman.catalog.findings import dotted
from signalman.cli.visible import short, visible
from signalman.event import Json
from signalman.relay.fates import Fate, Field
from signalman.relay.reasons import Place

SIGNS: dict[Fate, tuple[str, str]] = {"shown": (" ", ""), "changed": ("~", "yellow"), "removed": ("-", "red")}
"""Each fate's sign, and its colour."""

_LONGEST = 48
"""Characters of a place or value; the whole event stands below the diff."""


def diff(fields: Sequence[Field]) -> Iterator[tuple[Text, Text, Text]]:
    """A line for each field. Of a list's items that fare alike the first one shows, and a count of the others."""
    before: tuple[object, ...] = ()
    alike = 0
    for item, group in groupby(fields, _item):
        lines = list(group)
        now = (item[:-1], *((field.place[len(item) :], field.fate, field.by) for field in lines))
        if isinstance(item[-1], int) and now == before:
            alike += 1
            continue
        if alike:
            yield _count(alike)
        before, alike = now, 0
        yield from (_line(field) for field in lines)
    if alike:
        yield _count(alike)


def _item(field: Field) -> Place:
    """The place of the item of a list that *field* lies in, else its own."""
    end = next((depth for depth, key in enumerate(field.place, start=1) if isinstance(key, int)), len(field.place))
    return field.place[:end]


def _line(field: Field) -> tuple[Text, Text, Text]:
    sign, style = SIGNS[field.fate]
    return Text(sign, style), Text(short(_path(field.place), _LONGEST), style), _said(field)


def _count(alike: int) -> tuple[Text, Text, Text]:
    return Text(), Text("…", "dim"), Text(f"{alike} more item{'s' if alike > 1 else ''} alike", "dim")


def _said(field: Field) -> Text:
    if field.fate == "removed":
        by = "" if field.by == "keep" else f"{field.by}: "
        return Text.assemble((f"{field.kind}  ", "dim"), (f"{by}{field.why}", "red"))
    text = Text(_value(field.value))
    if field.fate == "changed":
        text.append(f"  ({field.by}{field.why and f': {field.why}'})", "yellow")
    elif field.why:
        text.append(f"  ({field.why})", "dim")
    return text


def _path(place: Place) -> str:
    """*place* as a path. A key of a map may hold an address just as a value may."""
    return visible(dotted(tuple(without_addresses(key) if isinstance(key, str) else key for key in place)))


def _value(value: Json) -> str:
    return visible(short(orjson.dumps(value).decode(), _LONGEST))
