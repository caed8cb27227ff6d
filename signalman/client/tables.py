"""The tables of one subscription, kept current: the merge rule of `docs/protocol.md`. Pure: no I/O and no clock.

    begin ──▶ snapshot… ──▶ events… ──▶ caught_up ──▶ events…
                                 └── lost: recovered, or begin again

While a subscription begins, a shadow copy is filled, and events go into that alone: they are partly older than what is
shown, and what is shown would go back in time. It stays as it was, stale, until `caught_up` puts the copy in its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from signalman import clock
from signalman.event import Json
from signalman.table import ClockRule
from signalman.version import is_newer

Row = Mapping[str, Json]
"""Column → value. Rows are replaced and never changed, so whoever has one may keep it."""

Key = tuple[Json, ...]

TOMBSTONES = 50_000
"""Deleted keys that each table remembers, the latest ones. A snapshot has some 20,000 rows at most: should half of them
go within a minute, that is five minutes, and the events of one row are mixed up by seconds."""


class Tables:
    """What a subscription shows, and what it is about to show."""

    def __init__(self) -> None:
        self._shown: dict[str, _Table] = {}
        self._shadow: dict[str, _Table] | None = None
        self.stale = True
        """Whether what is shown may be old, or is not there yet."""

    def begin(self, names: Sequence[str]) -> None:
        """The subscription begins, or begins anew, with these tables (`subscribed` with ``recovered`` false). One that
        is recovered needs no call: what is held stays, and what was missed follows.
        """
        self._shadow = {name: _Table() for name in names}
        self.stale = True

    def snapshot(self, table: str, key: Sequence[str], rules: Mapping[str, Json], rows: Iterable[Row]) -> None:
        """Take in a part of a table's rows, with the members of a `snapshot` frame."""
        if self._shadow is not None and table in self._shadow:
            self._shadow[table].fill(key, rules, rows)

    def events(self, events: Iterable[Mapping[str, Json]]) -> None:
        """Take in what events say about rows. Changes of a table that has no snapshot, because it is none of this
        subscription or could not be read, are left out: its rows come later, with what is missing.
        """
        tables = self._shown if self._shadow is None else self._shadow
        for event in events:
            for change in event.get("rows", ()):
                table = tables.get(change["table"])
                if table is not None:
                    table.change(change)

    def caught_up(self) -> None:
        """Everything that there was has come: the shadow copy is what is shown, in one step."""
        if self._shadow is not None:
            self._shown, self._shadow = self._shadow, None
        self.stale = False

    def lost(self) -> None:
        """The connection broke, or the subscription was reset: until `caught_up`, what is shown may be old."""
        self.stale = True

    def expire(self, now_ms: int) -> None:
        """Let time do what it does to rows: *now_ms* is the server's time, as its frames tell it."""
        for table in self._held():
            table.expire(now_ms)

    def next_expiry(self) -> int | None:
        """When `expire` may next change something, Unix milliseconds; None while it cannot."""
        return min((table.due for table in self._held() if table.due is not None), default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """The tables that are shown."""
        return tuple(self._shown)

    def rows(self, table: str) -> list[Row]:
        """The rows shown of *table*, in no order; none while it is not shown."""
        found = self._shown.get(table)
        return [] if found is None else list(found.rows.values())

    def _held(self) -> list["_Table"]:
        return [*self._shown.values(), *(self._shadow or {}).values()]


@dataclass(slots=True)
class _Table:
    """One copy of one table. Before its first part of a snapshot it takes no changes."""

    rows: dict[Key, Row] = field(default_factory=dict)
    due: int | None = None
    """No rule of the clock changes a row before, Unix milliseconds. It may be too early: a row that was due then has
    changed meanwhile. So not every row has to be looked at all the time."""
    _key: tuple[str, ...] | None = None
    _version: str | None = None
    _compared: bool = False
    _final: bool = False
    _clock: tuple[ClockRule, ...] = ()
    _tombstones: dict[Key, Json] = field(default_factory=dict)
    """Key → version of what was deleted, oldest deletion first. Only where it can decide something."""

    def fill(self, key: Sequence[str], rules: Mapping[str, Json], rows: Iterable[Row]) -> None:
        """Take in rows of the snapshot, as they are."""
        self._key = tuple(key)
        self._version = rules["version"]
        self._compared = rules["compared"] and self._version is not None
        self._final = rules["final"]
        self._clock = tuple(map(clock.from_json, rules["clock"]))
        for row in rows:
            self._put(self._key_of(row), row)

    def change(self, change: Mapping[str, Json]) -> None:
        """Take in a row change of an event, unless something newer was there."""
        if self._key is None:
            return
        key, row = self._key_of(change["row"]), change["row"]
        version = None if self._version is None else row.get(self._version)
        if self._compared and is_newer(self._held_version(key), version):
            return
        if change["op"] == "delete":
            self._delete(key, version)
        elif not (self._final and key in self._tombstones):
            self._upsert(key, row, change.get("initial", {}))

    def expire(self, now_ms: int) -> None:
        """Let the clock rules take effect."""
        if self.due is None or self.due > now_ms:
            return
        self.due = None
        for key, row in list(self.rows.items()):
            left = clock.apply(row, self._clock, now_ms)
            if left is None:
                # Not a deletion: the row may come back, should something be heard of it.
                del self.rows[key]
            else:
                self._put(key, left, now_ms)

    def _key_of(self, row: Row) -> Key:
        return tuple(row.get(column) for column in self._key or ())

    def _held_version(self, key: Key) -> Json:
        row = self.rows.get(key)
        return self._tombstones.get(key) if row is None else row.get(self._version or "")

    def _upsert(self, key: Key, row: Row, initial: Row) -> None:
        before = self.rows.get(key, {})
        filled = {column: value for column, value in initial.items() if before.get(column) is None}
        self._put(key, {**before, **filled, **row})

    def _delete(self, key: Key, version: Json) -> None:
        self.rows.pop(key, None)
        if self._compared or self._final:
            self._tombstones.pop(key, None)  # so that it is the latest one
            self._tombstones[key] = version
            if len(self._tombstones) > TOMBSTONES:
                del self._tombstones[next(iter(self._tombstones))]

    def _put(self, key: Key, row: Row, after_ms: int | None = None) -> None:
        self.rows[key] = row
        due = clock.next_due(row, self._clock, after_ms)
        if due is not None and (self.due is None or due < self.due):
            self.due = due
