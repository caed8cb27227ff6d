"""What the fuzzer calls with every input, and what the inputs to begin with are."""

import random
from collections.abc import Iterator
from functools import cache

from signalman.event import Record
from signalman.simulate.world import World
from tests.channels.frameworks_samples import EVENT_TYPES, sample
from tests.fuzz.choices import Bytes
from tests.fuzz.laws import Stages
from tests.fuzz.packs import FRAMEWORKS, GENEROUS, any_pack
from tests.fuzz.records import record

SAMPLES = {name: sample(name) for name in EVENT_TYPES}
"""A record of every event type of FrameWorks, with every field filled."""

_START = 1_787_220_672.0
_TOPICS = ("analytics", "service")


def one_input(data: bytes) -> None:
    """Let all laws be checked on what *data* stands for, by its first byte: a record of FrameWorks as it is, one put
    together for FrameWorks or for a pack that keeps much, or one for a pack that is itself put together.

    Raises:
        Leak: A law does not hold.
        Exception: Whatever a stage raised that it must not.
    """
    if not data:
        return
    kind, rest = data[0] % 5, data[1:]
    if kind < 2:
        _frameworks().passed(Record(_TOPICS[kind], 0, 0, 0, None, rest))
        return
    choices = Bytes(rest)
    stages = Stages(any_pack(choices)) if kind == 4 else (_frameworks, _generous)[kind - 2]()
    stages.passed(record(choices, stages.catalog, SAMPLES if kind == 2 else {}))


def seeds() -> Iterator[bytes]:
    """Inputs to begin with: records of every event type as the platform writes them, and noise to put others together
    of.
    """
    for topic, value in _records():
        yield bytes([_TOPICS.index(topic)]) + value
    dice = random.Random(1)
    for kind in (2, 3, 4):
        yield from (bytes([kind]) + dice.randbytes(size) for size in (32, 128, 512, 2048) for _ in range(4))


def _records() -> Iterator[tuple[str, bytes]]:
    world = World(start=_START, viewers_per_stream=2, streams_per_tenant=2)
    latest = {
        (each.topic, each.body["event_type"]): each.value for each in (*world.history(), *world.step(_START + 60))
    }
    for (topic, _), value in sorted(latest.items()):
        yield topic, value
    topics = {name: topic for topic, name in FRAMEWORKS.routes}
    for name, value in SAMPLES.items():
        yield topics[name], value


@cache
def _frameworks() -> Stages:
    return Stages(FRAMEWORKS)


@cache
def _generous() -> Stages:
    return Stages(GENEROUS)
