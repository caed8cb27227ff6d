"""One client of a simulated world, the gateway's side of its subscription, and what must hold whenever one looks."""

from collections.abc import Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from signalman import clock
from signalman.event import Json
from signalman.gateway import frames
from signalman.gateway.join import Join, Joined, row_frames, tables_of
from signalman.gateway.requests import Cursor, Filter, Subscribe
from signalman.gateway.resume import is_ahead, refusal, resume
from signalman.gateway.subscription import Subscription
from signalman.gateway.view import View
from signalman.ports import SnapshotRows
from signalman.table import Table
from tests.simulation.client import Client
from tests.simulation.platform import TABLES, Row, State, channel, rfc3339

if TYPE_CHECKING:
    from tests.simulation.servers import Gateway
    from tests.simulation.world import World

T = TypeVar("T")

CHANNEL = channel()
REQUEST = Subscribe(type="subscribe", id="s", channel=CHANNEL.name)
SHARE_MS = 1_000
AHEAD_MS = 2_000
FOREIGN = "streams"
"""The table whose rows carry the store's time, where that is tried."""


class Joining:
    """A join under way or done, shared by those who came within a second: what `gateway.joins.Joins` does."""

    def __init__(self, world: "World", gateway: "Gateway", view: View) -> None:
        self._world = world
        self._gateway = gateway
        self._view = view
        self._tables = tables_of(CHANNEL, view.filter)
        self._reads: dict[str, SnapshotRows] = {}
        self._began_ms = world.time.ms
        self._waiting: list[Seat] = []
        self._join: Join | None = None
        self.joined: Joined | None = None
        self.newest = -1
        """Number of the newest event in any of the rows. They may be ahead of the feed as this gateway has heard it."""
        if not world.order.rows_first:
            self._join = self._begin()
        delays = [world.random.randint(0, world.query_ms) for _ in self._tables]
        for table, delay in zip(self._tables, delays, strict=True):
            world.time.after(delay, partial(self._read, table))
        world.time.after(max(delays) + world.random.choice((0, 1, 400)), self._finish)

    @property
    def is_shared(self) -> bool:
        """Whether whoever comes now gets it as well."""
        young = self._world.time.ms - self._began_ms < SHARE_MS
        return young and (self.joined is None or self.joined.holds)

    def give(self, seat: "Seat") -> None:
        """Let *seat* begin with it, now or when it is done."""
        if self.joined is None:
            self._waiting.append(seat)
        else:
            seat.joined(self)

    def _begin(self) -> Join:
        own = self._gateway.measure.window_ms(self._tables)
        window = self._world.order.window(own, max(self._world.lags[table.name] for table in self._tables))
        # Without knowing the tables, it does not look for what comes late either: that is the product's own.
        tables = self._tables if self._world.order.minds_late else ()
        return Join(self._view, tables, now_ms=self._world.time.ms, window_ms=window)

    def _read(self, table: Table) -> None:
        now = self._world.time.ms
        rows, newest = self._world.store.read(table.name, now)
        if self._world.order.foreign_versions and table.name == FOREIGN:
            for row in rows:
                row["updated_at"] = rfc3339(self._world.store.inserted_ms(table.name, row["stream_id"]))
        self.newest = max(self.newest, newest)
        wanted = (clock.apply(row, table.clock, now) for row in rows if _passes(row, self._view.filter))
        self._reads[table.name] = SnapshotRows(tuple(dict(row) for row in wanted if row is not None), now)

    def _finish(self) -> None:
        join = self._join or self._begin()
        measure, reads = self._gateway.measure, [(table, self._reads[table.name]) for table in self._tables]
        _finished(measure.compare(self._view, reads, self._began_ms, self._world.time.ms))
        rows: list[bytes] = []
        for table, read in reads:
            rows += row_frames(self._view, table, [read.rows], read.as_of_ms, measure.lag_ms(table, read))
        self.joined = _finished(join.finish(rows))
        for seat in self._waiting:
            seat.joined(self)


class Seat:
    """A client and its place at a gateway: what `gateway.connection` and `gateway.beginning` do."""

    def __init__(self, world: "World", filter_: Filter) -> None:
        self.gateway: Gateway | None = None
        self.client = Client()
        self._world = world
        self._filter = filter_
        self._tables = [table.name for table in tables_of(CHANNEL, filter_)]
        passing = (each.event["id"] if filter_.matches(each.event) else None for each in world.happenings)
        self._ids: list[str | None] = list(passing)
        """Of all events in order; None for those that this client does not want."""
        self._subscription: Subscription | None = None
        self._said: list[bytes] = []
        self._joining: Joining | None = None
        self._visit = 0
        self._pace_ms = world.random.choice((200, 500, 500, 4_000))
        self._truth, self._applied = State(), 0
        self._newest = -1
        self._judged = True

    def plan(self, begin_ms: int, end_ms: int) -> None:
        """Come after *begin_ms*, read on, and until *end_ms* go away and come back now and then."""
        time, random = self._world.time, self._world.random
        time.after(begin_ms, self.settle)
        time.after(begin_ms, self._read_on)
        for _ in range(random.randrange(4)):
            time.after(random.randint(begin_ms, end_ms), self.leave)

    def settle(self) -> None:
        """Subscribe at some gateway, with a cursor if there is one, unless that is done already."""
        if self.gateway is not None:
            return
        gateway = self._world.random.choice(self._world.gateways)
        if not gateway.is_open:
            self._world.time.after(100, self.settle)
            return
        self.gateway = gateway
        self._visit += 1
        self._subscription = Subscription(REQUEST, gateway.followed.view(self._filter))
        cursor = self.client.cursor
        if cursor is None:
            self._join()
            return
        self._resume(Cursor(epoch=cursor[0], seq=cursor[1]), self._world.time.ms + AHEAD_MS, self._visit)

    def leave(self) -> None:
        """The socket is gone, with everything that was not read from it."""
        if self.gateway is not None:
            self.gateway = self._subscription = self._joining = None
            self._said.clear()
            self.client.tables.lost()
            self._world.time.after(self._world.random.choice((0, 50, 1_000, 8_000)), self.settle)

    def read(self, max_bytes: int) -> None:
        """Read what has been written, as far as there is room; what `Connection.pull` does."""
        subscription = self._subscription
        if subscription is None or not (self._said or subscription.ready):
            return
        reason = subscription.lost
        if reason is not None and subscription.live:
            self._say_reset(subscription, reason)
            subscription.halt()
            self._join()
        said, self._said = self._said, []
        caught_up = False
        for frame in said + subscription.pull(max_bytes)[0]:
            message = orjson.loads(frame)
            self.client.receive(message)
            caught_up = caught_up or message["type"] == "caught_up"
        if caught_up or self._world.random.random() < 0.1:
            self._check()

    def finish(self) -> None:
        """Nothing happens any more: it must be live, and have everything."""
        while self._subscription is not None and self._subscription.ready:
            self.read(1 << 30)
        assert self.client.live, "everything is at rest, and a client has not caught up"
        assert self._position == len(self._world.happenings), "everything is at rest, and a client lacks events"
        self._check()

    def joined(self, joining: Joining) -> None:
        """A join is done."""
        if self._joining is not joining or joining.joined is None or self._subscription is None:
            return
        if not joining.joined.holds:
            self._join()
            return
        self._joining = None
        self._newest = joining.newest
        self._judged = False
        self._world.score.partial += joining.joined.partial
        self._begin(joining.joined)

    def _read_on(self) -> None:
        self.read(self._world.random.choice((300, 3_000, 30_000)))
        self._world.time.after(self._world.random.randint(1, 2 * self._pace_ms), self._read_on)

    def _join(self) -> None:
        assert self.gateway is not None
        assert self._subscription is not None
        view = self._subscription.view
        joining = self.gateway.joinings.get(view)
        if joining is None or not joining.is_shared:
            joining = self.gateway.joinings[view] = Joining(self._world, self.gateway, view)
        self._joining = joining
        joining.give(self)

    def _resume(self, cursor: Cursor, until_ms: int, visit: int) -> None:
        subscription = self._subscription
        if subscription is None or visit != self._visit:
            return
        if is_ahead(subscription.view, cursor) and self._world.time.ms < until_ms:
            self._world.time.after(20, partial(self._resume, cursor, until_ms, visit))
            return
        reason = refusal(subscription.view, cursor)
        if reason is not None:
            self._say_reset(subscription, reason)
            self._join()
            return
        self._world.score.resumes += 1
        self._begin(_finished(resume(subscription.view, cursor)))

    def _begin(self, joined: Joined) -> None:
        assert self._subscription is not None
        self._subscription.begin(joined, self._tables)
        self._subscription.go_live(complete=True)

    def _say_reset(self, subscription: Subscription, reason: str) -> None:
        self._world.score.resets[reason] = self._world.score.resets.get(reason, 0) + 1
        self._said.append(frames.reset(subscription.view.name, reason))

    @property
    def _position(self) -> int:
        return self._count(self.client.epoch, self.client.seq)

    def _count(self, token: str | None, seq: int) -> int:
        """How many events had been published when the feed stood there."""
        return self._world.bus.before[token.partition(".")[0] if token else "e1"] + seq

    def _check(self) -> None:
        """What the client has must be what one would have who had watched from the start."""
        client, now = self.client, self._world.time.ms
        published = self._ids[self._count(*client.began) : self._position]
        assert client.received == [id_ for id_ in published if id_ is not None], (
            "events were lost, or came twice, or in another order"
        )
        if not client.live or client.partial or self._position <= self._newest:
            return  # the rows may be ahead of the events that came; when those are there, they must be the same
        client.tables.expire(now)
        shown = {name: _by_key(name, client.tables.rows(name)) for name in client.tables.names}
        score, right = self._world.score, shown == self._truth_at(self._position, now)
        score.checks += 1
        if not self._judged:
            self._judged = True
            score.joins += 1
            score.right += right
        if self._world.order.is_exact:
            assert right, "the tables are not what they would be for one who had watched from the start"

    def _truth_at(self, position: int, now: int) -> dict[str, dict[Json, Row]]:
        if position < self._applied:
            self._truth, self._applied = State(), 0
        for happening in self._world.happenings[self._applied : position]:
            self._truth.apply(happening.event)
        self._applied = position
        return {
            name: _by_key(name, [row for row in self._now(name, now) if _passes(row, self._filter)])
            for name in self._tables
        }

    def _now(self, name: str, now: int) -> Sequence[Any]:
        rows = (clock.apply(row, TABLES[name].clock, now) for row in self._truth.rows[name].values())
        return [row for row in rows if row is not None]


def _passes(row: Any, filter_: Filter) -> bool:
    return all(row[column] in values for column, values in filter_.fields)


def _by_key(name: str, rows: Sequence[Any]) -> dict[Json, Row]:
    """Rows by key. A column that is absent is one that is null: only the store says which columns there are."""
    key = TABLES[name].key[0]
    return {row[key]: {column: value for column, value in row.items() if value is not None} for row in rows}


def _finished(work: Generator[None, None, T]) -> T:
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
