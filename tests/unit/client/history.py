"""A server with a history, as far as one subscription can tell: for tests that cut it off at every point."""

from collections import deque
from dataclasses import dataclass
from typing import Any

Wire = dict[str, Any]

RULES: Wire = {"version": None, "compared": False, "final": False, "clock": []}


@dataclass(frozen=True)
class Happened:
    """One publication; its events are its own ``seq`` numbers, and a filter may hide it."""

    epoch: int
    prev: int
    seq: int
    shown: bool

    @property
    def ids(self) -> list[str]:
        """Of its events."""
        return [f"{self.epoch}-{number}" for number in range(self.prev + 1, self.seq + 1)]


def row_of(id_: str) -> Wire:
    """The row as the event with this id leaves it: there are three rows, which take turns."""
    return {"stream_id": str(int(id_.partition("-")[2]) % 3), "last": id_}


class History:
    """The server: *kept* publications can be resumed, the last *replayed* of them are replayed over a snapshot.

    What it has said, and the client has not taken yet, is in ``wire``.
    """

    def __init__(self, *, kept: int, replayed: int) -> None:
        self.kept, self.replayed = kept, replayed
        self.epoch = 1
        self.log: list[Happened] = []
        self.shown: list[str] = []
        """Ids of all events that passed the filter, in every epoch."""
        self.wire: deque[Wire] = deque()
        self._id: str | None = None
        self._prev = 0

    @property
    def head(self) -> int:
        """Where the feed stands."""
        return self.log[-1].seq if self.log else 0

    @property
    def rows(self) -> list[Wire]:
        """The table, to which all that was published has come. What a filter hides changes nothing."""
        return list({row["stream_id"]: row for row in map(row_of, self.shown)}.values())

    def connect(self) -> None:
        """Another socket; what was on its way on the old one is gone."""
        self.wire.clear()
        self._id = None
        self._say("hello", protocol="signalman.v1", heartbeat_ms=25_000)
        self._say("welcome", principal={}, channels=["streams"], expires_at=None)

    def publish(self, size: int, *, shown: bool) -> None:
        """Something happens."""
        happened = Happened(self.epoch, self.head, self.head + size, shown)
        self.log.append(happened)
        self.shown += happened.ids if shown else []
        if self._id is not None:
            self._tell(happened)

    def bookmark(self) -> None:
        """Say where the chain stands, if a filter has left it behind."""
        if self._id is not None and self._prev < self.head:
            self._say("bookmark", view="v1", seq=self.head, **self._named())
            self._prev = self.head

    def retire(self) -> None:
        """Begin a new epoch."""
        self.epoch += 1
        self.log = []
        if self._id is not None:
            self._say("reset", view="v1", reason="skipped")
            self._begin(self._id)

    def hear(self, message: Wire) -> None:
        """Take what the client says."""
        if message["type"] == "unsubscribe":
            self._id = None
            self._say("unsubscribed", id=message["id"])
            return
        resume = message.get("resume")
        reason = self._refusal(resume) if resume else None
        if reason is not None:
            self._say("reset", view="v1", id=message["id"], reason=reason)
        if resume and not reason:
            self._begin(message["id"], resume["seq"])
        else:
            self._begin(message["id"])

    def _refusal(self, resume: Wire) -> str | None:
        if resume["epoch"] != self._token():
            return "epoch"
        known = {0, *(happened.seq for happened in self.log)}
        assert resume["seq"] in known, "the client asks for a place that never was"
        return "trimmed" if resume["seq"] < self._back(self.kept) else None

    def _back(self, publications: int) -> int:
        """The place before so many of the newest publications."""
        return next((happened.prev for happened in self.log[-publications:]), 0) if publications else self.head

    def _begin(self, id_: str, resumed: int | None = None) -> None:
        start = self._prev = self._back(self.replayed) if resumed is None else resumed
        self._id = id_
        self._say(
            "subscribed", id=id_, scope=["t"], view="v1", epoch=self._token() if self.log else None, seq=self._prev,
            recovered=resumed is not None, partial=False, tables=["streams"],
        )  # fmt: skip
        if resumed is None:
            self._say(
                "snapshot", view="v1", table="streams", key=["stream_id"], rows=self.rows, part=1, last=True, as_of="",
                lag_ms=None, rules=RULES,
            )  # fmt: skip
        # A replay has fewer frames than the feed had publications.
        replay = [happened for happened in self.log if happened.prev >= start]
        for first in range(0, len(replay), 2):
            self._tell(*replay[first : first + 2])
        self.bookmark()
        self._say("caught_up", view="v1", seq=self._prev)

    def _tell(self, *happened: Happened) -> None:
        shown = [each for each in happened if each.shown]
        if shown:
            seq, events = shown[-1].seq, [_event(id_) for each in shown for id_ in each.ids]
            self._say("events", view="v1", prev=self._prev, seq=seq, events=events, **self._named())
            self._prev = seq

    def _named(self) -> Wire:
        return {"epoch": self._token()} if self._prev == 0 else {}

    def _token(self) -> str:
        return f"token-{self.epoch}"

    def _say(self, type_: str, **members: Any) -> None:
        self.wire.append({"type": type_, **members})


def _event(id_: str) -> Wire:
    return {"id": id_, "rows": [{"table": "streams", "op": "upsert", "row": row_of(id_)}]}
