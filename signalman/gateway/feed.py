"""A feed as this gateway follows it: nothing that is published on it goes missing without being announced.

    FILLING ──everything is there──▶ FOLLOWING
        ◀──────something is odd──────────┘

While it is followed, each publication goes to the views at once. One that does not follow on what was delivered is a
hole, or the bus has fallen back to something older, or began anew: then what comes is held back and the bus is asked.
Its answer closes the hole, or every view starts over from what the bus still has.

The rules know no I/O and no clock. Who drives them asks the bus whenever `filling` is set, see `gateway.repair`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from signalman.event import Feed, History, Position, Publication
from signalman.gateway.held import Held, follow_on, merged, unseen
from signalman.gateway.log import FeedLog, LogLimits
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.gateway.views import FeedViews, union
from signalman.metrics import Metrics


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A question to the bus about a feed."""

    after: Position | None
    """Everything that was published after this is wanted (`Bus.missed`), or, without it, the newest there is
    (`Bus.history`)."""
    heard: frozenset[Position]
    """What was heard of that already: an answer without it comes from a bus that has fallen back."""
    held: int
    """How many publications were held back when it was asked; the answer covers them."""


class FollowedFeed:
    """One subscribed feed and its views. Methods return the views that have something new, a frame or a reset.

    Args:
        feed: Which.
        limits: Of `log`, and of what is held back.
        metrics: Holes are counted there.
        version: Of the feed's channel, see `gateway.binding`.
        names: For views; unique in the process.
        max_frames: Of a view's log.
        max_bytes: Of a view's log.
    """

    def __init__(
        self,
        feed: Feed,
        limits: LogLimits,
        metrics: Metrics,
        *,
        version: str,
        names: Iterator[str] | None = None,
        max_frames: int,
        max_bytes: int,
    ) -> None:
        self.feed = feed
        self.log = FeedLog(limits)
        """What was delivered last: where it ends, the views end."""
        self.views = FeedViews(
            feed,
            self.log,
            version=version,
            names=names or (f"v{n}" for n in count(1)),
            max_frames=max_frames,
            max_bytes=max_bytes,
        )
        self.filling = True
        """Whether something is missing, or may be: the bus has to be asked."""
        self._metrics = metrics
        self._held = Held(limits)
        self._heard: set[Position] = set()
        """Of what was held back before a loss: it must be in what the bus answers after that."""
        self._ask: Ask | None = None
        self._afresh = True  # nothing to go on from
        self._interrupted = False
        self._certain: Position | None = None
        """While filling or interrupted: up to here nothing can be missing."""

    def view(self, filter_: Filter) -> View:
        """The view through *filter_*, made when nobody has it yet."""
        return self.views.get(filter_)

    def publication(self, publication: Publication, now_ms: int) -> list[View]:
        """The bus delivered *publication*, at *now_ms* by its clock."""
        if not self.filling:
            return self._go_on([publication], now_ms)
        self._held.append(publication)
        return self._give_up(now_ms) if self._held.too_much(now_ms) else []

    def retired(self, position: Position, reason: str, now_ms: int) -> list[View]:
        """The feed began a new epoch, and what came before is void."""
        if self.log.position and self.log.position.epoch == position.epoch:
            return []  # the answer to a question knew it already
        self._held.take()
        self.log.clear(position, now_ms)
        self._settle()
        return self.views.reset(reason, self.log.position)

    def lost(self) -> None:
        """From now on, until `recovered` or `spared`, publications may be missing without a hole to show for it: a bus
        that has fallen back numbers others alike.
        """
        self._ask = None
        if not self._interrupted and not self.filling:
            self._certain = self.log.position
        self._interrupted = True
        self._heard.update(publication.position for publication in self._held.take())

    def spared(self) -> None:
        """The bus is back, and this feed was not interrupted."""
        self._interrupted = False

    def recovered(self, position: Position | None) -> None:
        """The feed is heard again, and stood at *position* when that began. Anywhere but where we stood, by seq and by
        time, something may be missing.
        """
        self._ask = None
        if not self.filling:
            if not self._interrupted:
                self._certain = self.log.position
            self.filling = position != self._certain
        self._interrupted = False

    def ask(self) -> Ask:
        """What the bus has to be asked now. Questions asked before need no answer any more."""
        after = None if self._afresh else self._certain
        heard = (*self._heard, *self._held.positions(), self.log.position)
        later = (at for at in heard if after and at and at.epoch == after.epoch and at.seq > after.seq)
        self._ask = Ask(after, frozenset(later), len(self._held))
        return self._ask

    def repaired(self, ask: Ask, publications: Sequence[Publication] | None, now_ms: int) -> list[View]:
        """The answer of `Bus.missed` to *ask*. When it does not close the hole, `ask` wants the newest there is."""
        if ask is not self._ask or ask.after is None:
            return []
        if publications is None or not follow_on(ask.after, publications, ask.heard):
            self._afresh = True
            return []
        newer = self._held.take(ask.held)
        news = list(unseen(publications, self.log.position))
        for publication in news:
            self.log.append(publication, now_ms)
        self._settle()
        changed = self._catch_up(news)
        return union(changed, self._go_on(newer, now_ms))

    def restarted(self, ask: Ask, history: History, now_ms: int) -> list[View]:
        """The answer of `Bus.history` to *ask*: every view starts over, and goes on with what of it is news."""
        if ask is not self._ask:
            return []
        newer = self._held.take(ask.held)
        reason, news = _judged(self.log.position, history)
        self.log.start(history)
        self._settle()
        return union(self._break(reason, news), self._go_on(newer, now_ms))

    def pass_time(self, now_ms: int) -> list[View]:
        """Let go of what is too old, and tell each view that has had nothing for a while how far the feed has come."""
        self.log.trim(now_ms)
        position = self.log.position
        if position is None or self.filling or self._interrupted:
            return []
        return self.views.bookmark(position)

    def _go_on(self, publications: Sequence[Publication], now_ms: int) -> list[View]:
        """Deliver what follows on what was delivered. From the first that does not, hold everything back."""
        changed: list[View] = []
        for number, publication in enumerate(publications):
            follows = self._follows(publication)
            if follows:
                self.log.append(publication, now_ms)
                changed = union(changed, self.views.append(publication))
            elif follows is None:
                self.filling = True
                if not self._interrupted:
                    self._certain = self.log.position
                for each in publications[number:]:
                    self._held.append(each)
                break
        return changed

    def _follows(self, publication: Publication) -> bool | None:
        """Whether *publication* comes next; False when it was delivered before, None when only the bus can tell."""
        at, end = self.log.position, publication.position
        if at is None:
            return True if publication.prev == 0 else None
        if end.epoch != at.epoch:
            return None
        if publication.prev == at.seq:
            return True
        # A seq of the past with a newer time is not what was delivered then: the bus has fallen back.
        return False if end.seq <= at.seq and end.ms <= at.ms else None

    def _give_up(self, now_ms: int) -> list[View]:
        """Too much is waiting for an answer: leave the hole open, say so, and go on."""
        held = self._held.take()
        before = Position(held[0].position.epoch, held[0].prev)
        same = self.log.position is not None and self.log.position.epoch == before.epoch
        self.log.clear(before, held[0].position.ms)
        self._settle()
        return union(self._break("gap" if same else "epoch"), self._go_on(held, now_ms))

    def _settle(self) -> None:
        self.filling = self._afresh = False
        self._ask = None
        self._heard.clear()
        self._certain = self.log.position

    def _catch_up(self, news: Sequence[Publication]) -> list[View]:
        """Deliver what was missed, in few frames. Where it is so much that it would lap those who read along, they
        start over instead: that is not their fault, and must not be told as such.
        """
        together = list(merged(news))
        size = sum(len(event) for publication in news for event in publication.events)
        if not self.views.room(len(together), size):
            return self._break("gap")
        self._metrics.gaps.labels("filled").inc()
        return union(*(self.views.append(publication) for publication in together))

    def _break(self, reason: str, news: Sequence[Publication] = ()) -> list[View]:
        """Let every view start over: where the feed stands, or, for who begins without tables, before the *news*."""
        if not self.views:
            return []  # nobody had anything when it was followed for the first time
        self._metrics.gaps.labels("reset").inc()
        together = list(merged(news))
        if not together or not self.views.room(len(together), sum(len(each) for one in news for each in one.events)):
            return self.views.reset(reason, self.log.position)
        changed = self.views.reset(reason, Position(together[0].position.epoch, together[0].prev))
        for publication in together:
            self.views.append(publication)
        return changed


def _judged(at: Position | None, history: History) -> tuple[str, Sequence[Publication]]:
    """Why views that stood at *at* start over, and what of *history* they have certainly not had: the bus has kept too
    little, or it began anew, or what it has is another past of the same epoch.
    """
    end = history.position
    if at is None or end is None or end.epoch != at.epoch:
        return "epoch", history.publications
    begins = history.publications[0].prev if history.publications else end.seq
    return ("gap", history.publications) if begins >= at.seq else ("epoch", ())
