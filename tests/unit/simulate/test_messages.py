"""Protobuf messages as the JSON that the platform makes of them."""

import pytest

from signalman.simulate.messages import encode, messages


def nobody(_: object) -> None:
    """Listens to no secret."""


def test_integers_of_64_bits_are_texts() -> None:
    """In messages, in messages within them, and in lists; smaller integers are numbers."""
    value = {"streams": {"s": {"total": 3, "inputs": 1, "packet_counts": [7, 0]}}, "up_speed": 1 << 60}
    assert encode("NodeLifecycleUpdate", value, nobody) == {
        "streams": {"s": {"total": "3", "inputs": 1, "packet_counts": ["7", "0"]}},
        "up_speed": str(1 << 60),
    }


def test_zero_is_left_out_unless_presence_is_explicit() -> None:
    """0, false, "" and [] vanish from plain fields and stay in optional ones."""
    value = {"push_id": 0, "stream_name": "", "stream_id": "", "node_id": None}
    assert encode("PushEndTrigger", value, nobody) == {"stream_id": ""}
    assert encode("NodeLifecycleUpdate", {"is_healthy": False, "artifacts": [], "streams": {}}, nobody) == {}
    assert encode("StreamBufferTrigger", {"has_issues": False, "track_count": 0}, nobody) == {
        "has_issues": False,
        "track_count": 0,
    }


def test_an_empty_message_is_present() -> None:
    """A message has presence of its own."""
    assert encode("MistTrigger", {"stream_source": {}}, nobody) == {"stream_source": {}}


def test_whole_floats_have_no_fraction() -> None:
    """As Go writes them."""
    encoded = encode("StreamTrack", {"fps": 25.0, "frame_ms_max": 33.367}, nobody)
    assert encoded == {"fps": 25, "frame_ms_max": 33.367}
    assert isinstance(encoded["fps"], int)


def test_an_unknown_field_is_an_error() -> None:
    """Nothing gets on the wire that the platform's messages do not have."""
    with pytest.raises(KeyError):
        encode("StreamSourceTrigger", {"stream": "x"}, nobody)


def test_secret_fields_are_told() -> None:
    """Also those of messages within."""
    told: list[object] = []
    encode("MistTrigger", {"user_id": "u", "viewer_connect": {"host": "h", "session_id": "s"}}, told.append)
    assert sorted(map(str, told)) == ["h", "u"]


def test_field_counts() -> None:
    """The table is as complete as the platform's own messages."""
    counted = {name: len(fields) for name, fields in messages().items()}
    assert counted["MistTrigger"] == 49
    assert counted["ProcessBillingEvent"] == 60
    assert counted["NodeLifecycleUpdate"] == 42
    assert counted["StreamLifecycleUpdate"] == 37
    assert counted["ViewerDisconnectTrigger"] == 21
    assert len(counted) == 62
