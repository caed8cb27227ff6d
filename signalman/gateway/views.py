"""The views of one feed: each publication is filtered and framed once for each of them."""

from collections.abc import Iterable, Iterator

import orjson

from signalman.event import Feed, Position, Publication
from signalman.gateway.binding import binding
from signalman.gateway.log import FeedLog
from signalman.gateway.requests import Filter
from signalman.gateway.view import View


class FeedViews:
    """One view per filter. Methods return the views that have something new.

    Args:
        feed: Which.
        log: Its newest publications; they end where the feed stands.
        version: Of the feed's channel, see `gateway.binding`.
        names: For new views; unique in the process.
        max_frames: Of a view's log.
        max_bytes: Of a view's log.
    """

    def __init__(
        self, feed: Feed, log: FeedLog, *, version: str, names: Iterator[str], max_frames: int, max_bytes: int
    ) -> None:
        self._feed = feed
        self._log = log
        self._version = version
        self._names = names
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._views: dict[Filter, View] = {}

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[View]:
        """All of them."""
        return iter(tuple(self._views.values()))

    def get(self, filter_: Filter) -> View:
        """The view through *filter_*, made when nobody has it yet."""
        view = self._views.get(filter_)
        if view is None:
            view = self._views[filter_] = View(
                next(self._names),
                self._feed,
                filter_,
                self._log.position,
                log=self._log,
                binding=binding(self._version, self._feed, filter_),
                max_frames=self._max_frames,
                max_bytes=self._max_bytes,
            )
        return view

    def drop(self, filter_: Filter) -> None:
        """Nobody watches the view through *filter_* any more."""
        self._views.pop(filter_, None)

    def append(self, publication: Publication) -> list[View]:
        """Frame what passes of *publication*."""
        changed = []
        decoded: list[tuple[bytes, dict[str, object]]] = []
        for filter_, view in self._views.items():
            payloads = publication.events
            if filter_:
                # Decoded at most once for all filtered views, and not at all where there are none.
                decoded = decoded or [(raw, orjson.loads(raw)) for raw in publication.events]
                payloads = tuple(raw for raw, event in decoded if filter_.matches(event))
            if payloads:
                view.append(publication.position, payloads)
                changed.append(view)
        return changed

    def reset(self, reason: str, position: Position | None) -> list[View]:
        """Let all of them start over at *position*."""
        for view in self._views.values():
            view.reset(reason, position)
        return list(self._views.values())

    def bookmark(self, position: Position) -> list[View]:
        """Tell those behind *position* that there is nothing for them up to it."""
        return [view for view in self._views.values() if view.bookmark(position)]

    def room(self, frames: int, size: int) -> bool:
        """Whether so much fits at once and leaves half of a view's log to those who lag behind."""
        return frames * 2 <= self._max_frames and size * 2 <= self._max_bytes


def union(*changes: Iterable[View]) -> list[View]:
    """All that changed, each once."""
    return list(dict.fromkeys(view for views in changes for view in views))
