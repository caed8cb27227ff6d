"""Section ``net``: what it costs that no address gets out, and how often the net has to be cast at all.

The baseline is writing the mix's events as JSON, which every one of them needs.
"""

from collections.abc import Iterator

import orjson

from signalman.addresses import may_hold_address
from signalman.event import Event, Json
from signalman.net import Net
from signalman.relay.decode import Decoder
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.suspicion import Suspicion
from tests.bench import net
from tests.bench.figures import Effort, Figure
from tests.bench.mix import Mix, mix
from tests.bench.stopwatch import Stopwatch, each

_BASELINE = "orjson.dumps"
_AT_ONCE = 50


class _CountingNet(Net):
    """Counts the events over which it was cast."""

    def __init__(self) -> None:
        self.cast = 0

    def clean(self, value: Json, exposed: frozenset[str] = frozenset()) -> tuple[Json, int]:
        """As the net does."""
        self.cast += isinstance(value, dict)
        return super().clean(value, exposed)


def cleaning(effort: Effort) -> Iterator[Figure]:
    """The first looks and the net over the data of the mix's events, and single steps."""
    simulated = mix(effort.seconds)
    counting = _CountingNet()
    events = _redacted(simulated, counting)
    share = 100 * counting.cast / len(events)
    watch = _measured([event.data for event in events], effort)
    for what in (_BASELINE, "first look, by what was clean before", "first look, at all bytes", "net over everything"):
        microseconds = 1e6 * watch.seconds(what) / len(events)
        yield Figure(f"mix: {what}", microseconds, "us/event", watch.ratio(what, _BASELINE))
    yield Figure("mix: events over which the net is cast", share, "%")
    for what, number, unit in net.figures():
        yield Figure(what, number, unit)


def _redacted(simulated: Mix, counting: _CountingNet) -> list[Event]:
    decoder, router = Decoder(simulated.pack, simulated.names), Router(simulated.pack)
    redactor = Redactor(simulated.pack, counting)
    routed = (router.route(decoder.decode(record)) for record in simulated.records)
    return [redactor.redact(event).event for made in routed for event in made.events]


def _measured(data: list[dict[str, Json]], effort: Effort) -> Stopwatch:
    watch, caster = Stopwatch(), Net()
    doubt = Suspicion(caster)
    batches = [data[start : start + _AT_ONCE] for start in range(0, len(data), _AT_ONCE)]
    for _ in range(effort.rounds):
        with watch.round():
            for batch in batches:
                written = watch.of(_BASELINE, each, orjson.dumps, batch)
                watch.of("first look, by what was clean before", each, lambda data: doubt.of(data.values()), batch)
                watch.of("first look, at all bytes", each, may_hold_address, written)
                watch.of("net over everything", each, caster.clean, batch)
    return watch
