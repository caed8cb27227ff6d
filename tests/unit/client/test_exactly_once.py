"""Whatever breaks, and wherever: what a client delivers are the events of a server with a history, once each."""

from collections.abc import AsyncIterator
from operator import itemgetter

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from signalman.client.conversation import Conversation
from signalman.client.follow import Follower
from signalman.client.messages import CaughtUp, Events, Message, Reset, Subscribed, Subscription
from tests.unit.client.history import History

STREAMS = Subscription("streams")

Step = tuple[str, int]

STEP = st.one_of(
    st.tuples(st.sampled_from(["publish", "hide"]), st.integers(1, 3)),
    st.tuples(st.just("deliver"), st.sampled_from([1, 2, 3, 4, 5, 99])),
    st.tuples(st.sampled_from(["bookmark", "cut", "lose"]), st.just(0)),
)
"""What may happen in a test; what is hidden does not pass the filter, a lost frame is a hole."""

ANY_STEP = st.one_of(STEP, st.just(("retire", 0)))
"""The same, and the server may begin a new epoch."""


class Run:
    """A client and its server, and what the client's consumer has heard."""

    def __init__(self, *, kept: int = 1000, replayed: int = 1000) -> None:
        self.server = History(kept=kept, replayed=replayed)
        self.talk = Conversation([STREAMS])
        self.heard: list[Message] = []
        self.server.connect()

    def __call__(self, steps: list[Step]) -> None:
        """Take *steps*, then let everything arrive."""
        for what, number in steps:
            match what:
                case "publish" | "hide":
                    self.server.publish(number, shown=what == "publish")
                case "deliver":
                    self.deliver(number)
                case "bookmark":
                    self.server.bookmark()
                case "retire":
                    self.server.retire()
                case "cut":
                    self.server.connect()
                    self.talk = Conversation([STREAMS], self.talk.cursors())
                case "lose":
                    self.lose()
        while self.server.wire:
            self.deliver(1)

    def deliver(self, frames: int) -> None:
        """Let so many frames arrive, and the answers to them."""
        for _ in range(frames):
            if not self.server.wire:
                return
            self.heard += self.talk.receive(orjson.dumps(self.server.wire.popleft()), 0.0)
            for answer in self.talk.outgoing():
                self.server.hear(orjson.loads(answer))

    def lose(self) -> None:
        """Lose the next frame on the way, if the one after it can show that."""
        wire = self.server.wire
        if [frame["type"] for frame in (*wire,)[:2]] == ["events", "events"]:
            wire.popleft()

    @property
    def ids(self) -> list[str]:
        """Of all events that were delivered as new."""
        return [event["id"] for message in self.heard if isinstance(message, Events) for event in message.news]


@given(st.lists(STEP, max_size=60))
@example([("publish", 1), ("deliver", 99), ("publish", 1), ("cut", 0)])
@example([("publish", 1), ("publish", 2), ("deliver", 5), ("cut", 0)])
@example([("publish", 1), ("deliver", 99), ("publish", 1), ("publish", 1), ("lose", 0)])
def test_each_event_is_delivered_once_and_in_order(steps: list[Step]) -> None:
    """With a history that reaches back far enough: cut anywhere, with frames lost, nothing is missing or twice."""
    run = Run()
    run(steps)
    assert run.ids == run.server.shown


@given(st.lists(ANY_STEP, max_size=60), st.integers(0, 4), st.integers(0, 4))
@example([("publish", 1), ("deliver", 99), ("cut", 0), ("publish", 1), ("publish", 1)], 1, 1)
@example([("publish", 1), ("deliver", 99), ("retire", 0), ("publish", 1)], 4, 4)
def test_what_cannot_be_delivered_any_more_is_told(steps: list[Step], kept: int, replayed: int) -> None:
    """With a short history and epochs that end: nothing is new twice, nothing is called repeated that was not there,
    and wherever something is missing the consumer was told that the subscription begins anew.
    """
    run = Run(kept=kept, replayed=replayed)
    run(steps)
    next_, had = None, set[str]()
    for message in run.heard:
        match message:
            case Subscribed(recovered=False):
                next_ = None
            case Events():
                ids = [event["id"] for event in message.events]
                here = run.server.shown.index(ids[0])
                assert next_ in {None, here}
                assert ids == run.server.shown[here : here + len(ids)]
                assert message.repeated == had & {*ids}
                next_ = here + len(ids)
                had.update(ids)
            case _:
                pass


@given(st.lists(STEP, max_size=60), st.integers(0, 4))
def test_a_beginning_anew_has_its_reason(steps: list[Step], kept: int) -> None:
    """Once it has caught up, somewhere, a subscription does not begin anew without a reset before that."""
    run = Run(kept=kept)
    run([("publish", 1), ("deliver", 5), *steps])
    caught_up = False
    for message in run.heard:
        match message:
            case CaughtUp():
                caught_up = True
            case Reset():
                caught_up = False
            case Subscribed():
                assert message.recovered is caught_up
            case _:
                pass


@given(st.lists(ANY_STEP, max_size=60), st.integers(0, 4), st.integers(0, 4))
@example([("publish", 1), ("deliver", 99), ("cut", 0), ("publish", 1)], 4, 4)
@example([("publish", 1), ("deliver", 3), ("cut", 0), ("publish", 1)], 4, 4)
@example([("publish", 1), ("deliver", 99), ("retire", 0), ("publish", 1), ("deliver", 2), ("cut", 0)], 4, 4)
async def test_the_tables_are_the_servers(steps: list[Step], kept: int, replayed: int) -> None:
    """However the subscription came to where it is: by missed events, by a new beginning, or by both in turn."""
    run = Run(kept=kept, replayed=replayed)
    run(steps)

    async def heard() -> AsyncIterator[Message]:
        for message in run.heard:
            yield message

    follower = Follower(heard())
    _ = [message async for message in follower]
    rows = sorted(follower.rows(STREAMS, "streams"), key=itemgetter("stream_id"))
    assert rows == sorted(run.server.rows, key=itemgetter("stream_id"))
    assert not follower.is_stale(STREAMS)
