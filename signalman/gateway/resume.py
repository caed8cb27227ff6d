"""Coming back with a cursor: what was missed follows, exactly, or the reason why it cannot. No I/O.

A cursor is the epoch and seq that a client was told last. The epoch's token names the feed, the filter, and the form of
the channel as well, so that a cursor of anything else does not fit.
"""

from collections.abc import Generator
from typing import Literal

from signalman.gateway.join import Joined, at_index
from signalman.gateway.replay import Replay
from signalman.gateway.requests import Cursor
from signalman.gateway.view import View

Refusal = Literal["changed", "epoch", "trimmed"]
"""Why a cursor cannot be gone on from; each is a reason of `reset`."""


def is_ahead(view: View, cursor: Cursor) -> bool:
    """Whether the cursor is of this epoch but beyond its end: another gateway may have heard more than this one yet."""
    position = view.log.position
    return position is not None and cursor.epoch == view.token(position.epoch) and cursor.seq > position.seq


def refusal(view: View, cursor: Cursor) -> Refusal | None:
    """Why *view* cannot go on from *cursor*, or None when it can."""
    epoch = cursor.epoch.partition(".")[0]
    if cursor.epoch != view.token(epoch):
        return "changed"
    position = view.log.position
    if position is None or position.epoch != epoch or cursor.seq > position.seq:
        return "epoch"
    return None if _index(view, cursor.seq) is not None or view.log.after(cursor.seq) is not None else "trimmed"


def resume(view: View, cursor: Cursor) -> Generator[None, None, Joined]:
    """The beginning of a subscription that goes on from *cursor*, for which there is no `refusal`."""
    position = view.log.position
    if position is not None and cursor.seq > view.seq:
        # Another gateway told the client of a place to which this view, for want of events that pass, has not come.
        view.bookmark(position)
    index = _index(view, cursor.seq)
    if index is not None:
        return at_index(view, index, recovered=True)
    mark, generation, end = view.head, view.generation, view.seq
    publications = tuple(view.log.after(cursor.seq) or ())
    replay = Replay(view, cursor.epoch, cursor.seq, end)
    yield from replay.run(publications)
    return Joined(
        view,
        mark,
        generation,
        cursor.epoch,
        cursor.seq,
        tuple(replay.frames),
        events=replay.events,
        recovered=True,
    )


def _index(view: View, seq: int) -> int | None:
    """The index of the view's log at which its chain stands at *seq*, or None."""
    low, high = view.first, view.head
    while low < high:
        middle = (low + high) // 2
        position = view.before(middle)
        if position is not None and position.seq < seq:
            low = middle + 1
        else:
            high = middle
    position = view.before(low)
    return low if (position.seq if position else 0) == seq else None
