"""A pretend platform that is believable, lively from the start, and always the same."""

from collections import Counter

import pytest

from signalman.simulate.tenants import tenant_ids
from signalman.simulate.world import World
from tests.unit.simulate.conftest import Lived
from tests.unit.simulate.make import START

ROUTED = {
    "stream_lifecycle_update", "stream_track_list", "stream_buffer", "stream_end", "stream_source", "play_rewrite",
    "push_rewrite", "node_lifecycle_update", "load_balancing", "viewer_connect", "viewer_disconnect",
    "client_lifecycle_batch", "clip_lifecycle", "dvr_lifecycle", "vod_lifecycle", "push_out_start", "push_end",
    "recording_complete", "storage_lifecycle", "process_billing", "storage_snapshot", "message_received",
    "message_updated", "conversation_created", "conversation_updated", "skipper_investigation",
}  # fmt: skip
"""Whatever a producer of the platform puts on a topic and Signalman routes."""
UNROUTED = {
    "playback_boot", "playback_session_qoe", "federation_event", "unknown", "orchestrator_discovery_observed",
    "orchestrator_state_update", "orchestrator_transcode_outcome", "auth_login_succeeded", "auth_token_refreshed",
    "token_created", "stream_created", "stream_updated", "artifact_registered", "invoice_paid", "api_request_batch",
    "artifact_node_copy",
}  # fmt: skip
SIGNALS = {"token_revoked", "tenant_updated", "subscription_updated"}
"""What says that somebody's access may have changed. Nobody's has."""
AT_ONCE = {"stream_lifecycle_update", "stream_track_list", "stream_buffer", "node_lifecycle_update", "process_billing"}
SOON = {"play_rewrite", "load_balancing", "viewer_connect", "viewer_disconnect", "client_lifecycle_batch"}

seeds = pytest.mark.parametrize("seed", [2, 3, 4])


def types(world: World, seconds: float) -> Counter[str]:
    """How often each event type occurs in the first *seconds*."""
    return Counter(each.body["event_type"] for each in world.step(world.start + seconds))


def test_the_same_seed_gives_the_same_bytes() -> None:
    """However the time is cut into steps."""
    whole, cut = World(start=START, seed=7), World(start=START, seed=7)
    pieces = [cut.step(START + number * 0.7) for number in range(1, 100)]
    again = [each for piece in pieces for each in piece]
    assert [(each.key, each.value, each.headers) for each in whole.step(START + 99 * 0.7)] == [
        (each.key, each.value, each.headers) for each in again
    ]


def test_another_seed_gives_another_world() -> None:
    """Chance comes from the seed alone."""
    one, other = World(start=START, seed=1).step(START + 5), World(start=START, seed=2).step(START + 5)
    assert {each.key for each in one}.isdisjoint(each.key for each in other)


def test_every_type_occurs_in_ten_minutes(lived: Lived) -> None:
    """All that Signalman routes, and all that it must know how to leave alone; nothing else."""
    assert {each.body["event_type"] for each in lived.emitted} == ROUTED | UNROUTED | SIGNALS


@seeds
def test_every_routed_type_occurs_whatever_the_seed(seed: int) -> None:
    """No type depends on luck."""
    assert types(World(start=START, seed=seed), 600).keys() >= ROUTED | SIGNALS


@seeds
def test_there_is_life_at_once(seed: int) -> None:
    """Five seconds are enough to see nodes, streams and viewers; twenty to see a bit of everything common."""
    world = World(start=START, seed=seed)
    first = types(world, 5)
    assert first.keys() >= AT_ONCE
    assert first.keys() & SOON
    assert (first + types(world, 20)).keys() >= AT_ONCE | SOON


def test_the_first_step_tells_of_all_that_is() -> None:
    """At the very start, every node and every live stream reports."""
    world = World(start=START)
    now = world.step(START)
    told = {each.body["data"]["stream_id"] for each in now if each.body["event_type"] == "stream_lifecycle_update"}
    assert told == {stream for tenant in tenant_ids(3) for stream in world.truth.live_streams(tenant)}
    assert len(told) >= 8
    assert sum(each.body["event_type"] == "node_lifecycle_update" for each in now) == 8


def test_events_come_in_the_order_of_time(lived: Lived) -> None:
    """Between the start and the end of the step, and their timestamps say the same."""
    times = [each.time for each in lived.emitted]
    assert times == sorted(times)
    assert START <= times[0] <= times[-1] <= START + 600
    stamps = [each.body["timestamp"][:19] for each in lived.emitted]
    assert stamps == sorted(stamps)


def test_history_is_told_once() -> None:
    """What happened before the start is for the ingest, and not kept."""
    world = World(start=START)
    past = world.history()
    assert past
    assert all(each.time <= START for each in past)
    assert world.history() == []


def test_cadence(lived: Lived) -> None:
    """Nodes and live streams report every ten seconds, storage every hour."""
    assert 8 * 60 <= len(lived.of("node_lifecycle_update")) <= 8 * 61 + 8
    first = "5eedfeed-11fe-ca57-feed-11feca570001"
    updates = [each for each in lived.of("stream_lifecycle_update") if each.body["data"]["stream_id"] == first]
    assert 59 <= len(updates) <= 62
    assert len(lived.of("storage_snapshot")) == 8


def test_a_visit_is_a_whole_story(lived: Lived) -> None:
    """Whoever disconnects has connected, on the same node, and was asked about before."""
    connects = {
        each.body["data"]["viewer_connect"]["session_id"]: each.body["data"] for each in lived.of("viewer_connect")
    }
    past = World(start=START).history()
    connects |= {
        each.body["data"]["viewer_connect"]["session_id"]: each.body["data"]
        for each in past
        if each.body["event_type"] == "viewer_connect"
    }
    for each in lived.of("viewer_disconnect"):
        gone = each.body["data"]["viewer_disconnect"]
        come = connects[gone["session_id"]]
        assert come["node_id"] == gone["node_id"] == each.body["data"]["node_id"]
        assert come["viewer_connect"]["host"] == gone["host"]


def test_truth_agrees_with_the_events(lived: Lived) -> None:
    """Sessions that have connected and not disconnected are those that are open."""
    world = World(start=START)
    events = [*world.history(), *world.step(START + 200)]
    for tenant in tenant_ids(3):
        open_ones: set[str] = set()
        for each in events:
            if each.body["tenant_id"] == tenant and each.body["event_type"] == "viewer_connect":
                open_ones.add(each.body["data"]["viewer_connect"]["session_id"])
            if each.body["tenant_id"] == tenant and each.body["event_type"] == "viewer_disconnect":
                open_ones.remove(each.body["data"]["viewer_disconnect"]["session_id"])
        assert world.truth.sessions(tenant) == open_ones
    assert lived.world.truth.live_streams(tenant_ids(1)[0]) <= lived.world.truth.streams(tenant_ids(1)[0])


def test_streams_end_in_order_or_vanish() -> None:
    """Over an hour, some streams end with an event and an offline update, and some are just silent from then on."""
    events = World(start=START).step(START + 3600)
    ends = Counter(each.body["event_type"] for each in events)
    begun = ends["push_rewrite"] + ends["stream_source"]
    offline = sum(
        each.body["data"]["stream_lifecycle_update"]["status"] == "offline"
        for each in events
        if each.body["event_type"] == "stream_lifecycle_update"
    )
    assert ends["stream_end"] == offline
    assert 0 < ends["stream_end"] < begun


def test_tenants_share_nodes(lived: Lived) -> None:
    """A node's report to its owner names other tenants' streams, and load balancing of their viewers goes to it too."""
    (demo,) = tenant_ids(1)
    foreign = [
        each
        for each in lived.of("load_balancing")
        if each.body["tenant_id"] == demo and each.body["data"]["load_balancing_data"]["stream_tenant_id"] != demo
    ]
    assert foreign
    usage = lived.of("storage_snapshot")[0].body["data"]["storage_snapshot"]["usage"]
    assert {each["tenant_id"] for each in usage} == set(tenant_ids(3))


def test_size_is_configurable() -> None:
    """So many tenants with so many streams; one tenant with one stream and no viewer is a world too."""
    world = World(start=START, tenants=5, streams_per_tenant=2, viewers_per_stream=3)
    assert [len(world.truth.streams(tenant)) for tenant in tenant_ids(6)] == [2, 2, 2, 2, 2, 0]
    small = World(start=START, tenants=1, streams_per_tenant=1, viewers_per_stream=0)
    assert small.step(START + 30)
    assert small.truth.sessions(tenant_ids(1)[0]) == frozenset()


def test_tenant_ids_are_known() -> None:
    """The first is the platform's demo tenant; more tenants do not change the first ones."""
    assert tenant_ids(2) == ("5eed517e-ba5e-da7a-517e-ba5eda7a0001", "5eed517e-ba5e-da7a-517e-ba5eda7a0002")
    assert tenant_ids(9)[:3] == tenant_ids(3)


def test_no_real_token_is_revoked(lived: Lived) -> None:
    """The demo's own token stays valid while tokens are made and revoked."""
    revoked = {each.body["data"]["token_id"] for each in lived.of("token_revoked")}
    assert revoked
    assert "5eed5a17-da7a-5a17-da7a-5a17da7a0001" not in revoked
