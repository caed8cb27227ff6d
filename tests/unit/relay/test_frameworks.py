"""The relay's pure stages over the FrameWorks pack itself."""

from typing import Any

import orjson
import pytest

from signalman.addresses import holds_address
from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.relay.decode import Decoder
from signalman.relay.encode import encode
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from tests.unit.relay.make import STREAM, TENANT, body, record

ADDRESS = "203.0.113.9"
CREDENTIAL = "tok-9f2c"


@pytest.fixture(scope="module")
def pack() -> Catalog:
    """The pack of the repository."""
    return load(default_folder("frameworks"))


def relayed(pack: Catalog, value: dict[str, Any], topic: str) -> list[dict[str, Any]]:
    """What subscribers receive of *value*."""
    names = {each.default: name for name, each in pack.topics.items()}
    routed = Router(pack).route(Decoder(pack, names).decode(record(value, topic=topic)))
    redactor, rows = Redactor(pack), Rows(pack)
    return [orjson.loads(encode(redactor.redact(event).event, rows.changes(event).rows)) for event in routed.events]


def nested(payload: str, content: object) -> dict[str, Any]:
    """*content* at the dotted path *payload*."""
    for name in reversed(payload.split(".")):
        content = {name: content}
    assert isinstance(content, dict)
    return content


def test_no_event_type_forwards_what_it_does_not_list(pack: Catalog) -> None:
    """For every declared type: the personal fields of the redaction matrix, an unknown field and addresses in all
    places are gone.
    """
    fields = (
        *("host", "viewer_host", "hostname", "client_ip", "viewer_token", "request_url", "push_target", "details"),
        *("session_identifier", "tags", "log_messages", "content", "new_proto_field", "user_id", "pid"),
    )
    personal = dict.fromkeys(fields, f"{CREDENTIAL} {ADDRESS}") | {"host_times": [{"name": ADDRESS}]}
    required = {"conversation_id": "42", "stream_id": STREAM, "node_id": "edge-1"}
    for (topic, kind), (_, event_type) in pack.routes.items():
        content = personal | required | dict.fromkeys(event_type.require, "required")
        data = {} if event_type.expand is None else {event_type.expand.items: [content]}
        value = body(kind, data=None) | nested(event_type.payload, content | data)
        for event in relayed(pack, value, pack.topics[topic].default):
            text = orjson.dumps(event).decode()
            assert CREDENTIAL not in text, kind
            assert not holds_address(text), kind


def test_samples_become_events(pack: Catalog) -> None:
    """A batch of viewers' samples: one event each, with the trigger's stream and the batch's node."""
    samples = [{"event_id": "s-0", "host": ADDRESS, "session_id": "x", "tenant_id": TENANT}, {"session_id": "y"}]
    payload = {"samples": samples, "node_id": "edge-1"}
    first, second = relayed(pack, body("client_lifecycle_batch", payload), "analytics_events")
    assert (first["id"], first["type"], first["subject"]) == ("s-0", "client_lifecycle_update", STREAM)
    assert first["data"] == {"session_id": "x", "stream_id": STREAM, "node_id": "edge-1"}
    assert second["data"]["session_id"] == "y"


def test_report_carries_its_id(pack: Catalog) -> None:
    """`skipper_investigation` has an empty payload; the report's id lies beside it."""
    value = body("skipper_investigation", data={}, resource_id="r-1", resource_type="skipper_report")
    (event,) = relayed(pack, value, "service_events")
    assert event["data"]["resource_id"] == "r-1"
