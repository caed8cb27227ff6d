"""Viewers of a broadcast: they ask, are sent to a node, connect, watch and leave."""

from typing import Any

from signalman.simulate.identity import hexadecimal, uuid7
from signalman.simulate.nodes import Node
from signalman.simulate.people import Person
from signalman.simulate.players import boot, quality_beacons
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Broadcast, Stream, Visit
from signalman.simulate.timeline import Life
from signalman.simulate.visit_events import load_balancing, play_rewrite, viewer_connect, viewer_disconnect

STAY = 150.0
"""Seconds that a viewer stays, on average."""
SAMPLE_EVERY = 60.0
_MAX_SAMPLES = 1000
_BEACONS = 0.1
"""How many players tell how playback goes."""


def audience(scene: Scene, stream: Stream, broadcast: Broadcast, crowd: tuple[Person, ...], viewers: int) -> Life:
    """People arrive: half of the usual number at the start, then as many as leave."""
    for _ in range(viewers // 2):
        scene.start(_watch(scene, stream, broadcast, scene.dice.choice(crowd)), scene.dice.expovariate(1 / 8))
    while stream.broadcast is broadcast and viewers:
        scene.start(_watch(scene, stream, broadcast, scene.dice.choice(crowd)))
        yield scene.dice.expovariate(viewers / STAY)


def _watch(scene: Scene, stream: Stream, broadcast: Broadcast, person: Person) -> Life:
    if stream.broadcast is not broadcast:
        return
    node = scene.dice.choice(stream.nodes)
    play_rewrite(scene, stream, person, node)
    yield scene.dice.uniform(0.02, 0.1)
    load_balancing(scene, stream, person, node)
    yield scene.dice.uniform(0.1, 0.6)
    if stream.broadcast is not broadcast:
        return
    visit = _arrive(scene, stream, broadcast, person, node)
    yield scene.dice.expovariate(1 / STAY) + 4.0
    if stream.visits.get(visit.session_id) is visit:
        leave(scene, stream, visit)


def _arrive(scene: Scene, stream: Stream, broadcast: Broadcast, person: Person, node: Node) -> Visit:
    dice = scene.dice
    visit = Visit(f"session-{hexadecimal(dice, 12)}", person, node, scene.now, hexadecimal(dice, 16))
    stream.visits[visit.session_id] = visit
    broadcast.visitors += 1
    viewer_connect(scene, stream, visit)
    if dice.random() < _BEACONS:
        boot(scene, stream, visit)
        scene.start(quality_beacons(scene, stream, visit), 30.0)
    return visit


def leave(scene: Scene, stream: Stream, visit: Visit) -> None:
    """Somebody who was watching is not any more."""
    del stream.visits[visit.session_id]
    if stream.broadcast is not None:
        stream.broadcast.viewer_seconds += visit.seconds(scene.now)
    viewer_disconnect(scene, stream, visit)


def sample(scene: Scene, stream: Stream, broadcast: Broadcast, node: Node) -> Life:
    """A node looks at everyone connected to it, once a minute, and its controller sends that in batches."""
    while stream.broadcast is broadcast:
        here = [visit for visit in stream.visits.values() if visit.node is node]
        for first in range(0, len(here), _MAX_SAMPLES):
            _batch(scene, stream, node, here[first : first + _MAX_SAMPLES])
        yield SAMPLE_EVERY


def _batch(scene: Scene, stream: Stream, node: Node, visits: list[Visit]) -> None:
    values = {
        "tenant_id": stream.tenant.tenant_id,
        "stream_id": stream.stream_id,
        "internal_name": stream.internal_name,
        "node_id": node.node_id,
        "window_start": scene.second - 1,
        "window_end": scene.second,
        "samples": [_sample(scene, stream, visit) for visit in visits],
    }
    scene.trigger("client_lifecycle_batch", values, stream.owner, node.origin)


def _sample(scene: Scene, stream: Stream, visit: Visit) -> dict[str, Any]:
    seconds = round(visit.seconds(scene.now), 1)
    rate = stream.quality.kbps * 1000 + scene.dice.randrange(-90_000, 90_000)
    packets = int(seconds * stream.quality.fps * 4)
    return {
        "node_id": visit.node.node_id,
        "tenant_id": stream.tenant.tenant_id,
        "internal_name": stream.internal_name,
        "action": "connect",
        "protocol": visit.person.connector,
        "host": visit.person.address,
        "session_id": visit.session_id,
        "connection_time": seconds,
        "position": round(seconds * 0.98, 1),
        "bandwidth_in_bps": 900,
        "bandwidth_out_bps": rate,
        "bytes_downloaded": int(seconds * rate / 8),
        "bytes_uploaded": int(seconds * 110),
        "packets_sent": packets,
        "packets_lost": packets // 4000,
        "packets_retransmitted": packets // 4400,
        "timestamp": scene.second,
        "stream_id": stream.stream_id,
        "event_id": uuid7(scene.dice, scene.now),
    }
