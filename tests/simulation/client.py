"""A client on the other side of a socket: it knows only the frames, and complains about any that do not chain."""

from collections.abc import Mapping
from typing import Any

from signalman.client.tables import Tables
from signalman.event import Json

Row = Mapping[str, Json]


class Client:
    """What one subscription has told its client."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.epoch: str | None = None
        """The token that it was told last."""
        self.seq = 0
        self.began: tuple[str | None, int] = (None, 0)
        """Where the events in `received` begin."""
        self.received: list[str] = []
        """Ids of events, since it was last told to start over."""
        self.complete = False
        """Whether it has caught up since it last began, and so may resume."""
        self.live = False
        self.partial = False
        self.resets: list[str] = []

    @property
    def cursor(self) -> tuple[str, int] | None:
        """What it can resume with."""
        return (self.epoch, self.seq) if self.complete and self.epoch is not None else None

    def receive(self, frame: Mapping[str, Any]) -> None:
        """The next frame."""
        getattr(self, f"_{frame['type']}")(frame)

    def _subscribed(self, frame: Mapping[str, Any]) -> None:
        self.live = False
        if frame["recovered"]:
            assert (frame["epoch"], frame["seq"]) == self.cursor
            return
        self.epoch, self.seq = frame["epoch"], frame["seq"]
        self.began, self.received = (self.epoch, self.seq), []
        self.complete, self.partial = False, frame["partial"]
        self.tables.begin(frame["tables"])

    def _snapshot(self, frame: Mapping[str, Any]) -> None:
        assert not self.received, "rows come before events"
        self.tables.snapshot(frame["table"], frame["key"], frame["rules"], frame["rows"])

    def _events(self, frame: Mapping[str, Any]) -> None:
        assert frame["prev"] == self.seq, f"a frame after {frame['prev']} came at {self.seq}"
        self._advance(frame)
        self.received += (event["id"] for event in frame["events"])
        self.tables.events(frame["events"])

    def _bookmark(self, frame: Mapping[str, Any]) -> None:
        self._advance(frame)

    def _advance(self, frame: Mapping[str, Any]) -> None:
        assert frame["seq"] > self.seq
        assert ("epoch" in frame) == (self.seq == 0)
        self.epoch, self.seq = frame.get("epoch", self.epoch), frame["seq"]

    def _caught_up(self, frame: Mapping[str, Any]) -> None:
        assert frame["seq"] == self.seq
        self.tables.caught_up()
        self.live = self.complete = True

    def _reset(self, frame: Mapping[str, Any]) -> None:
        self.resets.append(frame["reason"])
        self.tables.lost()
        self.live = self.complete = False
