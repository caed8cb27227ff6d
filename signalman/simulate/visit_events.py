"""What is reported about one viewer's coming and going."""

from signalman.simulate.nodes import Node
from signalman.simulate.people import Person
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream, Visit


def play_rewrite(scene: Scene, stream: Stream, person: Person, node: Node) -> None:
    """A player asks for a stream."""
    values = {
        "requested_stream": f"pb_{stream.internal_name}",
        "viewer_host": person.address,
        "output_type": person.connector,
        "request_url": person.url(node.base_url, stream.name),
        "node_id": node.node_id,
        "country_code": person.place.country,
        "city": person.place.city,
        "latitude": person.latitude,
        "longitude": person.longitude,
        "client_bucket": person.place.bucket,
        "node_bucket": node.place.bucket,
        "resolved_internal_name": stream.name,
        "node_location": node.place.city,
        "stream_id": stream.stream_id,
    }
    scene.trigger("play_rewrite", values, stream.owner, node.origin)


def load_balancing(scene: Scene, stream: Stream, person: Person, node: Node) -> None:
    """The player is sent to a node, and the node's owner is told."""
    distance = person.place.distance(node.place)
    values = {
        "selected_node": node.address,
        "latitude": person.place.latitude,
        "longitude": person.place.longitude,
        "status": "redirect",
        "details": f"redirected {person.address} to {person.url(node.base_url, stream.name)}",
        "score": max(1, 4000 - int(distance / 4)),
        "client_ip": person.forwarded,
        "client_country": person.place.country,
        "node_latitude": node.place.latitude,
        "node_longitude": node.place.longitude,
        "node_name": node.node_id,
        "selected_node_id": node.node_id,
        "routing_distance_km": distance,
        "tenant_id": node.tenant.tenant_id,
        "internal_name": stream.internal_name,
        "client_bucket": person.place.bucket,
        "node_bucket": node.place.bucket,
        "stream_tenant_id": stream.tenant.tenant_id,
        "cluster_id": node.cluster_id,
        "latency_ms": round(1.5 + distance / 90, 1),
        "stream_id": stream.stream_id,
        "candidates_count": len(stream.nodes),
        "event_type": "play_rewrite",
        "source": "foghorn",
    }
    scene.trigger("load_balancing_data", values, node.tenant.owner, node.origin)


def viewer_connect(scene: Scene, stream: Stream, visit: Visit) -> None:
    """A session begins."""
    person, node = visit.person, visit.node
    values = {
        "stream_name": stream.name,
        "host": person.address,
        "viewer_token": person.token,
        "connector": person.connector,
        "request_url": person.url(node.base_url, stream.name),
        "session_id": visit.session_id,
        "node_id": node.node_id,
        "client_country": person.place.country,
        "client_city": person.place.city,
        "client_latitude": person.place.latitude,
        "client_longitude": person.place.longitude,
        "client_bucket": person.place.bucket,
        "node_bucket": node.place.bucket,
        "stream_id": stream.stream_id,
    }
    scene.trigger("viewer_connect", values, stream.owner, node.origin)


def viewer_disconnect(scene: Scene, stream: Stream, visit: Visit) -> None:
    """A session ends."""
    person, node, seconds = visit.person, visit.node, int(visit.seconds(scene.now))
    values = {
        "session_id": visit.session_id,
        "stream_name": stream.name,
        "connector": person.connector,
        "host": person.address,
        "duration": seconds,
        "up_bytes": seconds * 110,
        "down_bytes": seconds * stream.quality.kbps * 125,
        "tags": f"device={person.device}",
        "node_id": node.node_id,
        "country_code": person.place.country,
        "city": person.place.city,
        "latitude": person.place.latitude,
        "longitude": person.place.longitude,
        "session_identifier": person.identifier,
        "seconds_connected": seconds,
        "client_bucket": person.place.bucket,
        "node_bucket": node.place.bucket,
        "stream_id": stream.stream_id,
        "stream_times": [{"name": stream.name, "seconds": seconds}],
        "connector_times": [{"name": person.connector, "seconds": seconds}],
        "host_times": [{"name": person.address, "seconds": seconds}],
    }
    scene.trigger("viewer_disconnect", values, stream.owner, node.origin)
