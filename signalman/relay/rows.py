"""Fourth stage: what an event does to the rows of its channel's tables, as the pack says.

It reads the routed event before redaction, because a table may show what the event itself does not. Only columns that a
table lists are ever set, and their values pass the same operators and the same net as the rows of a snapshot.
"""

from collections.abc import Callable
from types import MethodType
from typing import Final, NamedTuple

from signalman.channel import Catalog
from signalman.event import PLATFORM, Event, Json, Scope
from signalman.net import Net, is_host_like
from signalman.redaction import Operators, Pseudonyms
from signalman.relay.columns import Columns, Given, Row
from signalman.relay.sources import constant, holds
from signalman.relay.suspicion import Suspicion
from signalman.relay.values import Unreadable
from signalman.table import RowChange, Setting, Table


class Changed(NamedTuple):
    """What an event does to tables."""

    rows: tuple[Row, ...] = ()
    """Ready for JSON: ``table``, ``op``, ``row`` and perhaps ``initial``, see docs/protocol.md."""
    removed: int = 0
    """Values that the net removed from them."""
    unread: int = 0
    """Changes left out because a value of the event does not fit its column."""
    values_unread: int = 0
    """Values that an operator removed because they are not what it expects."""


_Made = tuple[Row | None, int, int]
"""A row change, or None where there is none; how many values the net removed; how many no operator could read."""

_changed: Final[Callable[[tuple[tuple[Row, ...], int, int, int]], Changed]] = MethodType(tuple.__new__, Changed)
"""`Changed` out of a tuple, as `signalman.event` makes what is made for every event."""

_NOTHING: Final = Changed()


class Rows:
    """Computes row changes by (channel, event type). Pure."""

    def __init__(
        self,
        catalog: Catalog,
        net: Net | None = None,
        *,
        pseudonyms: Pseudonyms | None = None,
        suspicion: Suspicion | None = None,
    ) -> None:
        """Compile the row changes of *catalog*; *pseudonyms* are needed where it hashes, *suspicion* may be shared."""
        net, pseudonyms = net or Net(), pseudonyms or Pseudonyms(None)
        doubt = suspicion or Suspicion(net)

        def compiled(change: RowChange, table: Table) -> _Change:
            return _Change(change, table, _Strainer(change, table, net, doubt, pseudonyms))

        self._changes = {
            (channel.name, event_type.name): [compiled(each, channel.tables[each.table]) for each in event_type.rows]
            for channel in catalog.channels.values()
            for event_type in channel.events.values()
            if event_type.rows
        }

    def changes(self, event: Event) -> Changed:
        """What *event*, routed and not yet redacted, does to tables. It is not changed."""
        _, kind, time, _, scope, channel, data, _ = event
        changes = self._changes.get((channel, kind))
        if changes is None or scope == PLATFORM:  # whose tables would they be?
            return _NOTHING
        rows: list[Row] = []
        removed = unread = values_unread = 0
        for change in changes:
            try:
                row, gone, values_gone = change.made(data, time, scope)
            except Unreadable:
                unread += 1
                continue
            if row is not None:
                rows.append(row)
            removed += gone
            values_unread += values_gone
        return _changed((tuple(rows), removed, unread, values_unread))


class _Change:
    """One row change of an event type, compiled."""

    def __init__(self, change: RowChange, table: Table, strainer: "_Strainer") -> None:
        self._table = change.table
        self._op = change.op
        self._when = tuple(map(holds, change.when))
        # A UUID has no zero that could stand in a key: without one there is no row.
        self._ids = tuple(each.column for each in change.columns if each.column in table.key and each.type == "uuid")
        self._columns = Columns(change.columns, table.derived if change.op == "upsert" else {}, ids=self._ids)
        self._given = Given(change.given) if change.given else None
        self._initial = Columns(change.initial, {}) if change.initial else None
        self._strainer = strainer

    def made(self, data: dict[str, Json], time: str, scope: Scope) -> _Made:
        """The change by an event with *data*, *time* and *scope*.

        Raises:
            Unreadable: A value of the event does not fit its column.
        """
        for is_so in self._when:
            if not is_so(data):
                return None, 0, 0
        row = self._columns.values(data, time)
        for column in self._ids:
            if row[column] is None:
                return None, 0, 0
        if self._given is not None:
            self._given.add_to(row, data, time)
        made: Row = {"table": self._table, "op": self._op, "row": row}
        if self._initial is not None:
            initial = self._initial.values(data, time)
            if self._given is not None:
                initial = {column: value for column, value in initial.items() if column not in row}
            if initial:
                made["initial"] = initial
        return self._strainer.strained(made, scope)


class _Strainer:
    """The operators and the net for the rows of one change. As with events, the net is only cast where there may be
    something; where a column has a host-like name always.
    """

    def __init__(self, change: RowChange, table: Table, net: Net, suspicion: Suspicion, pseudonyms: Pseudonyms) -> None:
        operators = Operators(table.redact, pseudonyms)
        self._operators = operators or None
        self._net = net
        self._suspicion = suspicion
        self._exposed = table.expose | operators.exposed
        self._key = table.key
        own = {"row": (*change.columns, *change.given), "initial": change.initial}
        columns = {each.column for settings in own.values() for each in settings} | table.derived.keys()
        self._is_host_like = any(map(is_host_like, columns - self._exposed))
        texts = [(part, [each.column for each in settings if _is_text(each)]) for part, settings in own.items()]
        self._texts = [(part, columns) for part, columns in texts if columns]

    def strained(self, made: Row, scope: Scope) -> _Made:
        """What may be shown of *made*, which is the caller's to give away; nothing where its key may not."""
        removed = unread = 0
        if self._operators is not None:
            for part in made.keys() & {"row", "initial"}:
                made[part], more = self._operators.apply(made[part], scope)
                unread += more
        if self._is_host_like or self._is_suspicious(made):
            for part in made.keys() & {"row", "initial"}:
                made[part], more = self._net.clean(made[part], self._exposed)
                removed += more
        if (removed or unread) and any(column not in made["row"] for column in self._key):
            return None, removed, unread
        return made, removed, unread

    def _is_suspicious(self, made: Row) -> bool:
        for part, columns in self._texts:
            row: Row | None = made.get(part)
            if row is not None and self._suspicion.of([row.get(column) for column in columns]):
                return True
        return False


def _is_text(setting: Setting) -> bool:
    """Whether the column may hold any text: one of another type holds numbers, times or UUIDs in one form only, and a
    constant is the pack's own.
    """
    return setting.type == "text" and bool(setting.sources) and constant(setting) is None
