"""The state machine of subscriptions, against a model of two servers between which channels move."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalman.backends.redis_subscriptions import Command, State, Subscription, Subscriptions

CHANNEL = b"c"


class Server:
    """Answers in order, when told to, and is connected from the beginning."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[Command] = []
        self.on = False

    def request(self, command: Command, entry: Subscription) -> None:
        """See `Link`."""
        assert entry.channel == CHANNEL
        self.sent.append(command)


class World:
    """One channel, two servers of which one has it, and the subscriptions that are tested."""

    def __init__(self) -> None:
        self.servers = [Server(), Server()]
        self.owner = self.servers[0]
        self.subscriptions = Subscriptions(lambda _: self.owner if self.owner.connected else None)
        self.wanted = False

    @property
    def on(self) -> bool:
        """Whether the channel counts as acknowledged."""
        entry = self.subscriptions.find(CHANNEL)
        return entry is not None and entry.on

    def take(self, step: str) -> None:
        """Do one of STEPS."""
        match step:
            case "want" | "unwant":
                self.want(wanted=step == "want")
            case "answer 0":
                self.answer(self.servers[0])
            case "answer 1":
                self.answer(self.servers[1])
            case _:
                getattr(self, step)()

    def want(self, *, wanted: bool) -> None:
        """Want the channel, or no longer."""
        self.wanted = wanted
        entry = self.subscriptions.entry(CHANNEL) if wanted else self.subscriptions.find(CHANNEL)
        if entry is not None:
            entry.kept = wanted
            self.subscriptions.settle(entry)

    def answer(self, server: Server) -> None:
        """Answer the oldest command, if there is one."""
        if server.sent:
            command = server.sent.pop(0)
            server.on = command == "SUBSCRIBE"
            self.subscriptions.answered(server, command, CHANNEL)

    def lose(self) -> None:
        """Lose the owner's connection and all that was on it."""
        self.owner.connected = self.owner.on = False
        self.owner.sent.clear()
        self.subscriptions.displaced(self.owner)

    def connect(self) -> None:
        """There is a connection to the owner again."""
        self.owner.connected = True
        self.subscriptions.settle_all()

    def move(self) -> None:
        """The other server has the channel, which was learnt from elsewhere."""
        self.owner = self.servers[self.owner is self.servers[0]]
        self.subscriptions.replaced(lambda _, link: link is self.owner)

    def push(self) -> None:
        """The owner takes the channel off unasked, and would take it again."""
        if self.owner.on and not self.owner.sent:
            self.owner.on = False
            if not self.subscriptions.answered(self.owner, "UNSUBSCRIBE", CHANNEL):
                self.subscriptions.displaced(self.owner, self.subscriptions.entry(CHANNEL).slot)

    def come_to_rest(self) -> None:
        """Connect, and answer everything."""
        self.connect()
        while any(server.sent for server in self.servers):
            for server in self.servers:
                self.answer(server)


STEPS = st.sampled_from(["want", "unwant", "answer 0", "answer 1", "lose", "connect", "move", "push"])


@given(st.lists(STEPS))
@example(["want", "answer 0", "unwant", "want", "answer 0", "answer 0"])
@example(["want", "answer 0", "move", "move", "answer 0", "answer 0"])
def test_the_last_word_counts(steps: list[str]) -> None:
    """Whatever the order of wishes, answers, losses and moves: once all is answered, the server that has the channel
    has exactly what was wanted last; and whatever was on, came off unasked and is still wanted counts as interrupted.
    """
    world = World()
    interrupted = False
    for step in steps:
        was_on = world.on
        world.take(step)
        assert world.on <= world.wanted
        interrupted = world.wanted and (interrupted or (was_on and not world.on))
    world.come_to_rest()
    assert world.on == world.owner.on == world.wanted
    assert (world.subscriptions.find(CHANNEL) is not None) == world.wanted
    assert not world.subscriptions.unheard
    assert world.subscriptions.take_interrupted() == ([CHANNEL] if interrupted else [])


@given(st.lists(st.sampled_from(["want", "unwant", "answer 0", "lose", "connect"])))
def test_one_command_is_under_way(steps: list[str]) -> None:
    """A channel has at most one command under way, and none while there is no connection."""
    world = World()
    server = world.owner
    for step in steps:
        world.take(step)
        assert len(server.sent) <= (1 if server.connected else 0)


async def test_waiters_hear_of_the_acknowledgement() -> None:
    """A waiter is resolved by the answer to SUBSCRIBE, not by its being sent."""
    world = World()
    entry = world.subscriptions.entry(CHANNEL)
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    entry.waiters.add(waiter)
    world.subscriptions.settle(entry)
    done = [waiter.done()]
    world.answer(world.owner)
    assert [*done, waiter.done()] == [False, True]


def test_what_is_wanted_while_nothing_is_connected_is_unheard() -> None:
    """It is missing until it is acknowledged, but was never interrupted."""
    world = World()
    world.lose()
    world.want(wanted=True)
    unheard = [world.subscriptions.unheard]
    world.connect()
    unheard.append(world.subscriptions.unheard)
    world.answer(world.owner)
    assert [*unheard, world.subscriptions.unheard] == [True, True, False]
    assert not world.subscriptions.interrupted


def test_what_was_not_told_is_told_later() -> None:
    """Channels whose telling failed count as interrupted again, unless nobody wants them any more."""
    world = World()
    world.want(wanted=True)
    world.answer(world.owner)
    world.subscriptions.suspect()
    for _ in range(2):
        assert world.subscriptions.take_interrupted() == [CHANNEL]
        assert world.subscriptions.take_interrupted() == []
        world.subscriptions.not_told([CHANNEL])
    world.want(wanted=False)
    world.subscriptions.not_told([CHANNEL])
    assert world.subscriptions.take_interrupted() == []


@pytest.mark.parametrize("interruption", [("lose", "connect"), ("push",), ("move",)])
def test_an_interrupted_channel_is_not_told_before_it_is_on(interruption: tuple[str, ...]) -> None:
    """Positions are read after the acknowledgement: what is told sooner would leave a gap behind."""
    world = World()
    world.want(wanted=True)
    world.answer(world.owner)
    for step in interruption:
        world.take(step)
    assert world.subscriptions.unheard
    assert world.subscriptions.take_interrupted() == []
    world.answer(world.owner)
    assert world.subscriptions.take_interrupted() == [CHANNEL]


def test_strange_answers_change_nothing() -> None:
    """An answer that nobody waits for, of an unknown channel, of the wrong kind or from elsewhere, is ignored."""
    world = World()
    assert world.subscriptions.answered(world.owner, "SUBSCRIBE", b"unknown")
    world.want(wanted=True)
    entry = world.subscriptions.entry(CHANNEL)
    assert world.subscriptions.answered(world.owner, "UNSUBSCRIBE", CHANNEL)
    assert world.subscriptions.answered(world.servers[1], "SUBSCRIBE", CHANNEL)
    assert entry.state is State.SUBSCRIBING
