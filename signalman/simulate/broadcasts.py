"""How streams come and go: live, healthy and not, ended in order or just gone."""

from signalman.simulate import stream_events as report
from signalman.simulate.audience import audience, leave, sample
from signalman.simulate.people import Person
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Broadcast, Stream
from signalman.simulate.timeline import Life

UPDATE_EVERY = 10.0
_VANISHES = 0.15
"""Of all ends, how many nobody reports: the node died, and only the platform's time limit will tell."""


def channel(scene: Scene, stream: Stream, crowd: tuple[Person, ...], viewers: int) -> Life:
    """A stream's life: live, off the air for a while, live again. A tenant's first one is on the air nearly always."""
    yield scene.dice.uniform(0.0, 60.0)
    while True:
        scene.start(_begin(scene, stream, crowd, viewers))
        yield scene.dice.uniform(3600.0, 4 * 3600.0) if stream.number == 1 else scene.dice.uniform(150.0, 700.0)
        scene.start(_end(scene, stream))
        yield scene.dice.uniform(20.0, 120.0)


def _begin(scene: Scene, stream: Stream, crowd: tuple[Person, ...], viewers: int) -> Life:
    if stream.pulled:
        report.stream_source(scene, stream)
    else:
        report.push_rewrite(scene, stream)
    broadcast = stream.broadcast = Broadcast(scene.now)
    yield scene.dice.uniform(0.5, 1.5)
    report.track_list(scene, stream, broadcast)
    yield scene.dice.uniform(0.5, 1.0)
    report.stream_buffer(scene, stream, broadcast)
    scene.start(_updates(scene, stream, broadcast))
    scene.start(_hiccups(scene, stream, broadcast), scene.dice.expovariate(1 / 90))
    scene.start(audience(scene, stream, broadcast, crowd, viewers))
    for node in stream.nodes:
        scene.start(sample(scene, stream, broadcast, node), scene.dice.uniform(5.0, 60.0))


def _updates(scene: Scene, stream: Stream, broadcast: Broadcast) -> Life:
    while stream.broadcast is broadcast:
        report.stream_update(scene, stream)
        yield UPDATE_EVERY


def _hiccups(scene: Scene, stream: Stream, broadcast: Broadcast) -> Life:
    while stream.broadcast is broadcast:
        for state in ("DRY", *(("EMPTY",) if scene.dice.random() < 0.3 else ()), "RECOVER", "FULL"):
            if stream.broadcast is not broadcast:
                return
            broadcast.buffer = state
            report.stream_buffer(scene, stream, broadcast)
            yield scene.dice.uniform(3.0, 12.0)
        yield scene.dice.expovariate(1 / 90)


def _end(scene: Scene, stream: Stream) -> Life:
    broadcast = stream.broadcast
    if broadcast is None:
        return
    for visit in list(stream.visits.values()):
        leave(scene, stream, visit)
    if scene.dice.random() < _VANISHES:
        stream.broadcast = None
        return
    if not stream.pulled:
        report.push_input_close(scene, stream)
    report.stream_end(scene, stream, broadcast)
    stream.broadcast = None
    yield 0.5
    report.stream_update(scene, stream)


def present(scene: Scene, stream: Stream) -> Life:
    """Once: what a live stream's nodes would say when asked."""
    if stream.broadcast is not None:
        report.track_list(scene, stream, stream.broadcast)
        report.stream_buffer(scene, stream, stream.broadcast)
        report.stream_update(scene, stream)
    yield from ()
