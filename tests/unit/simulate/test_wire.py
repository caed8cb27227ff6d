"""Records byte for byte as the platform's producers write them."""

import re
from collections.abc import Callable, Mapping
from random import Random

import orjson
import pytest

from signalman.event import Json
from signalman.simulate.ledger import Ledger
from signalman.simulate.messages import Field, messages
from signalman.simulate.triggers import KINDS
from signalman.simulate.wire import Emitted, Origin, Owner, Producer, rfc3339
from tests.unit.simulate.conftest import Lived
from tests.unit.simulate.make import NOW, STREAM, TENANT

HOME = Origin("central-node-1", "central-primary", "eu-west")
NODE = Origin("edge-ashburn", "demo-media", "us-east")
SERVICE_DATA = {
    "auth_login_succeeded": "AuthEvent",
    "auth_token_refreshed": "AuthEvent",
    "token_created": "AuthEvent",
    "token_revoked": "AuthEvent",
    "stream_created": "StreamChangeEvent",
    "stream_updated": "StreamChangeEvent",
    "artifact_registered": "ArtifactEvent",
    "artifact_node_copy": "ArtifactNodeCopyEvent",
    "invoice_paid": "BillingEvent",
    "subscription_updated": "BillingEvent",
    "tenant_updated": "TenantEvent",
    "api_request_batch": "APIRequestBatch",
    "message_received": "MessageLifecycleData",
    "message_updated": "MessageLifecycleData",
    "conversation_created": "MessageLifecycleData",
    "conversation_updated": "MessageLifecycleData",
}
ORCHESTRATOR_DATA = {
    "orchestrator_discovery_observed": "OrchestratorDiscoveryObserved",
    "orchestrator_state_update": "OrchestratorStateUpdate",
    "orchestrator_transcode_outcome": "OrchestratorTranscodeOutcome",
}


@pytest.fixture
def producer() -> Producer:
    """A producer of its own."""
    return Producer(Random(1), Ledger())


def test_a_trigger(producer: Producer) -> None:
    """Envelope, headers and key as on the analytics topic; regions come from where it happened and where it began."""
    owner = Owner(TENANT, None, STREAM, HOME)
    emitted = producer.trigger(NOW, "track_list", {"stream_name": "live+x", "total_tracks": 0}, owner, NODE)
    envelope = orjson.loads(emitted.value)
    assert list(envelope) == [
        "event_id", "event_type", "timestamp", "source", "tenant_id", "data", "source_region", "source_cluster_id",
        "stream_origin_region", "stream_origin_cluster_id", "schema_version",
    ]  # fmt: skip
    assert emitted.key.decode() == envelope["event_id"] == envelope["data"]["event_id"]
    assert envelope["event_type"] == "stream_track_list"
    assert envelope["data"]["track_list"] == {"stream_name": "live+x", "total_tracks": 0}
    assert dict(emitted.headers) == {
        "source": b"foghorn",
        "event_type": b"stream_track_list",
        "event_id": emitted.key,
        "tenant_id": TENANT.encode(),
        "source_region": b"us-east",
        "source_cluster_id": b"demo-media",
        "stream_origin_region": b"eu-west",
        "stream_origin_cluster_id": b"central-primary",
    }


def test_the_time_of_a_trigger_has_two_units(producer: Producer) -> None:
    """Milliseconds from the media server, seconds from the controller."""
    buffer = producer.trigger(NOW, "stream_buffer", {}, Owner(TENANT), NODE)
    update = producer.trigger(NOW, "stream_lifecycle_update", {}, Owner(TENANT), NODE)
    assert buffer.body["data"]["timestamp"] == str(int(NOW * 1000))
    assert update.body["data"]["timestamp"] == str(int(NOW))


def test_durable_triggers_have_derived_ids(producer: Producer) -> None:
    """Version 5 for what is written ahead at the edge, version 7 otherwise."""
    assert producer.trigger(NOW, "viewer_disconnect", {}, Owner(TENANT), NODE).body["event_id"][14] == "5"
    assert producer.trigger(NOW, "viewer_connect", {}, Owner(TENANT), NODE).body["event_id"][14] == "7"


def test_bytes_are_gos(producer: Producer) -> None:
    """Compact, keys within data sorted, and < > & escaped."""
    values = {"stream_name": "live+x", "push_target": "rtmp://a?b=1&c=<2>"}
    value = producer.trigger(NOW, "push_out_start", values, Owner(TENANT), NODE).value
    assert rb'"push_out_start":{"push_target":"rtmp://a?b=1\u0026c=\u003c2\u003e","stream_name":"live+x"}' in value
    assert b": " not in value
    data = orjson.loads(value)["data"]
    assert list(data) == sorted(data)


def test_a_service_event(producer: Producer) -> None:
    """The data are the inner message alone, and there is no header with the event's id."""
    emitted = producer.service(
        NOW,
        "token_revoked",
        source="commodore",
        tenant_id=TENANT,
        message="AuthEvent",
        values={"token_id": "t", "error": ""},
        user_id="u",
        resource=("user", "u"),
    )
    assert list(emitted.body) == [
        "event_id", "event_type", "timestamp", "source", "tenant_id", "user_id", "resource_type", "resource_id", "data",
        "schema_version",
    ]  # fmt: skip
    assert emitted.body["data"] == {"token_id": "t"}
    assert [name for name, _ in emitted.headers] == ["source", "event_type", "tenant_id"]


def test_a_service_event_without_a_message(producer: Producer) -> None:
    """Its data are an empty object, and what is empty is not there."""
    emitted = producer.service(NOW, "skipper_investigation", source="skipper", tenant_id=TENANT)
    assert emitted.body["data"] == {}
    assert "resource_id" not in emitted.body


def test_an_orchestrators_event_is_flat(producer: Producer) -> None:
    """Its data are the payload and the gateway side by side, it has no region, and its id is a random one."""
    gateway = {"gateway_id": "g", "cluster_owner_tenant_id": TENANT}
    emitted = producer.orchestrator(
        NOW, "orchestrator_state_update", "OrchestratorStateUpdate", {"orch_addr": "0x1"}, gateway
    )
    assert emitted.body["data"] == {"orch_addr": "0x1", **gateway}
    assert emitted.body["event_id"][14] == "4"
    assert [name for name, _ in emitted.headers] == ["source", "event_type", "event_id", "tenant_id"]


@pytest.mark.parametrize(
    ("time", "nanoseconds", "text"),
    [
        (0.0, 0, "1970-01-01T00:00:00Z"),
        (NOW, 0, "2026-08-20T10:11:12.5Z"),
        (NOW, 120, "2026-08-20T10:11:12.50000012Z"),
        (NOW, 123, "2026-08-20T10:11:12.500000123Z"),
    ],
)
def test_times(time: float, nanoseconds: int, text: str) -> None:
    """Up to nine digits, without zeros at the end."""
    assert rfc3339(time, nanoseconds) == text


def test_bodies_are_the_decoded_bytes(lived: Lived) -> None:
    """The dict that the ingest reads is what a consumer of the topic would read."""
    assert all(orjson.loads(each.value) == each.body for each in lived.emitted)


def test_keys_and_headers(lived: Lived) -> None:
    """For every record of ten minutes: keyed by its id, with the headers of its topic."""
    for each in lived.emitted:
        headers = dict(each.headers)
        assert each.key.decode() == each.body["event_id"]
        assert headers["event_type"].decode() == each.body["event_type"]
        assert headers["tenant_id"].decode() == each.body["tenant_id"]
        assert ("event_id" in headers) is (each.topic == "analytics")


def test_event_ids_are_unique(lived: Lived) -> None:
    """No record is another's double."""
    assert len({each.key for each in lived.emitted}) == len(lived.emitted)


def test_every_field_is_the_platforms(lived: Lived) -> None:
    """Names and types of all that was emitted in ten minutes agree with the messages' table."""
    for each in lived.emitted:
        for message, value in _messages(each):
            _check(message, value)


def test_a_trigger_has_one_payload(lived: Lived) -> None:
    """Under the key that belongs to its type."""
    for each in lived.emitted:
        if each.topic == "analytics" and each.body["event_type"] not in ORCHESTRATOR_DATA:
            (payload,) = each.body["data"].keys() & KINDS.keys()
            assert KINDS[payload].event_type == each.body["event_type"]


def _messages(each: Emitted) -> list[tuple[str, Mapping[str, Json]]]:
    event_type, data = each.body["event_type"], each.body["data"]
    if event_type in ORCHESTRATOR_DATA:
        own = messages()[ORCHESTRATOR_DATA[event_type]]
        return [
            (ORCHESTRATOR_DATA[event_type], {name: value for name, value in data.items() if name in own}),
            ("GatewayTelemetryEvent", {name: value for name, value in data.items() if name not in own}),
        ]
    if each.topic == "analytics":
        return [("MistTrigger", data)]
    return [(SERVICE_DATA[event_type], data)] if event_type != "skipper_investigation" else []


def _check(message: str, value: Mapping[str, Json]) -> None:
    for name, below in value.items():
        field = messages()[message][name]
        items = below if field.repeated else below.values() if field.keyed else (below,)
        assert below or not field.drops_zero, f"{message}.{name} is zero"
        for item in items:
            _check_one(f"{message}.{name}", field, item)


def _check_one(where: str, field: Field, item: Json) -> None:
    if field.kind in messages():
        _check(field.kind, item)
    else:
        assert _FORMS[field.kind](item), f"{where}: {item!r} is no {field.kind}"


_FORMS: dict[str, Callable[[Json], object]] = {
    "str": lambda item: isinstance(item, str),
    "time": lambda item: isinstance(item, str) and item.endswith("Z"),
    "enum": lambda item: isinstance(item, str) and re.fullmatch(r"[A-Z][A-Z0-9_]*|origin|cache", item),
    "bool": lambda item: isinstance(item, bool),
    "i64": lambda item: isinstance(item, str) and -(1 << 63) <= int(item) < 1 << 63,
    "u64": lambda item: isinstance(item, str) and 0 <= int(item) < 1 << 64,
    "i32": lambda item: type(item) is int and -(1 << 31) <= item < 1 << 31,
    "u32": lambda item: type(item) is int and 0 <= item < 1 << 32,
    "f32": lambda item: type(item) in {int, float},
    "f64": lambda item: type(item) in {int, float},
}
