"""One history in virtual time: platform, bus, store, gateways and clients, with everything that may go wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from signalman.gateway.log import LogLimits
from signalman.gateway.requests import Filter
from tests.simulation.platform import BEGIN_MS, TABLES, Platform, Store
from tests.simulation.seat import Seat
from tests.simulation.servers import Bus, Gateway

FILTERS = (
    Filter(),
    Filter(fields=(("stream_id", frozenset({"s0", "s1"})),)),
    Filter(types=frozenset({"viewer_connect", "viewer_disconnect"})),
)
"""What each client asks for: everything; two streams; one table's events."""

EVENTS_MS = 24_000
"""How long things happen."""

LAGS_MS = (50, 300, 1_500, 5_000)
"""How far a table may be behind, at most; the gateways' floor is more than the largest."""


@dataclass(frozen=True, slots=True)
class Order:
    """In which order rows and events are brought together."""

    name: str
    window: Callable[[int, int], int] = lambda own, _: own
    """(what the product would replay, largest lag of this world) → what is replayed, milliseconds."""
    rows_first: bool = False
    """Whether the rows are read before it is noted where the events go on."""
    foreign_versions: bool = False
    """Whether rows carry the store's time where events carry their own."""

    minds_late: bool = False
    """Whether it begins before deletions that make void what comes late."""

    @property
    def is_exact(self) -> bool:
        """Whether it is the product's own."""
        return self == EXACT


EXACT = Order("Signalman: rows, then what was published since before they were read", minds_late=True)

NAIVE = (
    Order("snapshot, then subscribe", window=lambda *_: 0, rows_first=True),
    Order("subscribe, then snapshot", window=lambda *_: 0),
    Order("replay of half the lag", window=lambda _, lag: lag // 2),
    Order("versions by another clock", foreign_versions=True, minds_late=True),
)


@dataclass(slots=True)
class Score:
    """What became of joins and resumes."""

    joins: int = 0
    """Those whose tables were compared. One that says it is partial promises nothing, and is not counted."""
    right: int = 0
    partial: int = 0
    resumes: int = 0
    checks: int = 0
    """How often a client's tables were compared, when it caught up and later."""
    resets: dict[str, int] = field(default_factory=dict)
    """By reason."""


class Time:
    """The moment, and what is to be done when."""

    def __init__(self) -> None:
        self.ms = BEGIN_MS
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()

    def after(self, ms: int, work: Callable[[], None]) -> None:
        """Do *work* so much later; what is due at the same moment is done in the order in which it was asked for."""
        heappush(self._agenda, (self.ms + ms, next(self._numbers), work))

    def run(self, until_ms: int) -> None:
        """Let time pass."""
        while self._agenda and self._agenda[0][0] <= until_ms:
            self.ms, _, work = heappop(self._agenda)
            work()
        self.ms = until_ms


class World:
    """One history. Everything follows from *seed*."""

    def __init__(self, seed: int, order: Order, score: Score) -> None:
        self.random = random = Random(seed)
        self.order = order
        self.score = score
        self.time = Time()
        self.lags = {name: random.choice(LAGS_MS) for name in TABLES}
        self.happenings = Platform(random, BEGIN_MS + EVENTS_MS, self.lags).happenings()
        self.store = Store(self.happenings)
        self.query_ms = random.choice((10, 300, 1_500))
        forgetful = random.random() < 0.1
        self.limits = LogLimits(18.0, random.randint(20, 50) if forgetful else 10_000, 1 << 20)
        self.max_frames = random.choice((6, 30, 200))
        self.bus = Bus(self, lost=random.choice((0.0, 0.0, 0.02)))
        self.gateways = [Gateway(self), Gateway(self)]
        self.seats = [Seat(self, filter_) for filter_ in FILTERS]

    def run(self) -> None:
        """From the first event until everything has come to rest; then everybody must have everything."""
        self._plan()
        self.time.run(BEGIN_MS + EVENTS_MS + 10_000)
        for seat in self.seats:
            seat.settle()
        self.time.run(BEGIN_MS + EVENTS_MS + 20_000)
        for seat in self.seats:
            seat.finish()

    def _plan(self) -> None:
        time, random = self.time, self.random
        self.bus.plan()
        for _ in range(random.randrange(3)):
            time.after(random.randrange(EVENTS_MS), self._cut)
        for _ in range(random.randrange(3)):
            time.after(random.randrange(EVENTS_MS), self._restart)
        if random.random() < 0.1:
            time.after(random.randrange(EVENTS_MS), self.bus.retire)
        for seat in self.seats:
            seat.plan(random.randrange(EVENTS_MS), EVENTS_MS)

    def _cut(self) -> None:
        self.random.choice(self.gateways).cut(self.random.choice((5, 200, 1_000, 6_000)))

    def _restart(self) -> None:
        """A gateway goes with everything it had, and another one comes in its place."""
        place = self.random.randrange(len(self.gateways))
        gone, self.gateways[place] = self.gateways[place], Gateway(self)
        gone.end()
        for seat in self.seats:
            if seat.gateway is gone:
                seat.leave()
