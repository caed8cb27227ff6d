"""The kinds of trigger that edges and their controllers report, and what each becomes on the analytics topic."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of trigger is written."""

    event_type: str
    payload: str
    """Key of the payload in the trigger."""
    message: str
    trigger_type: str = ""
    """The media server's name for it; without one the trigger is a report by the edge's own controller."""
    blocking: bool = False
    """The media server waits for the answer."""
    durable: bool = False
    """Written ahead at the edge: its event id follows from the request, so that a repetition has the same."""


_KINDS = (
    Kind("push_rewrite", "push_rewrite", "PushRewriteTrigger", "PUSH_REWRITE", blocking=True),
    Kind("play_rewrite", "play_rewrite", "ViewerResolveTrigger", "PLAY_REWRITE", blocking=True),
    Kind("stream_source", "stream_source", "StreamSourceTrigger", "STREAM_SOURCE", blocking=True),
    Kind("push_out_start", "push_out_start", "PushOutStartTrigger", "PUSH_OUT_START", blocking=True),
    Kind("push_end", "push_end", "PushEndTrigger", "PUSH_END", durable=True),
    Kind("viewer_connect", "viewer_connect", "ViewerConnectTrigger", "USER_NEW", blocking=True),
    Kind("viewer_disconnect", "viewer_disconnect", "ViewerDisconnectTrigger", "USER_END", durable=True),
    Kind("stream_buffer", "stream_buffer", "StreamBufferTrigger", "STREAM_BUFFER"),
    Kind("stream_end", "stream_end", "StreamEndTrigger", "STREAM_END", durable=True),
    Kind("stream_track_list", "track_list", "StreamTrackListTrigger", "LIVE_TRACK_LIST"),
    Kind("recording_complete", "recording_complete", "RecordingCompleteTrigger", "RECORDING_END", durable=True),
    Kind("stream_lifecycle_update", "stream_lifecycle_update", "StreamLifecycleUpdate"),
    Kind("node_lifecycle_update", "node_lifecycle_update", "NodeLifecycleUpdate"),
    Kind("client_lifecycle_batch", "client_lifecycle_batch", "ClientLifecycleBatch"),
    Kind("load_balancing", "load_balancing_data", "LoadBalancingData"),
    Kind("clip_lifecycle", "clip_lifecycle_data", "ClipLifecycleData"),
    Kind("dvr_lifecycle", "dvr_lifecycle_data", "DVRLifecycleData"),
    Kind("vod_lifecycle", "vod_lifecycle_data", "VodLifecycleData"),
    Kind("storage_lifecycle", "storage_lifecycle_data", "StorageLifecycleData"),
    Kind("storage_snapshot", "storage_snapshot", "StorageSnapshot"),
    Kind("process_billing", "process_billing", "ProcessBillingEvent", "PROCESS_AV_VIRTUAL_SEGMENT_COMPLETE"),
    Kind("federation_event", "federation_event_data", "FederationEventData"),
    Kind("playback_boot", "playback_boot_trace", "PlaybackBootTrace"),
    Kind("playback_session_qoe", "playback_session_qoe", "PlaybackSessionQoe"),
    # Kinds that the platform's own switch has no case for.
    Kind("unknown", "push_input_close", "PushInputCloseTrigger", "PUSH_INPUT_CLOSE"),
    Kind("unknown", "recording_segment", "RecordingSegmentTrigger", "RECORDING_SEGMENT", durable=True),
    Kind("unknown", "stream_process", "StreamProcessTrigger", "STREAM_PROCESS", blocking=True),
    Kind("unknown", "client_lifecycle_update", "ClientLifecycleUpdate"),
)

KINDS = {kind.payload: kind for kind in _KINDS}
"""Payload key → kind: unlike the event type, the payload key is always different."""
