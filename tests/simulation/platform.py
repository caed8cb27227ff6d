"""A pretend platform in virtual time: what happens, what the feed says about it, and what the store has of it by when.

Moments are Unix milliseconds, from `BEGIN_MS` on. Everything is decided by the seed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson

from signalman.channel import Channel, EventType
from signalman.channel import Filter as FilterField
from signalman.event import Json
from signalman.table import ClockRule, Table
from signalman.version import is_newer

Row = dict[str, Json]

BEGIN_MS = 1_790_000_000_000
"""Virtual time begins here, so that times look like times."""

OFFLINE_MS = 6_000
FORGOTTEN_MS = 9_000


def table(name: str, key: str, columns: tuple[str, ...], **more: Any) -> Table:
    """A table of the pretend platform."""
    return Table(
        name=name,
        title=name,
        source=f"{name}_current",
        scope=("tenant_id",),
        scope_types=("string",),
        key=(key,),
        columns=(key, *columns),
        where=(),
        max_rows=1000,
        **more,
    )


STREAMS = table(
    "streams",
    "stream_id",
    ("status", "started_at", "viewers", "bitrate", "updated_at"),
    version="updated_at",
    compared=True,
    constant=frozenset({"stream_id"}),
    changed_by=frozenset({"stream"}),
    clock=(ClockRule("updated_at", OFFLINE_MS, {"status": ("offline",)}, {"status": "offline"}),),
)
"""Compared by times in whole seconds, so that many are equal; partial changes; offline by the clock alone."""

VIEWERS = table(
    "viewers",
    "session_id",
    ("stream_id", "country"),
    version=None,
    final=True,
    constant=frozenset({"session_id", "stream_id"}),
    changed_by=frozenset({"viewer_connect", "viewer_disconnect"}),
)
"""Who has left does not come back, even where the news of the arrival is later than that of the departure."""

NODES = table(
    "nodes",
    "node_id",
    ("load", "last_seen"),
    version="last_seen",
    constant=frozenset({"node_id"}),
    changed_by=frozenset({"node", "node_gone"}),
    clock=(ClockRule("last_seen", FORGOTTEN_MS),),
)
"""Not compared: only the order of the log counts. Rows go by the clock."""

COPIES = table(
    "copies",
    "copy_id",
    ("role", "size", "version"),
    version="version",
    compared=True,
    constant=frozenset({"copy_id"}),
    changed_by=frozenset({"copy"}),
)
"""Compared by a counter; rows go and come back, and the news of it come in any order."""

TABLES = {each.name: each for each in (STREAMS, VIEWERS, NODES, COPIES)}


def channel() -> Channel:
    """All of the tables."""
    names = sorted(set().union(*(each.changed_by for each in TABLES.values())))
    return Channel(
        name="streams",
        title="Streams",
        description="",
        permissions=frozenset(),
        events={name: _event_type(name) for name in names},
        filters={"stream_id": FilterField("stream_id", "string", "Stream")},
        tables=TABLES,
    )


def _event_type(name: str) -> EventType:
    return EventType(name, "analytics", name, {}, (), {}, frozenset(), None)


def rfc3339(ms: int, *, seconds: bool = False) -> str:
    """*ms* as text, cut to whole seconds where those are what the platform writes."""
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds" if seconds else "milliseconds")
    return text.replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event: when it is published on the feed, and when the store has it."""

    number: int
    ms: int
    stored_ms: int
    event: Mapping[str, Any]
    data: bytes


class State:
    """The tables by the merge rule, from the beginning on, in the plainest way. Tombstones are kept for ever."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Json, Row]] = {name: {} for name in TABLES}
        self._tombstones: dict[tuple[str, Json], Json] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        """The next event of the log."""
        for change in event["rows"]:
            self._change(TABLES[change["table"]], change)

    def _change(self, table: Table, change: Mapping[str, Any]) -> None:
        rows, new = self.rows[table.name], change["row"]
        key = new[table.key[0]]
        row, name = rows.get(key), (table.name, key)
        if table.compared and table.version is not None:
            held = row[table.version] if row is not None else self._tombstones.get(name)
            if is_newer(held, new[table.version]):
                return
        if change["op"] == "delete":
            rows.pop(key, None)
            self._tombstones[name] = new.get(table.version or "")
        elif not (table.final and name in self._tombstones):
            row = row or {}
            initial = {c: v for c, v in change.get("initial", {}).items() if row.get(c) is None}
            rows[key] = row | initial | new


class Store:
    """ClickHouse: applies the same events in the same order, each table some time behind."""

    def __init__(self, happenings: list[Happening]) -> None:
        self._arrivals: dict[str, list[Happening]] = {name: [] for name in TABLES}
        for happening in happenings:
            for change in happening.event["rows"]:
                self._arrivals[change["table"]].append(happening)
        self._arrived = dict.fromkeys(TABLES, 0)
        self._state = State()
        self._inserted: dict[tuple[str, Json], int] = {}

    def read(self, name: str, now_ms: int) -> tuple[list[Row], int]:
        """The rows of a table, with every column, in no order, and the number of the last event that is in them, -1
        before any. Moments do not go back.
        """
        arrivals, arrived = self._arrivals[name], self._arrived[name]
        while arrived < len(arrivals) and arrivals[arrived].stored_ms <= now_ms:
            happening = arrivals[arrived]
            self._state.apply(happening.event)
            for change in happening.event["rows"]:
                self._inserted[name, change["row"][TABLES[name].key[0]]] = happening.stored_ms
            arrived += 1
        self._arrived[name] = arrived
        rows = [{column: row.get(column) for column in TABLES[name].columns} for row in self._state.rows[name].values()]
        return rows, arrivals[arrived - 1].number if arrived else -1

    def inserted_ms(self, name: str, key: Json) -> int:
        """When the store took the newest change of a row in: by another clock than that of the events."""
        return self._inserted[name, key]


@dataclass(slots=True)
class Platform:
    """What happens until *until_ms*.

    Args:
        random: The seed's.
        until_ms: When it ends.
        lag_ms: How far each table may be behind, at most.
    """

    random: Random
    until_ms: int
    lag_ms: Mapping[str, int]
    _viewers: list[str] = field(default_factory=list)
    _versions: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    def happenings(self) -> list[Happening]:
        """Everything, in the order of the feed."""
        made = list(self._made())
        # Each partition keeps its order, and is read when it is: an event may overtake one that was made before it.
        delays = [self.random.choice((0, 50, 400, 3_000)) for _ in range(3)]
        latest = [0] * len(delays)
        published = []
        for made_ms, type_, data, rows in made:
            partition = 0 if type_.startswith("node") else self.random.randrange(len(delays))
            ms = max(latest[partition], made_ms + self.random.randint(0, delays[partition]))
            latest[partition] = ms
            published.append((ms, type_, data, rows))
        published.sort(key=lambda each: each[0])
        return list(self._stored(published))

    def _stored(self, published: list[tuple[int, str, Row, list[Row]]]) -> Iterator[Happening]:
        latest = dict.fromkeys(TABLES, 0)
        for number, (ms, type_, data, rows) in enumerate(published):
            event = {
                "id": f"e{number}",
                "type": type_,
                "time": rfc3339(ms),
                "source": "test",
                "data": data,
                "rows": rows,
            }
            (name,) = {row["table"] for row in rows}
            # The store reads Kafka by itself: it may be ahead of the feed.
            latest[name] = max(latest[name], ms + self.random.randint(-200, self.lag_ms[name]))
            yield Happening(number, ms, latest[name], event, orjson.dumps(event))

    def _made(self) -> Iterator[tuple[int, str, Row, list[Row]]]:
        kinds = (self._stream, self._stream, self._viewer, self._viewer, self._node, self._copy)
        ms = BEGIN_MS
        while ms < self.until_ms:
            ms += self.random.choice((5, 100, 300, 700))
            yield self.random.choice(kinds)(ms)

    def _stream(self, ms: int) -> tuple[int, str, Row, list[Row]]:
        stream = f"s{self.random.randrange(4)}"
        row: Row = {"stream_id": stream, "status": self.random.choice(("live", "live", "offline"))}
        for column in self.random.sample(("viewers", "bitrate"), self.random.randrange(3)):
            row[column] = self.random.choice((self._next(), self._next(), None))
        row["updated_at"] = rfc3339(ms, seconds=True)
        change = {"table": "streams", "op": "upsert", "row": row, "initial": {"started_at": rfc3339(ms)}}
        return ms, "stream", {"stream_id": stream}, [change]

    def _viewer(self, ms: int) -> tuple[int, str, Row, list[Row]]:
        if self._viewers and self.random.random() < 0.5:
            session = self._viewers.pop(self.random.randrange(len(self._viewers)))
            key: Row = {"session_id": session}
            stream = f"s{int(session[1:]) % 4}"
            return ms, "viewer_disconnect", {"stream_id": stream}, [{"table": "viewers", "op": "delete", "row": key}]
        number = self._next()
        self._viewers.append(f"v{number}")
        row: Row = {
            "session_id": f"v{number}",
            "stream_id": f"s{number % 4}",
            "country": self.random.choice(("NL", "FR")),
        }
        return ms, "viewer_connect", {"stream_id": row["stream_id"]}, [{"table": "viewers", "op": "upsert", "row": row}]

    def _node(self, ms: int) -> tuple[int, str, Row, list[Row]]:
        node = f"n{self.random.randrange(3)}"
        if self.random.random() < 0.25:
            return ms, "node_gone", {}, [{"table": "nodes", "op": "delete", "row": {"node_id": node}}]
        row: Row = {"node_id": node, "load": self._next(), "last_seen": rfc3339(ms)}
        return ms, "node", {}, [{"table": "nodes", "op": "upsert", "row": row}]

    def _copy(self, ms: int) -> tuple[int, str, Row, list[Row]]:
        copy = f"c{self.random.randrange(5)}"
        row: Row = {"copy_id": copy, "version": str(self._next())}
        if self.random.random() < 0.4:
            return ms, "copy", {}, [{"table": "copies", "op": "delete", "row": row}]
        row[self.random.choice(("role", "size"))] = self._next()
        return ms, "copy", {}, [{"table": "copies", "op": "upsert", "row": row}]

    def _next(self) -> int:
        self._number += 1
        return self._number
