"""Clusters that ask each other for streams, and clients of an edge that are reported one by one."""

from collections.abc import Sequence

from signalman.simulate.pushes import live_one
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.timeline import Life


def pulls(scene: Scene, streams: Sequence[Stream]) -> Life:
    """Now and then one cluster fetches a tenant's stream from another."""
    while True:
        stream = live_one(scene, streams)
        if stream is not None:
            _pull(scene, stream)
            _client(scene, stream)
        yield scene.dice.uniform(30.0, 90.0)


def _pull(scene: Scene, stream: Stream) -> None:
    home, edge = stream.nodes
    values = {
        "event_type": "ORIGIN_PULL_ARRANGED",
        "tenant_id": stream.tenant.tenant_id,
        "local_cluster": edge.cluster_id,
        "remote_cluster": home.cluster_id,
        "stream_name": stream.name,
        "stream_id": stream.stream_id,
        "source_node": home.node_id,
        "dest_node": edge.node_id,
        "dtsc_url": f"dtsc://{home.address}:4200/{stream.name}",
        "latency_ms": round(scene.dice.uniform(2.0, 90.0), 1),
        "local_lat": edge.place.latitude,
        "local_lon": edge.place.longitude,
        "remote_lat": home.place.latitude,
        "remote_lon": home.place.longitude,
    }
    scene.trigger("federation_event_data", values, stream.owner, edge.origin)


def _client(scene: Scene, stream: Stream) -> None:
    for visit in list(stream.visits.values())[:1]:
        values = {
            "node_id": visit.node.node_id,
            "tenant_id": stream.tenant.tenant_id,
            "internal_name": stream.internal_name,
            "action": "connect",
            "protocol": visit.person.connector,
            "host": visit.person.address,
            "session_id": visit.session_id,
            "timestamp": scene.second,
            "stream_id": stream.stream_id,
        }
        scene.trigger("client_lifecycle_update", values, stream.owner, visit.node.origin)
