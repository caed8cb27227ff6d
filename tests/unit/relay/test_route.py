import copy
from dataclasses import replace
from typing import Any

import pytest

from signalman.channel import ScopeLevel
from signalman.errors import DecodeError
from signalman.event import PLATFORM
from signalman.relay.decode import Decoder
from signalman.relay.route import Routed, Router
from tests.unit.relay.make import (
    BATCH,
    CATALOG,
    LIFECYCLE,
    NAMES,
    NODE,
    OTHER,
    SAMPLE,
    STREAM,
    TENANT,
    TIME,
    body,
    catalog,
    channel,
    decoded,
    event_type,
    record,
)

ROUTER = Router(CATALOG)


def route(value: dict[str, Any], topic: str = "analytics_events") -> Routed:
    """Where *value* goes."""
    return ROUTER.route(decoded(value, topic))


def batch(*samples: object, **others: Any) -> dict[str, Any]:
    """A batch record with *samples*."""
    return body("client_lifecycle_batch", {"samples": list(samples), "node_id": "edge-1"}, **others)


def refusal(value: dict[str, Any], topic: str = "analytics_events") -> tuple[str, str]:
    """Reason and place of the DecodeError that *value* raises."""
    with pytest.raises(DecodeError) as caught:
        route(value, topic)
    return caught.value.reason, caught.value.where


def test_event_goes_to_its_channel() -> None:
    """A declared event type becomes one event with its envelope, and a lifted field beats the payload's own."""
    value = body(payload={"status": "live", "stream_id": "of the payload"})
    routed = route(value)
    assert routed.outcome == "published"
    (event,) = routed.events
    assert (event.channel, event.id, event.type) == ("streams", value["event_id"], "stream_lifecycle_update")
    assert (event.time, event.source, event.scope) == (TIME, "foghorn", (TENANT,))
    assert event.data == {"status": "live", "stream_id": STREAM}


@pytest.mark.parametrize("own", [None, ""])
def test_payload_is_the_fallback_of_a_lift(own: str | None) -> None:
    """Where no candidate says anything, the payload's own field stays."""
    data = {"stream_lifecycle_update": {"stream_id": "own"}, "stream_id": own}
    assert route(body(data=data)).events[0].data == {"stream_id": "own"}


def test_an_alias_is_published_under_the_types_own_name() -> None:
    """Subscribers know one name of an event type, whatever the platform calls it."""
    kind = event_type("play_rewrite", {"n": None}, payload="data.play", lift={}, aliases=("play_resolve",))
    pack = catalog(channel("c", kind))
    routes = {**pack.routes, ("analytics", "play_resolve"): ("c", kind)}
    for name in ("play_rewrite", "play_resolve"):
        value = decoded(body(name, data={"play": {"n": 1}}))
        (event,) = Router(replace(pack, routes=routes)).route(value).events
        assert (event.type, event.data) == ("play_rewrite", {"n": 1})


def test_lifts_do_not_see_each_other() -> None:
    """Each is read in what came, deep inside of the payload as well, and from an object that is none nothing comes."""
    lift = {"a": ("data.k.b.c",), "b": ("data.k.a", "data.x.y.z"), "n": ("data.x.none.deep", "data.x.y.z")}
    kind = event_type("k", {"a": None}, lift=lift)
    value = decoded(body("k", data={"k": {"a": "", "b": {"c": 1}}, "x": {"none": 5, "y": {"z": 2}}}))
    assert Router(catalog(channel("c", kind))).route(value).events[0].data == {"a": 1, "b": 2, "n": 2}


def test_lift_takes_zero_and_false() -> None:
    """Zero and false are values; only absent, null and empty text are not."""
    kind = event_type("k", {"n": None}, lift={"n": ("data.a", "data.b")})
    router = Router(catalog(channel("c", kind)))
    for first, expected in ((0, 0), (False, False), (None, 5), ("", 5)):
        value = decoded(body("k", data={"k": {}, "a": first, "b": 5}))
        assert router.route(value).events[0].data == {"n": expected}


@pytest.mark.parametrize(
    ("kind", "topic", "outcome"),
    [
        ("brand_new", "analytics_events", "unknown"),
        ("playback_boot", "analytics_events", "ignored"),
        ("message_received", "analytics_events", "unknown"),
        ("stream_lifecycle_update", "service_events", "unknown"),
    ],
)
def test_what_the_pack_does_not_route_goes_nowhere(kind: str, topic: str, outcome: str) -> None:
    """Unknown and ignored types, and known ones on a topic that is not theirs, become no event."""
    assert route(body(kind), topic) == Routed(outcome)  # type: ignore[arg-type]  # the parameter is text to mypy


def test_what_has_no_scope_goes_to_nobody() -> None:
    """Not even to those who may read everything, and its payload is not looked at."""
    assert route(body(tenant_id=None)) == Routed("unscoped")
    assert route(body("client_lifecycle_batch", 5, tenant_id=None)) == Routed("unscoped")


@pytest.mark.parametrize("payload", [1, "x", [], True])
def test_payload_of_another_type_is_refused(payload: object) -> None:
    """The payload is an object or nothing."""
    assert refusal(body(payload=payload)) == ("wrong_type", "data.stream_lifecycle_update")


@pytest.mark.parametrize("data", [{}, {"stream_lifecycle_update": None}, [], "x", {"other": {}}])
def test_missing_payload_is_refused(data: object) -> None:
    """An event whose payload is elsewhere or nowhere is not forwarded empty."""
    assert refusal(body(data=data)) == ("missing", "data.stream_lifecycle_update")


@pytest.mark.parametrize("data", [None, {}, {"x": 1}])
def test_event_that_shows_only_lifted_fields_needs_no_payload(data: object) -> None:
    """`skipper_investigation` carries its report's id beside an empty payload."""
    routed = route(body("skipper_investigation", data=data, resource_id="r-1"), "service_events")
    assert routed.events[0].data["resource_id"] == "r-1"


@pytest.mark.parametrize("payload", [{}, {"conversation_id": None}, {"conversation_id": ""}])
def test_required_fields(payload: dict[str, Any]) -> None:
    """A field that the pack requires must say something."""
    assert refusal(body("message_received", data=payload), "service_events") == ("missing", "data.conversation_id")


def test_batch_becomes_an_event_per_item() -> None:
    """Items have ids of their own or the batch's with an index, the batch's time, and inherit what they lack."""
    value = batch({"event_id": "s-0", "session_id": "a"}, {"session_id": "b", "node_id": "edge-2"}, {"event_id": ""})
    events = route(value).events
    assert [event.id for event in events] == ["s-0", f"{value['event_id']}-1", f"{value['event_id']}-2"]
    assert {(event.type, event.time, event.channel) for event in events} == {
        ("client_lifecycle_update", TIME, "analytics")
    }
    assert [event.data.get("node_id") for event in events] == ["edge-1", "edge-2", "edge-1"]
    assert all(event.data["stream_id"] == STREAM for event in events)


def test_item_is_its_own_payload() -> None:
    """A lift that reaches into the item type's payload reads the item; the record's own field is second."""
    value = batch({"node_id": "of the item"}, {})
    value["data"]["node_id"] = "of the trigger"
    assert [event.data["node_id"] for event in route(value).events] == ["of the item", "edge-1"]


@pytest.mark.parametrize("payload", [{}, {"samples": None}, {"samples": []}])
def test_batch_without_items_is_fine(payload: dict[str, Any]) -> None:
    """An empty list is left out by protobuf."""
    assert route(body("client_lifecycle_batch", payload)) == Routed("published")


def test_batch_without_payload_is_refused() -> None:
    """A batch shows nothing of itself, but it is nothing without its payload."""
    assert refusal(body("client_lifecycle_batch", data={})) == ("missing", "data.client_lifecycle_batch")


@pytest.mark.parametrize("item", [1, "x", None, [], True])
def test_items_that_are_no_objects_are_refused(item: object) -> None:
    """The place names the item by its index."""
    assert refusal(batch({}, item)) == ("wrong_type", "data.client_lifecycle_batch.samples[1]")


@pytest.mark.parametrize("samples", [1, "x", {}, True])
def test_items_that_are_no_list_are_refused(samples: object) -> None:
    """An object is not taken for a list of one."""
    value = body("client_lifecycle_batch", {"samples": samples})
    assert refusal(value) == ("wrong_type", "data.client_lifecycle_batch.samples")


@pytest.mark.parametrize(("item_id", "reason"), [(5, "wrong_type"), ({"a": 1}, "wrong_type"), ("x" * 257, "too_long")])
def test_item_ids_are_names(item_id: object, reason: str) -> None:
    """An item's id is held to what an envelope's is held to."""
    assert refusal(batch({"event_id": item_id})) == (reason, "data.client_lifecycle_batch.samples[0].event_id")


@pytest.mark.parametrize("tenant", [OTHER, 5, True, [TENANT], "nonsense"])
def test_items_of_another_tenant_are_left_out(tenant: object) -> None:
    """The envelope's scope decides; an item that contradicts it goes to nobody, and the others keep their indexes."""
    routed = route(batch({"tenant_id": tenant}, {"tenant_id": TENANT.upper()}, {"tenant_id": ""}, {}))
    assert routed.contradictions == 1
    assert [event.id[-2:] for event in routed.events] == ["-1", "-2", "-3"]
    assert {event.scope for event in routed.events} == {(TENANT,)}


def test_record_is_not_changed() -> None:
    """Lifting and inheriting write into new objects only."""
    for value in (body(payload={"stream_id": "own"}), batch({}, {"a": {}})):
        understood = decoded(value)
        before = copy.deepcopy(understood.body)
        ROUTER.route(understood)
        assert understood.body == before


def test_an_event_type_without_payload_path_has_only_what_is_lifted() -> None:
    """The record as a whole is never taken for the payload."""
    kind = event_type(LIFECYCLE.name, {"stream_id": None, "source": None}, payload="")
    assert Router(catalog(channel("c", kind))).route(decoded(body())).events[0].data == {"stream_id": STREAM}


OWN = replace(NODE, platform=True)
BATCH_OF_PLATFORM = replace(BATCH, platform=True)
PLATFORMS = catalog(channel("system", OWN), channel("analytics", BATCH_OF_PLATFORM, SAMPLE))


def platforms(value: dict[str, Any]) -> Routed:
    """Where *value* goes in a pack that knows events of the platform's own."""
    return Router(PLATFORMS).route(decoded(value))


def test_what_has_no_scope_is_the_platforms_where_the_pack_says_so() -> None:
    """It goes to the scope that is granted by name only; with a tenant it is the tenant's as ever."""
    (own,) = platforms(body("node_lifecycle_update", {"node_id": "n"}, tenant_id=None)).events
    (tenants,) = platforms(body("node_lifecycle_update", {"node_id": "n"})).events
    assert (own.scope, tenants.scope) == (PLATFORM, (TENANT,))


def test_what_lacks_only_some_levels_is_nobodys() -> None:
    """An organization's event without its workspace is not the platform's: it would show one tenant's to another."""
    levels = (ScopeLevel("org", "string", "org"), ScopeLevel("work", "string", "work"))
    pack = catalog(channel("system", OWN), levels=levels, scope=("org", "work"))
    value = body("node_lifecycle_update", {"node_id": "n"})

    def routed(**ids: str) -> Routed:
        return Router(pack).route(Decoder(pack, NAMES).decode(record(value | ids)))

    assert routed(org="a") == routed(work="b") == Routed("unscoped")
    assert [event.scope for event in routed().events] == [PLATFORM]
    assert [event.scope for event in routed(org="a", work="b").events] == [("a", "b")]


@pytest.mark.parametrize("tenant", [TENANT, "nonsense", PLATFORM[0], 7])
def test_an_item_with_a_tenant_is_not_the_platforms(tenant: object) -> None:
    """A batch without a tenant whose item names one contradicts itself: the item goes to nobody."""
    samples = [{"tenant_id": tenant, "session_id": "of a tenant"}, {"session_id": "own"}]
    routed = platforms(batch(*samples, tenant_id=None))
    assert ([event.data["session_id"] for event in routed.events], routed.contradictions) == (["own"], 1)


def test_an_item_of_the_platforms_names_no_level_of_several() -> None:
    """Where a scope has more levels than the platform's name has parts, each of them is looked at."""
    levels = (ScopeLevel("org", "string", "org"), ScopeLevel("work", "string", "work"))
    pack = catalog(channel("analytics", BATCH_OF_PLATFORM, SAMPLE), levels=levels, scope=("org", "work"))
    value = batch({"session_id": "own"}, {"session_id": "a", "org": "x"}, {"session_id": "b", "work": "y"})
    routed = Router(pack).route(Decoder(pack, NAMES).decode(record(value)))
    assert ([event.data["session_id"] for event in routed.events], routed.contradictions) == (["own"], 2)
