"""One socket's conversation, without I/O and without a clock: frames go in, messages for the consumer come out.

    hello ──▶ welcome ──▶ for each subscription: subscribed ──▶ snapshot… ──▶ events… ──▶ caught_up ──▶ events…

A conversation ends with its socket. The next socket gets a new one, so nothing that an older socket had said can reach
the consumer after a newer one is there.
"""

from collections.abc import Callable, Mapping, Sequence
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
    Events,
    Fresh,
    Message,
    Refused,
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
    """

    def __init__(self, subscriptions: Sequence[Subscription] | Choice) -> None:
        self._wanted = subscriptions
        self._ids = (str(number) for number in count(1))
        self._cursors: dict[str, Cursor] = {}
        self._views: dict[str, Cursor] = {}
        self._outgoing: list[bytes] = []
        self._due: list[tuple[float, Subscription]] = []
        self.patience = PATIENCE
        """Seconds of silence after which the connection is dead."""
        self.last_words = LastWords()
        """For `ending.after_close`."""
        self._handlers: Mapping[str, Callable[[Frame, float], list[Message]]] = {
            "hello": self._hello,
            "welcome": self._welcome,
            "subscribed": self._subscribed,
            "snapshot": self._snapshot,
            "events": self._events,
            "caught_up": self._caught_up,
            "reset": self._reset,
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
        due = [subscription for at, subscription in self._due if at <= now]
        self._due = [(at, subscription) for at, subscription in self._due if at > now]
        for subscription in due:
            self._subscribe(subscription)

    def _hello(self, frame: Frame, _: float) -> list[Message]:
        if frame["protocol"] != SUBPROTOCOL:
            raise ConnectionEnded("subprotocol", f"The server does not speak {SUBPROTOCOL}.")
        self.patience = HEARTBEATS * frame["heartbeat_ms"] / 1000
        return []

    def _welcome(self, frame: Frame, _: float) -> list[Message]:
        channels = tuple(frame["channels"])
        wanted = self._wanted(channels) if callable(self._wanted) else self._wanted
        for subscription in wanted:
            self._subscribe(subscription)
        return [Connected(frame["principal"], channels, frame["expires_at"])]

    def _subscribe(self, subscription: Subscription) -> None:
        cursor = Cursor(subscription, next(self._ids))
        self._cursors[cursor.id] = cursor
        request: dict[str, Json] = {"type": "subscribe", "id": cursor.id, "channel": subscription.channel}
        if subscription.scope is not None:
            request["scope"] = list(subscription.scope)
        if subscription.filter:
            request["filter"] = {name: list(values) for name, values in subscription.filter.items()}
        if not subscription.snapshot:
            request["snapshot"] = False
        self._outgoing.append(orjson.dumps(request))

    def _subscribed(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._cursors.get(frame["id"])
        if cursor is None:
            return []  # of an attempt that we gave up
        self._leave_view(cursor)
        cursor.begin(frame["view"], frame["epoch"], frame["seq"])
        self._views[frame["view"]] = cursor
        tables = tuple(frame["tables"])
        return [Subscribed(cursor.subscription, tuple(frame["scope"]), cursor.epoch, cursor.seq, tables)]

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
            )
        ]

    def _events(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        if cursor is None:
            return []
        if not cursor.advance(frame["prev"], frame["seq"], frame.get("epoch")):
            return self._hole(cursor, frame)
        return [Events(cursor.subscription, frame["prev"], frame["seq"], tuple(frame["events"]))]

    def _hole(self, cursor: Cursor, frame: Frame) -> list[Message]:
        log.warning("hole", channel=cursor.subscription.channel, at=cursor.seq, prev=frame["prev"])
        self._leave_view(cursor)
        del self._cursors[cursor.id]
        self._outgoing.append(orjson.dumps({"type": "unsubscribe", "id": cursor.id}))
        self._subscribe(cursor.subscription)
        return [Reset(cursor.subscription, "hole")]

    def _caught_up(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        return [] if cursor is None else [CaughtUp(cursor.subscription, frame["seq"])]

    def _reset(self, frame: Frame, _: float) -> list[Message]:
        cursor = self._views.get(frame["view"])
        if cursor is None:
            return []
        # Nothing is taken for it until the server has said `subscribed` again.
        self._leave_view(cursor)
        return [Reset(cursor.subscription, frame["reason"])]

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
            return [Trouble(cursor.subscription, code, detail, retry_in)]
        return self._not_begun(cursor, code, detail, retry_in, now)

    def _not_begun(self, cursor: Cursor, code: str, detail: str, retry_in: float | None, now: float) -> list[Message]:
        del self._cursors[cursor.id]
        if retry_in is None:
            return [Refused(cursor.subscription, code, detail)]
        self._due.append((now + retry_in, cursor.subscription))
        return [Trouble(cursor.subscription, code, detail, retry_in)]

    def _goodbye(self, frame: Frame, _: float) -> list[Message]:
        self.last_words = LastWords(
            None, f"the gateway says goodbye: {frame['reason']}", frame["retry_after_ms"] / 1000
        )
        return []
