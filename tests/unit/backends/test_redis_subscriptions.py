"""The state machine of subscriptions, against a model of the server."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from signalman.backends.redis_subscriptions import Command, State, Subscription, Subscriptions
from signalman.event import Feed

FEED = Feed("streams", ("t",))
CHANNEL = b"c"


class Server:
    """Answers in order, when told to."""

    def __init__(self) -> None:
        self.subscriptions = Subscriptions()
        self.sent: list[Command] = []
        self.on = False

    def send(self, command: Command | None) -> None:
        """Put *command* on the wire."""
        if command is not None:
            self.sent.append(command)

    def answer(self) -> None:
        """Answer the oldest command."""
        command = self.sent.pop(0)
        self.on = command == "SUBSCRIBE"
        self.send(self.subscriptions.answered(command, CHANNEL))

    def connect(self) -> None:
        """Accept a connection."""
        channels, _ = self.subscriptions.connected()
        self.sent = ["SUBSCRIBE" for _ in channels]

    def lose(self) -> None:
        """Lose the connection and all that was on it."""
        self.sent.clear()
        self.on = False
        self.subscriptions.disconnected()


def keep(server: Server, *, kept: bool) -> Subscription | None:
    """Want the channel, or no longer."""
    entry = server.subscriptions.entry(FEED, CHANNEL) if kept else server.subscriptions.find(CHANNEL)
    if entry is not None:
        entry.kept = kept
        server.send(server.subscriptions.settle(entry))
    return entry


@given(st.lists(st.sampled_from(["want", "unwant", "answer", "lose", "connect"])))
def test_the_last_word_counts(steps: list[str]) -> None:
    """Whatever the order of wishes, answers and losses, at most one command is under way, and once all is answered the
    server has exactly what was wanted last.
    """

    async def run() -> None:
        server = Server()
        connected = wanted = False
        for step in steps:
            if step in {"want", "unwant"}:
                wanted = step == "want"
                keep(server, kept=wanted)
            elif step == "answer" and server.sent:
                server.answer()
            elif step == "lose" and connected:
                connected = False
                server.lose()
            elif step == "connect" and not connected:
                connected = True
                server.connect()
            assert len(server.sent) <= (1 if connected else 0)
        if not connected:
            server.connect()
        while server.sent:
            server.answer()
        assert server.on == wanted
        assert (server.subscriptions.find(CHANNEL) is not None) == wanted

    asyncio.run(run())


async def test_waiters_hear_of_the_acknowledgement() -> None:
    """A waiter is resolved by the answer to SUBSCRIBE, not by its being sent."""
    server = Server()
    server.connect()
    entry = server.subscriptions.entry(FEED, CHANNEL)
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    entry.waiters.add(waiter)
    server.send(server.subscriptions.settle(entry))
    assert not waiter.done()

    server.answer()
    assert waiter.done()


async def test_restored_means_all_answered() -> None:
    """After a reconnect everything wanted has to be acknowledged, or no longer wanted, before the bus is whole."""
    subscriptions = Subscriptions()
    for name in (b"a", b"b"):
        subscriptions.entry(Feed(name.decode(), ()), name).kept = True
    channels, restored = subscriptions.connected()
    assert sorted(channels) == [b"a", b"b"]

    subscriptions.answered("SUBSCRIBE", b"a")
    assert not restored.done()
    assert subscriptions.feeds() == [Feed("a", ())]
    subscriptions.answered("SUBSCRIBE", b"b")
    assert restored.done()


async def test_nothing_wanted_is_restored_at_once() -> None:
    """Without feeds there is nothing to wait for."""
    _, restored = Subscriptions().connected()
    assert restored.done()


async def test_strange_answers_change_nothing() -> None:
    """An answer that nobody waits for, of an unknown channel or of the wrong kind, is ignored."""
    server = Server()
    server.connect()
    assert server.subscriptions.answered("SUBSCRIBE", b"unknown") is None
    entry = keep(server, kept=True)
    assert entry is not None
    assert server.subscriptions.answered("UNSUBSCRIBE", CHANNEL) is None
    assert entry.state is State.SUBSCRIBING
