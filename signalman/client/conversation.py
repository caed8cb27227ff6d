"""One socket's conversation, without I/O and without a clock: frames go in, messages for the consumer come out.

    hello ──▶ welcome ──▶ for each subscription: subscribed ──▶ snapshot… ──▶ events… ──▶ caught_up ──▶ events…

A conversation ends with its socket. The next socket gets a new one, and only the places where the subscriptions stood:
nothing that an older socket had said can reach the consumer after a newer one is there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count

import orjson
import structlog

from signalman.client.cursor import Cursor
from signalman.client.ending import LastWords
from signalman.client.errors import ConnectionEnded
from signalman.client.messages import (
    CaughtUp,
    Choice,
    Connected,
    Dropped,
    Events,
    Expiring,
    Fresh,
    Message,
    Refused,
    Renewed,
    Reset,
    Snapshot,
    Stale,
    Subscribed,
    Subscription,
    Trouble,
)
from signalman.event import Json
from signalman.protocol import ERRORS, SUBPROTOCOL

log = structlog.get_logger(__name__)

Frame = Mapping[str, Json]

HEARTBEATS = 2.5
"""How many heartbeats may pass in silence before a connection counts as dead."""

PATIENCE = 30.0
"""Seconds of silence allowed until the server has said how often its heart beats."""

_STILL_LIVE = frozenset({"snapshot_unavailable", "snapshot_too_large"})
"""Errors about a subscription that goes on without its tables."""


class Conversation:
    """What the client knows of one connection.

    Args:
        subscriptions: What to follow, or the choice among what the credential may read.
        before: `cursors` of the conversation before this one, which has ended.
    """

    def __init__(self, subscriptions: Sequence[Subscription] | Choice, before: Iterable[Cursor] = ()) -> None:
        self._wanted = subscriptions
        self._ids = (str(number) for number in count(1))
        # Copies: whatever becomes of the older conversation, it cannot move these.
        self._kept = {cursor.subscription: cursor.copy() for cursor in before}
        self._cursors: dict[str, Cursor] = {}
        self._views: dict[str, Cursor] = {}
        self._outgoing: list[bytes] = []
        self._due: list[tuple[float, Cursor]] = []
        self._welcomed = False
        self._declined: list[Subscription] = []
        self.patience = PATIENCE
        """Seconds of silence after which the connection is dead."""
        self.last_words = LastWords()
        """For `ending.after_close`."""
        self._handlers: Mapping[str, Callable[[Frame, float], list[Message]]] = {
            "hello": self._hello,
            "welcome": self._welcome,
            "expiring": lambda frame, _: [Expiring(frame["expires_at"], frame["in_seconds"])],
            "subscribed": self._subscribed,
            "snapshot": self._snapshot,
            "events": self._events,
            "caught_up": self._caught_up,
            "bookmark": self._bookmark,
            "reset": self._reset,
            "dropped": self._dropped,
            "stale": lambda frame, _: [Stale(frame["backend"])],
            "fresh": lambda frame, _: [Fresh(frame["backend"])],
            "error": self._error,
            "goodbye": self._goodbye,
        }

    def receive(self, text: str | bytes, now: float) -> list[Message]:
        """Take a frame in; *now* in seconds of any clock that never goes back.

        Raises:
            ConnectionEnded: This is not `signalman.v1`.
        """
        try:
            frame = orjson.loads(text)
            handler = self._handlers.get(frame["type"])
            return handler(frame, now) if handler is not None else []
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConnectionEnded("bad_message", f"What the server says is not {SUBPROTOCOL}.") from error

    def outgoing(self) -> list[bytes]:
        """Frames to send now; each is handed out once."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def wakes_at(self) -> float | None:
        """When `tick` has something to do."""
        return min((at for at, _ in self._due), default=None)

    def tick(self, now: float) -> None:
        """Ask again for subscriptions that could not begin earlier."""
        due = [cursor for at, cursor in self._due if at <= now]
        self._due = [(at, cursor) for at, cursor in self._due if at > now]
        for cursor in due:
            self._subscribe(cursor)

    def cursors(self) -> list[Cursor]:
        """Where the subscriptions stand, for the conversation after this one."""
        return [*self._kept.values(), *self._cursors.values(), *(cursor for _, cursor in self._due)]

    def _hello(self, frame: Frame, _: float) -> list[Message]:
        if frame["protocol"] != SUBPROTOCOL:
            raise ConnectionEnded("subprotocol", f"The server does not speak {SUBPROTOCOL}.")
        self.patience = HEARTBEATS * frame["heartbeat_ms"] / 1000
        return []

    def _welcome(self, frame: Frame, _: float) -> list[Message]:
        channels = tuple(frame["channels"])
        again, self._welcomed = self._welcomed, True
        wanted = self._wanted(channels) if callable(self._wanted) else self._wanted
        for subscription in self._lacking(wanted, channels) if again else wanted:
            self._subscribe(self._kept.pop(subscription, Cursor(subscription)))
        said = Renewed if again else Connected
        return [said(frame["principal"], channels, frame["expires_at"])]

    def _lacking(self, wanted: Sequence[Subscription], channels: Sequence[str]) -> list[Subscription]:
        """Those that may be had by now, and that were neither had nor refused for another reason."""
        cursors = [*self._cursors.values(), *(cursor for _, cursor in self._due)]
        had = [*(cursor.subscription for cursor in cursors), *self._declined]
        return [each for each in wanted if each.channel in channels and each not in had]

    def _subscribe(self, cursor: Cursor) -> None:
        cursor.ask(next(self._ids))
        self._cursors[cursor.id] = cursor
        subscription = cursor.subscription
        request: dict[str, Json] = {"type": "subscribe", "id": cursor.id, "channel": subscription.channel}
        if subscription.scope is not None:
            request["scope"] = list(subscription.scope)
        if subscription.filter:
            request["filter"] = {name: list(values) for name, values in subscription.filter.items()}
        if not subscription.snapshot:
            request["snapshot"] = False
        if cursor.resume is not None:
            request["resume"] = cursor.resume
        self._outgoing.append(orjson.dumps(request))

    def _subscribed(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._cursors.get(frame["id"])
        if cursor is None:
            return []  # of an attempt that we gave up
        view, epoch, seq, recovered = frame["view"], frame["epoch"], frame["seq"], frame["recovered"]
        self._leave_view(cursor)
        if not recovered:
            cursor.begin(view, epoch, seq)
        elif not cursor.go_on(view, epoch, seq):
            return self._hole(cursor, seq)
        self._views[view] = cursor
        scope, tables = tuple(frame["scope"]), tuple(frame["tables"])
        return [Subscribed(cursor.subscription, scope, epoch, seq, tables, recovered, frame["partial"])]

    def _snapshot(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        if cursor is None:
            return []
        return [
            Snapshot(
                cursor.subscription,
                table=frame["table"],
                key=tuple(frame["key"]),
                rows=tuple(frame["rows"]),
                part=frame["part"],
                last=frame["last"],
                as_of=frame["as_of"],
                lag_ms=frame["lag_ms"],
                rules=frame["rules"],
            )
        ]

    def _events(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        if cursor is None:
            return []
        if not cursor.advance(frame["prev"], frame["seq"], frame.get("epoch")):
            return self._hole(cursor, frame["prev"])
        events = tuple(frame["events"])
        repeated = cursor.deliver([event["id"] for event in events])
        return [Events(cursor.subscription, frame["prev"], frame["seq"], events, repeated)]

    def _bookmark(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        if cursor is None or cursor.skip(frame["seq"], frame.get("epoch")):
            return []
        return self._hole(cursor, frame["seq"])

    def _hole(self, cursor: Cursor, found: int) -> list[Message]:
        """Give the attempt up, and resume where all was well; where that has just been tried, start over."""
        log.warning("hole", channel=cursor.subscription.channel, at=cursor.seq, found=found)
        self._leave_view(cursor)
        del self._cursors[cursor.id]
        self._outgoing.append(orjson.dumps({"type": "unsubscribe", "id": cursor.id}))
        mends = cursor.mend()
        self._subscribe(cursor)
        return [] if mends else [Reset(cursor.subscription, "hole")]

    def _caught_up(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        if cursor is None:
            return []
        cursor.catch_up(frame["seq"])
        return [CaughtUp(cursor.subscription, frame["seq"])]

    def _reset(self, frame: Frame, _: float) -> list[Message]:
        # One that could not be resumed has no view yet.
        cursor = self._cursors.get(frame["id"]) if "id" in frame else self._views.get(frame["view"])
        if cursor is None:
            return []
        # Nothing is taken for it until the server has said `subscribed` again.
        self._leave_view(cursor)
        cursor.start_over()
        return [Reset(cursor.subscription, frame["reason"])]

    def _dropped(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        if cursor is None:
            return []
        before, to = frame["from"], frame["to"]
        if not cursor.advance(before, to, frame.get("epoch")):
            return self._hole(cursor, before)
        return [Dropped(cursor.subscription, before, to, frame["count"])]

    def _leave_view(self, cursor: Cursor) -> None:
        if cursor.view is not None and self._views.get(cursor.view) is cursor:
            del self._views[cursor.view]
        cursor.view = None

    def _error(self, frame: Frame, now: float) -> list[Message]:
        code, detail = frame["code"], frame["detail"]
        after_ms = frame.get("retry_after_ms")
        retry_in = None if after_ms is None else after_ms / 1000
        kind = ERRORS.get(code)
        if kind is not None and kind.close is not None:
            self.last_words = LastWords(code, detail, retry_in or 0.0)
            return []  # the close that follows says the rest
        cursor = self._cursors.get(frame.get("id", ""))
        if cursor is None:
            return [Trouble(None, code, detail, retry_in)] if "id" not in frame else []
        if code in _STILL_LIVE:
            cursor.lack()
            return [Trouble(cursor.subscription, code, detail, retry_in)]
        return self._not_begun(cursor, code, detail, retry_in, now)

    def _not_begun(self, cursor: Cursor, code: str, detail: str, retry_in: float | None, now: float) -> list[Message]:
        self._leave_view(cursor)
        del self._cursors[cursor.id]
        if retry_in is None:
            if code != "grant_ended":
                self._declined.append(cursor.subscription)
            return [Refused(cursor.subscription, code, detail)]
        self._due.append((now + retry_in, cursor))
        return [Trouble(cursor.subscription, code, detail, retry_in)]

    def _goodbye(self, frame: Frame, _: float) -> list[Message]:
        self.last_words = LastWords(
            None, f"the gateway says goodbye: {frame['reason']}", frame["retry_after_ms"] / 1000
        )
        return []
