"""Row changes out of published events, for a gateway that has to know what they say. Their form: `docs/protocol.md`."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from signalman.event import Json, Publication
from signalman.gateway.requests import Filter
from signalman.table import Table


class Change(NamedTuple):
    """What one event does to one row."""

    seq: int
    """Of its event."""
    ms: int
    """When it was published, by the bus's clock."""
    table: str
    key: tuple[Json, ...]
    version: Json
    """None where the table has none, or the change does not tell."""
    deletes: bool
    row: Mapping[str, Json]


_ROWS = b'"rows":'
"""Stands in every event with row changes. Events without are not decoded, and they are most."""


def changes_in(publication: Publication, tables: Mapping[str, Table], filter_: Filter) -> Iterator[Change]:
    """The changes of rows of *tables*, in order, by the events that pass *filter_*."""
    for seq, raw in enumerate(publication.events, publication.prev + 1):
        if _ROWS not in raw:
            continue
        event = orjson.loads(raw)
        if not filter_.matches(event):
            continue
        for change in event.get("rows", ()):
            table = tables.get(change["table"])
            if table is not None:
                yield _change(seq, publication.position.ms, table, change)


def key_of(table: Table, row: Mapping[str, Any]) -> tuple[Json, ...]:
    """What identifies *row*."""
    return tuple(row[column] for column in table.key)


def _change(seq: int, ms: int, table: Table, change: Mapping[str, Any]) -> Change:
    row = change["row"]
    version = row.get(table.version) if table.version else None
    return Change(seq, ms, table.name, key_of(table, row), version, change["op"] == "delete", row)
