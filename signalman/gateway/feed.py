"""A feed as this gateway follows it: checks that nothing is missing and hands each publication to the views.

The rules know no I/O. Positions: `Publication` carries the seq before its first event and the position of its last.
"""

from collections.abc import Iterator
from itertools import count

import orjson

from signalman.event import Feed, Position, Publication
from signalman.gateway.requests import Filter
from signalman.gateway.view import View


class FollowedFeed:
    """One subscribed feed and its views."""

    def __init__(self, feed: Feed, names: Iterator[str] | None = None, *, max_frames: int, max_bytes: int) -> None:
        self.feed = feed
        self.position: Position | None = None
        self.views: dict[Filter, View] = {}
        self._names = names or (f"v{n}" for n in count(1))
        self._max_frames = max_frames
        self._max_bytes = max_bytes

    def start(self, position: Position | None) -> None:
        """Take over the position that the bus named when it acknowledged the subscription.

        Publications can arrive between the acknowledgement and this answer, and the answer may be older or newer than
        they are: the further one holds.
        """
        heard = self.position
        if position is None or (heard and heard.epoch == position.epoch and heard.seq >= position.seq):
            return
        self.position = position

    def view(self, filter_: Filter) -> View:
        """The view through *filter_*, made when nobody has it yet."""
        view = self.views.get(filter_)
        if view is None:
            view = View(
                next(self._names),
                self.feed,
                filter_,
                self.position,
                max_frames=self._max_frames,
                max_bytes=self._max_bytes,
            )
            self.views[filter_] = view
        return view

    def publication(self, publication: Publication) -> list[View]:
        """Take one publication in; returns the views that have something new, a frame or a reset."""
        reason = self._continuity(publication)
        if reason == "duplicate":
            return []
        changed: list[View] = []
        if reason:
            # What is missing ends where this publication begins; it is delivered after the reset.
            before = Position(publication.position.epoch, publication.prev)
            changed = self._reset(reason, before)
        self.position = publication.position
        appended = self._append(publication)
        return changed or appended  # a reset concerns every view, so it covers those that got a frame as well

    def recovered(self, position: Position | None) -> list[View]:
        """The bus was away and is back at *position*; anything but where we stood is a gap."""
        if position == self.position:
            return []
        same_epoch = position is not None and self.position is not None and position.epoch == self.position.epoch
        self.position = position
        return self._reset("gap" if same_epoch else "epoch", position)

    def _continuity(self, publication: Publication) -> str:
        """Why *publication* does not follow on what we have, or empty when it does."""
        at = self.position
        if at is None:
            return "" if publication.prev == 0 else "gap"
        if publication.position.epoch != at.epoch:
            return "epoch"
        if publication.position.seq <= at.seq:
            return "duplicate"
        return "" if publication.prev == at.seq else "gap"

    def _reset(self, reason: str, position: Position | None) -> list[View]:
        for view in self.views.values():
            view.reset(reason, position)
        return list(self.views.values())

    def _append(self, publication: Publication) -> list[View]:
        changed = []
        decoded: list[dict[str, object]] | None = None
        for filter_, view in self.views.items():
            payloads = publication.events
            if filter_:
                # Decoded at most once for all filtered views, and not at all where there are none.
                decoded = decoded or [orjson.loads(event) for event in publication.events]
                payloads = tuple(
                    raw for raw, event in zip(publication.events, decoded, strict=True) if filter_.matches(event)
                )
            if payloads:
                view.append(publication.position, payloads, publication.published_ms)
                changed.append(view)
        return changed
