"""What all lives of a world share: the time, the dice, the ledger, and the topics they write to."""

from collections.abc import Mapping
from random import Random
from typing import Any

from signalman.simulate.ledger import Ledger
from signalman.simulate.timeline import Life, Timeline
from signalman.simulate.wire import Emitted, Origin, Owner, Producer


class Scene:
    """Passed to every life."""

    def __init__(self, seed: int, begin: float, speed: float) -> None:
        self.dice = Random(seed)
        self.ledger = Ledger()
        self.timeline = Timeline(begin, speed)
        self._producer = Producer(self.dice, self.ledger)
        self._emitted: list[Emitted] = []

    @property
    def now(self) -> float:
        """Unix seconds, simulated."""
        return self.timeline.now

    @property
    def second(self) -> int:
        """The whole second of `now`."""
        return int(self.timeline.now)

    def start(self, life: Life, after: float = 0.0) -> None:
        """Let *life* begin when *after* seconds of the world have passed."""
        self.timeline.start(life, after)

    def trigger(self, payload: str, values: Mapping[str, Any], owner: Owner, origin: Origin) -> None:
        """Emit an analytics event that is a trigger of a node."""
        self._emitted.append(self._producer.trigger(self.now, payload, values, owner, origin))

    def orchestrator(
        self, event_type: str, message: str, values: Mapping[str, Any], gateway: Mapping[str, str]
    ) -> None:
        """Emit an analytics event of a transcoding gateway."""
        self._emitted.append(self._producer.orchestrator(self.now, event_type, message, values, gateway))

    def service(self, event_type: str, **what: Any) -> None:
        """Emit a control-plane event; arguments as for `Producer.service`."""
        self._emitted.append(self._producer.service(self.now, event_type, **what))

    def take(self) -> list[Emitted]:
        """Everything emitted since the last call, in the order of time."""
        taken, self._emitted = self._emitted, []
        return taken
