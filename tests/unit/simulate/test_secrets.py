"""What the platform would leak is there, and the world knows every piece of it."""

import pytest

from signalman.simulate.ledger import SHORTEST, Ledger
from signalman.simulate.world import World
from tests.unit.simulate.conftest import Lived
from tests.unit.simulate.make import START, at

LEAKS = {
    "viewer_connect": "viewer_connect.host viewer_connect.viewer_token viewer_connect.request_url",
    "viewer_disconnect": "viewer_disconnect.host viewer_disconnect.host_times[].name "
    "viewer_disconnect.session_identifier viewer_disconnect.tags",
    "client_lifecycle_batch": "client_lifecycle_batch.samples[].host",
    "play_rewrite": "play_rewrite.viewer_host play_rewrite.request_url play_rewrite.latitude play_rewrite.longitude "
    "user_id",
    "push_rewrite": "push_rewrite.hostname push_rewrite.push_url push_rewrite.stream_settings",
    "load_balancing": "load_balancing_data.client_ip load_balancing_data.details load_balancing_data.selected_node "
    "load_balancing_data.internal_name",
    "push_out_start": "push_out_start.push_target",
    "push_end": "push_end.target_uri_before push_end.target_uri_after push_end.log_messages push_end.push_status",
    "unknown": "push_input_close.remote_host push_input_close.human_reason recording_segment.file_path "
    "client_lifecycle_update.host",
    "node_lifecycle_update": "node_lifecycle_update.base_url node_lifecycle_update.outputs_json "
    "node_lifecycle_update.triggers_json node_lifecycle_update.storage.local_path "
    "node_lifecycle_update.storage.s3_bucket node_lifecycle_update.storage.s3_prefix node_lifecycle_update.streams{}",
    "recording_complete": "recording_complete.file_path",
    "clip_lifecycle": "clip_lifecycle_data.file_path clip_lifecycle_data.s3_url clip_lifecycle_data.user_id "
    "clip_lifecycle_data.stream_internal_name clip_lifecycle_data.error",
    "dvr_lifecycle": "dvr_lifecycle_data.manifest_path dvr_lifecycle_data.user_id",
    "vod_lifecycle": "vod_lifecycle_data.file_path vod_lifecycle_data.s3_url vod_lifecycle_data.upload_id",
    "storage_lifecycle": "storage_lifecycle_data.s3_url storage_lifecycle_data.local_path storage_lifecycle_data.error",
    "process_billing": "process_billing.broadcaster_url",
    "playback_boot": "playback_boot_trace.resources[].url",
    "federation_event": "federation_event_data.dtsc_url",
    "orchestrator_state_update": "vantage.resolved_ip canonical_url advertised_node_urls",
    "orchestrator_transcode_outcome": "resolved_ip orch_url",
    "message_received": "content user_id",
    "message_updated": "content",
    "conversation_created": "subject",
    "conversation_updated": "subject",
    "auth_login_succeeded": "user_id wallet_id ip_bucket",
}
"""Event type → paths below data that must be filled, and all of whose values must be known."""


@pytest.mark.parametrize(("event_type", "path"), [(name, path) for name in LEAKS for path in LEAKS[name].split()])
def test_every_leak_is_filled_and_known(lived: Lived, event_type: str, path: str) -> None:
    """Each field that the platform does or did leak occurs, and the list of secrets has all its values."""
    values = [value for each in lived.of(event_type) for value in at(each.body["data"], path)]
    secrets = lived.world.secrets()
    assert values
    assert {str(value) for value in values} - secrets == set()


def test_names_with_a_prefix_hold_a_secret(lived: Lived) -> None:
    """A stream's name on the media server contains its internal name, which is on the list."""
    secrets = lived.world.secrets()
    for event_type in ("viewer_connect", "push_rewrite", "stream_buffer", "stream_end", "push_out_start"):
        for each in lived.of(event_type):
            assert each.body["data"][event_type]["stream_name"].partition("+")[2] in secrets


def test_parts_of_secrets_are_known(lived: Lived) -> None:
    """Tokens in URLs, addresses in lists and keys in push targets are secrets by themselves."""
    secrets = lived.world.secrets()
    for each in lived.of("viewer_connect"):
        query = each.body["data"]["viewer_connect"]["request_url"].partition("?")[2]
        parts = dict(part.split("=", 1) for part in query.split("&"))
        assert {parts["tkn"], parts["sid"], parts["fwcid"], parts["jwt"].split(".")[1]} <= secrets
    for each in lived.of("load_balancing"):
        assert secrets >= set(each.body["data"]["load_balancing_data"]["client_ip"].split(", "))
    for each in lived.of("push_out_start"):
        assert each.body["data"]["push_out_start"]["push_target"].rpartition("/")[2] in secrets


def test_lists_of_forwarded_addresses_occur(lived: Lived) -> None:
    """Some viewers come through proxies, some over IPv6."""
    clients = [each.body["data"]["load_balancing_data"]["client_ip"] for each in lived.of("load_balancing")]
    assert any(", " in client for client in clients)
    assert any(client.startswith("2001:db8:") for client in clients)
    assert any(client.startswith(("203.0.113.", "198.51.100.")) for client in clients)


def test_what_may_be_shown_is_no_secret(lived: Lived) -> None:
    """Ids of streams, tenants, nodes, sessions and artifacts, and places, are not on the list, not even in part."""
    shown: set[str] = set()
    for each in lived.emitted:
        shown |= {each.body["tenant_id"], each.body["event_id"], each.body["timestamp"]}
        data = each.body["data"]
        for name in ("stream_id", "node_id", "cluster_id"):
            shown.update(str(value) for value in at(data, name))
        for path in (
            "viewer_connect.session_id", "viewer_connect.client_city", "viewer_connect.client_latitude",
            "viewer_connect.client_longitude", "clip_lifecycle_data.clip_hash", "vod_lifecycle_data.filename",
            "load_balancing_data.node_name", "stream_buffer.issues_description", "conversation_id", "orch_addr",
        ):  # fmt: skip
            shown.update(str(value) for value in at(data, path))
    text = "\n".join(sorted(shown))
    assert [secret for secret in lived.world.secrets() if secret in text] == []


def test_secrets_are_distinctive(lived: Lived) -> None:
    """Long enough that a search through bytes finds nothing else, and texts that JSON writes as they are."""
    for secret in lived.world.secrets():
        assert len(secret) >= SHORTEST


def test_the_list_does_not_grow_for_ever() -> None:
    """The same people come back: an hour adds artifacts, messages and URLs, not people."""
    world = World(start=START, tenants=1, viewers_per_stream=50)
    world.step(START + 600)
    after_minutes = len(world.secrets())
    world.step(START + 3600)
    assert len(world.secrets()) < 3 * after_minutes


def test_short_texts_are_no_secrets() -> None:
    """Lists are looked into, and what is too short to be told apart is left out."""
    ledger = Ledger()
    ledger.add_value(["sk_0123456789", "abc", 52.1234567891])
    assert ledger.secrets() == {"sk_0123456789", "52.1234567891"}
