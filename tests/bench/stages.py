"""Section ``stages``: how many events a second the relay's pure stages take on one core.

Events are counted as they are published: a batch of samples is many. The baseline is what nothing can do without:
parsing the same records and writing them again. Records are taken in small batches, as they come from Kafka.
"""

from collections.abc import Iterator, Sequence

import orjson

from signalman.event import Event, Record
from signalman.net import Net
from signalman.relay.decode import Decoder
from signalman.relay.publish import address
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Changed, Rows
from signalman.relay.suspicion import Suspicion
from tests.bench.figures import Effort, Figure
from tests.bench.mix import Mix, mix
from tests.bench.stopwatch import Stopwatch, each

_AT_ONCE = 50
_FREQUENT = 5
_BASELINE = "orjson.loads and dumps"
_TOGETHER = "decode to rows"


def stages(effort: Effort) -> Iterator[Figure]:
    """The mix, stage by stage, and the whole way of the most frequent event types."""
    simulated = mix(effort.seconds)
    count, watch = _measured(simulated, simulated.records, effort)
    yield Figure(f"mix: {_BASELINE}", count / watch.seconds(_BASELINE), "events/s", 1.0)
    for what in ("decode", "route", "redact", "rows", "encode and identity", _TOGETHER):
        yield Figure(f"mix: {what}", count / watch.seconds(what), "events/s", watch.ratio(what, _BASELINE))
    together = watch.seconds(_TOGETHER)
    yield Figure("mix: decode to rows, records", len(simulated.records) / together, "records/s")
    yield Figure("mix: decode to rows, an event", 1e6 * together / count, "us")
    for name, _ in simulated.types[:_FREQUENT]:
        count, watch = _measured(simulated, simulated.of(name), effort)
        ratio = watch.ratio(_TOGETHER, _BASELINE)
        yield Figure(f"{name}: {_TOGETHER}", count / watch.seconds(_TOGETHER), "events/s", ratio)


def _measured(simulated: Mix, records: Sequence[Record], effort: Effort) -> tuple[int, Stopwatch]:
    """How many events *records* are, and what each stage takes for them."""
    stages, watch, count = _Stages(simulated), Stopwatch(), 0
    batches = [records[start : start + _AT_ONCE] for start in range(0, len(records), _AT_ONCE)]
    # What the stages remember from event to event, a relay that has been running for a minute remembers as well.
    count = sum(stages.together(batch) for batch in batches)
    for _ in range(effort.rounds):
        with watch.round():
            for batch in batches:
                watch.of(_BASELINE, _read_and_write, batch)
                watch.of(_TOGETHER, stages.together, batch)
                stages.apart(batch, watch)
    return count, watch


def _read_and_write(records: Sequence[Record]) -> None:
    for record in records:
        orjson.dumps(orjson.loads(record.value or b""))


class _Stages:
    """The relay's stages, wired as `signalman.relay.relay` wires them."""

    def __init__(self, simulated: Mix) -> None:
        net = Net()
        suspicion = Suspicion(net)
        self._decode = Decoder(simulated.pack, simulated.names).decode
        self._route = Router(simulated.pack).route
        self._redact = Redactor(simulated.pack, net, suspicion=suspicion).redact
        self._changes = Rows(simulated.pack, net, suspicion=suspicion).changes

    def together(self, records: Sequence[Record]) -> int:
        """Each record through all stages before the next one, as in a relay; the number of events."""
        count = 0
        for record in records:
            for event in self._route(self._decode(record)).events:
                self._redact(event)
                self._changes(event)
                count += 1
        return count

    def apart(self, records: Sequence[Record], watch: Stopwatch) -> None:
        """All records through one stage before the next stage."""
        decoded = watch.of("decode", each, self._decode, records)
        routed = watch.of("route", each, self._route, decoded)
        events = [event for made in routed for event in made.events]
        redacted = watch.of("redact", each, self._redact, events)
        changed = watch.of("rows", each, self._changes, events)
        safe = [made.event for made in redacted]
        watch.of("encode and identity", _addressed, records[0], safe, changed)


def _addressed(record: Record, events: Sequence[Event], changed: Sequence[Changed]) -> None:
    for event, made in zip(events, changed, strict=True):
        address(record, event, made.rows)
