"""Fourth stage: what an event does to the rows of its channel's tables, as the pack says.

It reads the routed event before redaction, because a table may show what the event itself does not. Only columns that a
table lists are ever set, and their values pass the same net as the rows of a snapshot.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from signalman.channel import Catalog, RowChange, Setting, Table
from signalman.event import Event, Json
from signalman.net import Net, holds_address
from signalman.relay.sources import Read, constant, holds, plain_field, reader
from signalman.relay.values import AS_IT_IS, CONVERT, ZERO, Convert, Unreadable

Row = dict[str, Json]

_NO_ZERO = object()
_NO_TYPE = type("_NO_TYPE", (), {})


class Changed(NamedTuple):
    """What an event does to tables."""

    rows: tuple[Row, ...] = ()
    """Ready for JSON: ``table``, ``op``, ``row`` and perhaps ``initial``, see docs/protocol.md."""
    removed: int = 0
    """Values that the net removed from them."""
    unread: int = 0
    """Changes left out because a value of the event does not fit its column."""


_NOTHING = Changed()


class Rows:
    """Computes row changes by (channel, event type). Pure."""

    def __init__(self, catalog: Catalog, net: Net | None = None) -> None:
        net = net or Net()
        self._changes = {
            (channel.name, event_type.name): tuple(
                _Change(change, channel.tables[change.table], net) for change in event_type.rows
            )
            for channel in catalog.channels.values()
            for event_type in channel.events.values()
            if event_type.rows
        }

    def changes(self, event: Event) -> Changed:
        """What *event*, routed and not yet redacted, does to tables. It is not changed."""
        changes = self._changes.get((event.channel, event.type))
        if changes is None:
            return _NOTHING
        rows: list[Row] = []
        removed = unread = 0
        for change in changes:
            try:
                made, gone = change.made(event.data, event.time)
            except Unreadable:
                unread += 1
                continue
            removed += gone
            if made is not None:
                rows.append(made)
        return Changed(tuple(rows), removed, unread)


class _Change:
    """One row change of an event type, compiled."""

    def __init__(self, change: RowChange, table: Table, net: Net) -> None:
        self._table = change.table
        self._op = change.op
        self._when = tuple(map(holds, change.when))
        self._key = table.key
        # A UUID has no zero that could stand in a key: without one there is no row.
        self._ids = tuple(each.column for each in change.columns if each.column in table.key and each.type == "uuid")
        self._columns = _Columns(change.columns, table.derived if change.op == "upsert" else {}, ids=self._ids)
        self._given = _Columns(change.given, {}, always=False)
        self._initial = _Columns(change.initial, {})
        self._has_more = bool(change.given or change.initial)
        self._clean = _Cleaner(change, table, net)

    def made(self, data: Mapping[str, Json], time: str) -> tuple[Row | None, int]:
        """The change as JSON has it, or None where there is none; and how many values the net removed."""
        for is_so in self._when:
            if not is_so(data):
                return None, 0
        row = self._columns.values(data, time)
        for column in self._ids:
            if row[column] is None:
                return None, 0
        made: Row = {"table": self._table, "op": self._op, "row": row}
        if self._has_more:
            row |= self._given.values(data, time)
            values = self._initial.values(data, time)
            initial = {column: value for column, value in values.items() if column not in row}
            if initial:
                made["initial"] = initial
        removed = self._clean.clean(made)
        return (None if removed and any(column not in made["row"] for column in self._key) else made), removed


class _Columns:
    """Settings as lists to run through: this is done for every event that changes a row.

    With *always* a column is set whatever the event says: to null or zero where it says nothing.
    """

    def __init__(
        self, settings: Sequence[Setting], fixed: Mapping[str, Json], *, always: bool = True, ids: Sequence[str] = ()
    ) -> None:
        self._always = always
        self._fixed: Row = dict(fixed)
        self._fields: list[tuple[str, str, type, Convert, Json, Json]] = []
        self._others: list[tuple[str, Read, Json, Json]] = []
        for each in settings:
            zero = _NO_ZERO if each.keep_zero else ZERO[each.type]
            otherwise = None if each.nullable or each.column in ids else ZERO[each.type]
            field, fixed_value = plain_field(each), constant(each)
            if not each.sources or fixed_value is not None:
                self._fixed[each.column] = otherwise if fixed_value in {None, zero} else fixed_value
            elif field is not None:
                kind = AS_IT_IS.get(each.type, _NO_TYPE)
                self._fields.append((each.column, field, kind, CONVERT[each.type], zero, otherwise))
            else:
                self._others.append((each.column, reader(each), zero, otherwise))

    def values(self, data: Mapping[str, Json], time: str) -> Row:
        """Column → value."""
        row = self._fixed.copy()
        always, get = self._always, data.get
        for column, field, kind, convert, zero, otherwise in self._fields:
            value = get(field)
            if value and type(value) is kind:
                row[column] = value
            elif value is not None and value != "":
                value = convert(value)
                row[column] = otherwise if value == zero else value
            elif always:
                row[column] = otherwise
        for column, read, zero, otherwise in self._others:
            value = read(data, time)
            if value is not None:
                row[column] = otherwise if value == zero else value
            elif always:
                row[column] = otherwise
        return row


class _Cleaner:
    """The net for the rows of one change. Only texts out of an event can hold an address, so it looks at these first;
    a column with a host-like name always takes the long way.
    """

    def __init__(self, change: RowChange, table: Table, net: Net) -> None:
        self._net = net
        self._exposed = table.expose
        own = {"row": (*change.columns, *change.given), "initial": change.initial}
        self._texts = [
            (part, tuple(each.column for each in settings if each.type == "text" and constant(each) is None))
            for part, settings in own.items()
        ]
        names = {each.column: 1 for settings in own.values() for each in settings}
        self._is_host_like = bool(net.clean(names, table.expose)[1])

    def clean(self, made: Row) -> int:
        """Remove addresses from the rows of *made*; how many values that were."""
        if not self._is_host_like and not self._is_suspicious(made):
            return 0
        total = 0
        for part in ("row", "initial"):
            if part in made:
                made[part], removed = self._net.clean(made[part], self._exposed)
                total += removed
        return total

    def _is_suspicious(self, made: Row) -> bool:
        for part, texts in self._texts:
            values = made.get(part)
            if values:
                for column in texts:
                    value = values.get(column)
                    # Every text of every row passes here, and nearly none has either.
                    if value and ("." in value or ":" in value) and holds_address(value):
                        return True
        return False
