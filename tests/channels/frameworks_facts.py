"""What FrameWorks sends and stores, as tables that the pack is held against. Lists are texts of words.

The messages themselves, field by field, are those that the simulation sends: `signalman/simulate/messages.txt`.
"""

from collections.abc import Iterator

from signalman.simulate.messages import Field, messages

ROUTES = {
    "streams": "stream_lifecycle_update stream_track_list stream_buffer stream_end stream_source play_rewrite "
    "push_rewrite",
    "system": "node_lifecycle_update load_balancing orchestrator_state_update",
    "analytics": "viewer_connect viewer_disconnect client_lifecycle_update client_lifecycle_batch clip_lifecycle "
    "dvr_lifecycle vod_lifecycle push_out_start push_end recording_complete storage_lifecycle process_billing "
    "storage_snapshot artifact_node_copy",
    "messaging": "message_received message_updated message_lifecycle conversation_created conversation_updated",
    "ai": "skipper_investigation",
}
SERVICE = frozenset(f"{ROUTES['messaging']} {ROUTES['ai']} artifact_node_copy".split())
"""Event types of the control plane's topic."""

PAYLOADS = {
    "stream_track_list": "data.track_list",
    "load_balancing": "data.load_balancing_data",
    "clip_lifecycle": "data.clip_lifecycle_data",
    "dvr_lifecycle": "data.dvr_lifecycle_data",
    "vod_lifecycle": "data.vod_lifecycle_data",
    "storage_lifecycle": "data.storage_lifecycle_data",
}
"""Payloads that do not lie under the event type's own name."""

MESSAGES = {
    "stream_lifecycle_update": "StreamLifecycleUpdate",
    "stream_track_list": "StreamTrackListTrigger",
    "stream_buffer": "StreamBufferTrigger",
    "stream_end": "StreamEndTrigger",
    "stream_source": "StreamSourceTrigger",
    "play_rewrite": "ViewerResolveTrigger",
    "push_rewrite": "PushRewriteTrigger",
    "node_lifecycle_update": "NodeLifecycleUpdate",
    "load_balancing": "LoadBalancingData",
    "orchestrator_state_update": "OrchestratorStateUpdate",
    "viewer_connect": "ViewerConnectTrigger",
    "viewer_disconnect": "ViewerDisconnectTrigger",
    "client_lifecycle_update": "ClientLifecycleUpdate",
    "client_lifecycle_batch": "ClientLifecycleBatch",
    "clip_lifecycle": "ClipLifecycleData",
    "dvr_lifecycle": "DVRLifecycleData",
    "vod_lifecycle": "VodLifecycleData",
    "push_out_start": "PushOutStartTrigger",
    "push_end": "PushEndTrigger",
    "recording_complete": "RecordingCompleteTrigger",
    "storage_lifecycle": "StorageLifecycleData",
    "process_billing": "ProcessBillingEvent",
    "storage_snapshot": "StorageSnapshot",
    "artifact_node_copy": "ArtifactNodeCopyEvent",
    **dict.fromkeys(ROUTES["messaging"].split(), "MessageLifecycleData"),
}
"""Event type → its payload. An investigation has none."""

BESIDE = {
    "orchestrator_state_update": "gateway_id gateway_region cluster_id cluster_owner_tenant_id stream_tenant_id",
    "skipper_investigation": "resource_type resource_id",
}
"""Fields that come with a payload without being of its message: a gateway's own, those of the record."""

TRIGGER = (
    "trigger_type node_id timestamp blocking request_id tenant_id user_id stream_id cluster_id origin_cluster_id "
    "source_region stream_origin_region schema_version correlation_id causation_id event_id trigger_uuid "
    "trigger_unix_millis"
)
"""What lies beside the payload in `data` of the media plane's topic, but for orchestrators."""


def fields(event_type: str) -> list[str]:
    """Every field of the event type's message, at every depth, as the paths of keep lists."""
    message = MESSAGES.get(event_type)
    return [*(_paths(message) if message else ()), *BESIDE.get(event_type, "").split()]


def _paths(message: str) -> Iterator[str]:
    for name, field in messages()[message].items():
        if field.kind in messages():
            yield from (f"{name}{_step(field)}.{below}" for below in _paths(field.kind))
        else:
            yield f"{name}.*" if field.keyed else name


def _step(field: Field) -> str:
    return "[]" if field.repeated else ".*" if field.keyed else ""


IGNORED = (
    "auth_login_succeeded auth_login_failed auth_registered auth_token_refreshed mist_admin_session_minted "
    "token_created "
    "wallet_linked stream_created stream_updated stream_deleted stream_key_created "
    "stream_key_deleted artifact_registered artifact_deleted playback_policy_changed tenant_created "
    "tenant_cluster_assigned tenant_cluster_unassigned cluster_created cluster_updated cluster_deleted "
    "cluster_invite_created cluster_invite_revoked cluster_subscription_requested cluster_subscription_approved "
    "cluster_subscription_rejected payment_created payment_succeeded payment_failed subscription_created "
    "invoice_paid invoice_payment_failed topup_created topup_credited "
    "topup_failed api_request_batch playback_boot playback_session_qoe federation_event "
    "raw_mist_webhook unknown orchestrator_discovery_observed "
    "orchestrator_transcode_outcome "
    "orchestrator_ai_outcome"
)

SIGNALS = {
    "token_revoked": ("AuthEvent", "token_id user_id"),
    "wallet_unlinked": ("AuthEvent", "user_id"),
    "tenant_updated": ("TenantEvent", "tenant_id"),
    "tenant_deleted": ("TenantEvent", "tenant_id"),
    "subscription_updated": ("BillingEvent", "tenant_id"),
    "subscription_canceled": ("BillingEvent", "tenant_id"),
}
"""Event type of the control plane that may end access → its payload, and the fields of it that say whose."""

ROLES = {
    "streams": "owner admin member viewer service",
    "analytics": "owner admin member viewer service",
    "system": "owner admin member service",
    "messaging": "owner admin member",
    "ai": "owner admin member",
}
"""Channel → the platform's roles that read it."""

USER_ROLES = "owner admin member service viewer"
"""Every role that the platform gives to users."""

PLATFORM = "node_lifecycle_update load_balancing orchestrator_state_update"
"""Event types that may be of no tenant: the platform's own service sends those of `system` without one to everybody."""

SENSITIVE = {
    "viewer_connect": "host viewer_token request_url",
    "viewer_disconnect": "host host_times host_times[].name session_identifier tags stream_times",
    "client_lifecycle_update": "host action",
    "play_rewrite": "viewer_host request_url",
    "push_rewrite": "hostname push_url pid stream_settings",
    "load_balancing": "client_ip details stream_id stream_tenant_id selected_node routing_distance_km",
    "push_out_start": "push_target",
    "push_end": "target_uri_before target_uri_after log_messages push_status",
    "stream_lifecycle_update": "stream_details track_details_json",
    "stream_buffer": "mist_issues",
    "node_lifecycle_update": "base_url outputs_json triggers_json storage storage.local_path storage.s3_bucket "
    "storage.s3_prefix artifacts streams",
    "storage_snapshot": "usage usage[].tenant_id storage_provider_tenant_id location",
    "recording_complete": "file_path human_exit_reason",
    "clip_lifecycle": "file_path s3_url storage_location error",
    "dvr_lifecycle": "manifest_path storage_location error",
    "vod_lifecycle": "file_path s3_url upload_id storage_location error",
    "storage_lifecycle": "s3_url local_path error",
    "process_billing": "broadcaster_url provider_tenant_id renditions_json livepeer_session_id operation_id "
    "meter_quantities[].dimensions",
    "orchestrator_state_update": "canonical_url advertised_node_urls vantage vantage.resolved_ip hardware source "
    "gateway_id gateway_region cluster_owner_tenant_id stream_tenant_id",
    "message_received": "content subject",
    "message_updated": "content subject",
    "message_lifecycle": "content subject",
    "conversation_created": "content subject",
    "conversation_updated": "content subject",
}
"""Event type → fields of its payload that hold an address, a credential, others' data or a storage location."""

ROUNDED = {
    "play_rewrite": ("latitude", "longitude"),
    "client_lifecycle_update": ("client_latitude", "client_longitude"),
    "load_balancing": ("latitude", "longitude"),
}
"""Event type → places of viewers that are rounded here: the platform does not, or it is another tenant's viewer."""

NOWHERE = (
    "internal_name stream_name resolved_internal_name stream_internal_name requested_stream user_id tenant_id "
    "stream_tenant_id trigger_uuid trigger_unix_millis request_id correlation_id causation_id pid"
)
"""Fields that no event type shows."""

DDL = {
    "stream_state_current": "tenant_id stream_id internal_name node_id status buffer_state current_viewers "
    "total_inputs "
    "uploaded_bytes downloaded_bytes viewer_seconds has_issues issues_description track_count quality_tier "
    "primary_width "
    "primary_height primary_fps primary_codec primary_bitrate packets_sent packets_lost packets_retransmitted "
    "started_at "
    "updated_at",
    "viewer_sessions_current": "tenant_id stream_id internal_name session_id node_id connected_at disconnected_at "
    "connector country_code city latitude longitude bytes_transferred session_duration last_updated",
    "node_state_current": "tenant_id cluster_id node_id cpu_percent ram_used_bytes ram_total_bytes disk_used_bytes "
    "disk_total_bytes up_speed down_speed bw_limit active_streams is_healthy operational_mode latitude longitude "
    "location "
    "metadata updated_at",
    "artifact_state_current": "tenant_id stream_id request_id internal_name filename content_type stage "
    "progress_percent "
    "error_message requested_at started_at completed_at clip_start_unix clip_stop_unix segment_count manifest_path "
    "file_path s3_url size_bytes processing_node_id updated_at expires_at storage_location sync_status is_synced "
    "is_finalized has_local_copy",
    "artifact_node_copy_current": "tenant_id artifact_hash node_id role present is_complete size_bytes version "
    "updated_at",
    "orchestrator_state_current": "tenant_id orch_addr last_seen metadata updated_at",
}
ORDER_BY = {
    "stream_state_current": ("stream_id",),
    "viewer_sessions_current": ("stream_id", "node_id", "session_id"),
    "node_state_current": ("cluster_id", "node_id"),
    "artifact_state_current": ("request_id",),
    "artifact_node_copy_current": ("artifact_hash", "node_id"),
    "orchestrator_state_current": ("orch_addr",),
}
"""What identifies a row within a tenant."""

TABLES = {
    ("streams", "streams"): "stream_state_current",
    ("analytics", "viewers"): "viewer_sessions_current",
    ("analytics", "artifacts"): "artifact_state_current",
    ("analytics", "artifact_copies"): "artifact_node_copy_current",
    ("system", "nodes"): "node_state_current",
    ("system", "orchestrators"): "orchestrator_state_current",
}
CHANGES = {
    "streams": "stream_lifecycle_update push_rewrite stream_end",
    "viewers": "viewer_connect viewer_disconnect",
    "artifacts": "clip_lifecycle dvr_lifecycle vod_lifecycle",
    "artifact_copies": "artifact_node_copy",
    "nodes": "node_lifecycle_update",
    "orchestrators": "orchestrator_state_update",
}
"""Table → event types that the platform's ingest makes rows of."""

SENSITIVE_COLUMNS = "internal_name file_path s3_url manifest_path storage_location error_message metadata tenant_id"
