"""What a stream is made of: its quality, and its tracks as events list them."""

from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class Quality:
    """One video and one audio track."""

    tier: str
    width: int
    height: int
    fps: float
    codec: str
    kbps: int
    encoder: str
    audio_codec: str = "AAC"
    audio_kbps: int = 128
    channels: int = 2
    sample_rate: int = 48_000


QUALITIES = (
    Quality("1080p60", 1920, 1080, 60.0, "H264", 6000, "OBS 31"),
    Quality("1080p30", 1920, 1080, 30.0, "H264", 4500, "OBS 31"),
    Quality("720p30", 1280, 720, 29.97, "H264", 2800, "Larix 1.4"),
    Quality("2160p30", 3840, 2160, 30.0, "HEVC", 14_000, "vMix 28"),
    Quality("720p25", 1280, 720, 25.0, "AV1", 1900, "FFmpeg 7", audio_codec="opus"),
)


def tracks(quality: Quality, dice: Random, elapsed_ms: int, *, healthy: bool = True) -> list[dict[str, Any]]:
    """The tracks of a stream that has run for *elapsed_ms*."""
    jitter = dice.randrange(2, 12) if healthy else dice.randrange(120, 600)
    return [_video(quality, jitter, elapsed_ms), _audio(quality, jitter, elapsed_ms)]


def _video(quality: Quality, jitter: int, elapsed_ms: int) -> dict[str, Any]:
    frame_ms = round(1000 / quality.fps, 3)
    return _timed("video", quality.codec, quality.kbps, 1, elapsed_ms) | {
        "buffer": 50_000,
        "jitter": jitter,
        "width": quality.width,
        "height": quality.height,
        "fps": quality.fps,
        "resolution": f"{quality.width}x{quality.height}",
        "has_bframes": quality.codec != "AV1",
        "frames_max": int(quality.fps * 2),
        "frames_min": int(quality.fps),
        "frame_ms_max": frame_ms + jitter,
        "frame_ms_min": frame_ms,
        "keyframe_ms_max": 2000.0,
        "keyframe_ms_min": 1000.0,
    }


def _audio(quality: Quality, jitter: int, elapsed_ms: int) -> dict[str, Any]:
    return _timed("audio", quality.audio_codec, quality.audio_kbps, 2, elapsed_ms) | {
        "buffer": 50_000,
        "jitter": jitter,
        "channels": quality.channels,
        "sample_rate": quality.sample_rate,
    }


def _timed(kind: str, codec: str, kbps: int, number: int, elapsed_ms: int) -> dict[str, Any]:
    return {
        "track_name": f"{kind}_{codec}_{number}",
        "track_type": kind,
        "codec": codec,
        "bitrate_kbps": kbps,
        "bitrate_bps": kbps * 1000,
        "track_index": number,
        "first_ms": max(0, elapsed_ms - 50_000),
        "last_ms": elapsed_ms,
        "track_id": number,
        "selected": number == 1,
    }
