"""The bus and the gateways of a simulated world, made of the product's own pure parts.

What Redis and asyncio do in between is played here: late, twice, or not at all.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from signalman.backends.feed_limits import FeedLimits
from signalman.backends.memory_feed import MemoryFeed
from signalman.event import Feed, History, Position, Publication
from signalman.gateway.feed import Ask, FollowedFeed
from signalman.gateway.lag import Windows
from signalman.gateway.late import LATE_MS
from signalman.gateway.measure import Measure
from signalman.gateway.view import View
from signalman.metrics import Metrics
from tests.simulation.platform import BEGIN_MS, Happening

if TYPE_CHECKING:
    from tests.simulation.seat import Joining
    from tests.simulation.world import World

FEED = Feed("streams", ("t1",))
METRICS = Metrics()

FLOOR_MS = 5_500
"""More than the largest lag, as an operator would configure it."""


class Bus:
    """The feed, and who hears it when.

    Args:
        world: Whose.
        lost: The share of messages that a connection loses without breaking. Not the last one: nothing would tell.
    """

    def __init__(self, world: "World", *, lost: float) -> None:
        self._world = world
        self._lost = lost
        limits = FeedLimits(seconds=world.limits.seconds, events=world.limits.events)
        # It was there for a long time before anything happened.
        self.feed = MemoryFeed(FEED, limits, "e1", 0, 0)
        self.before = {"e1": 0}
        """Epoch → how many events were published before it."""

    @property
    def position(self) -> Position | None:
        """Where the feed stands; None where nothing was ever published."""
        return self.feed.position if self.feed.seq or len(self.before) > 1 else None

    def history(self, since_ms: int) -> History:
        """See `signalman.ports.Bus.history`."""
        past = self.feed.history(since_ms)
        return History(self.position, past.publications, past.since_ms)

    def plan(self) -> None:
        """Publish what happens when it does, in batches as a relay reads them."""
        random, batch = self._world.random, list[Happening]()
        for happening in self._world.happenings:
            if batch and (happening.ms - batch[0].ms > 100 or random.random() < 0.5):
                self._later(batch)
                batch = []
            batch.append(happening)
        self._later(batch)

    def retire(self) -> None:
        """Begin a new epoch."""
        before = self.before[self.feed.epoch] + self.feed.seq
        epoch = f"e{len(self.before) + 1}"
        self.before[epoch] = before
        self.feed.retire(epoch, self._world.time.ms)
        for gateway in self._world.gateways:
            gateway.hear(partial(gateway.retired, self.feed.position))

    def _later(self, batch: Sequence[Happening]) -> None:
        self._world.time.after(batch[-1].ms - BEGIN_MS, partial(self._publish, [each.data for each in batch]))

    def _publish(self, events: Sequence[bytes]) -> None:
        random = self._world.random
        publication = self.feed.put(events, self._world.time.ms)
        for gateway in self._world.gateways:
            if random.random() >= self._lost or self.feed.seq + self.before[self.feed.epoch] == len(
                self._world.happenings
            ):
                gateway.hear(partial(gateway.publication, publication))
            if random.random() < 0.05:
                gateway.hear(partial(gateway.publication, publication))


class Gateway:
    """A process that follows the feed."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.followed = FollowedFeed(
            FEED, world.limits, METRICS, version="1", max_frames=world.max_frames, max_bytes=1 << 20
        )
        windows = Windows(floor_ms=FLOOR_MS, most_ms=round(world.limits.seconds * 1000) - LATE_MS)
        self.measure = Measure(windows, METRICS, lambda: world.time.ms / 1000)
        self.joinings: dict[View, Joining] = {}
        self.gone = False
        self._connected = True
        self._connection = 0
        self._heard_ms = world.time.ms
        self._ask: Ask | None = None
        world.time.after(world.random.randrange(200), self._repair)
        world.time.after(5_000, self._pass_time)

    @property
    def is_open(self) -> bool:
        """Whether clients can subscribe: the feed's past is here."""
        return not self.followed.filling

    def end(self) -> None:
        """The process is gone."""
        self.gone = True
        self._connection += 1

    def hear(self, news: Callable[[], None]) -> None:
        """The bus says something: in order, and only as long as the connection holds."""
        if self._connected:
            time = self._world.time
            self._heard_ms = max(self._heard_ms, time.ms + self._world.random.choice((1, 5, 80)))
            time.after(self._heard_ms - time.ms, self._while_connected(news))

    def publication(self, publication: Publication) -> None:
        """Part of what a `BusListener` hears."""
        self.followed.publication(publication, self._world.time.ms)
        self._repair()

    def retired(self, position: Position) -> None:
        """Part of what a `BusListener` hears."""
        self.followed.retired(position, "skipped", self._world.time.ms)

    def cut(self, ms: int) -> None:
        """The connection to the bus is gone for so long."""
        if self._connected:
            self._connected = False
            self._connection += 1
            self._ask = None
            self.followed.lost()
            self._world.time.after(ms, self._back)

    def _back(self) -> None:
        if self.gone:
            return
        self._connected = True
        self._heard_ms = self._world.time.ms
        recovered = partial(self._recovered, self._world.bus.position)
        self._world.time.after(self._world.random.choice((0, 2, 90)), self._while_connected(recovered))

    def _recovered(self, position: Position | None) -> None:
        self.followed.recovered(position)
        self._repair()

    def _repair(self) -> None:
        """Ask the bus about what is missing. The question and the answer take their time."""
        if self.followed.filling and self._ask is None and self._connected and not self.gone:
            ask = self._ask = self.followed.ask()
            self._world.time.after(
                self._world.random.choice((1, 30)), self._while_connected(partial(self._answer, ask))
            )

    def _answer(self, ask: Ask) -> None:
        bus, time = self._world.bus, self._world.time
        if ask.after is None:
            take = partial(self._restarted, ask, bus.history(time.ms - round(self._world.limits.seconds * 1000)))
        else:
            take = partial(self._repaired, ask, bus.feed.missed(ask.after))
        time.after(self._world.random.choice((1, 30)), self._while_connected(take))

    def _restarted(self, ask: Ask, history: History) -> None:
        self._ask = None
        self.followed.restarted(ask, history, self._world.time.ms)
        self._repair()

    def _repaired(self, ask: Ask, missed: Sequence[Publication] | None) -> None:
        self._ask = None
        self.followed.repaired(ask, missed, self._world.time.ms)
        self._repair()

    def _while_connected(self, work: Callable[[], None]) -> Callable[[], None]:
        connection = self._connection

        def run() -> None:
            if connection == self._connection:
                work()

        return run

    def _pass_time(self) -> None:
        if not self.gone:
            self.followed.pass_time(self._world.time.ms)
            self._world.time.after(5_000, self._pass_time)
