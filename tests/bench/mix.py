"""The records to measure with: those of the pretend platform as it is by default, in its own cadence."""

from collections import Counter
from dataclasses import dataclass
from functools import cache

from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.config import Config
from signalman.event import Record
from signalman.relay.decode import Decoder
from signalman.relay.route import Router
from signalman.simulate import World

_START = 1_787_220_672.0


@dataclass(frozen=True, slots=True)
class Mix:
    """Some minutes of records, and what becomes of them."""

    pack: Catalog
    names: dict[str, str]
    """Kafka topic → logical topic."""
    records: tuple[Record, ...]
    types: tuple[tuple[str, int], ...]
    """Published event types with their counts, the most frequent first."""

    def of(self, event_type: str) -> tuple[Record, ...]:
        """The records that become events of this type; each record's events are all of one type."""
        decoder, router = Decoder(self.pack, self.names), Router(self.pack)
        routed = ((record, router.route(decoder.decode(record)).events) for record in self.records)
        return tuple(record for record, events in routed if events and events[0].type == event_type)


@cache
def mix(seconds: float) -> Mix:
    """*seconds* of the default world's records, ignored and unknown ones among them."""
    pack, section = load(default_folder("frameworks")), Config().simulate
    world = World(
        start=_START,
        seed=section.seed,
        tenants=section.tenants,
        streams_per_tenant=section.streams,
        viewers_per_stream=section.viewers,
    )
    kafka = {name: topic.default for name, topic in pack.topics.items()}
    records = tuple(
        Record(kafka[each.topic], 0, offset, round(each.time * 1000), each.key, each.value, each.headers)
        for offset, each in enumerate(world.step(_START + seconds))
    )
    names = {topic: name for name, topic in kafka.items()}
    decoder, router = Decoder(pack, names), Router(pack)
    types = Counter(event.type for record in records for event in router.route(decoder.decode(record)).events)
    return Mix(pack, names, records, tuple(types.most_common()))
