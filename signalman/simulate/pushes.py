"""Streams sent on to other platforms, and streams written to files."""

from collections.abc import Sequence

from signalman.simulate.identity import hexadecimal
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.timeline import Life
from signalman.simulate.tracks import tracks

_TARGETS = ("rtmp://ingest.restream.example/live2", "rtmps://live.social.example:443/rtmp", "srt://relay.example:9000")


def syndication(scene: Scene, streams: Sequence[Stream]) -> Life:
    """One stream of a tenant after the other is pushed somewhere else for a while."""
    while True:
        stream = live_one(scene, streams)
        if stream is not None:
            scene.start(_push(scene, stream))
        yield scene.dice.uniform(40.0, 90.0)


def live_one(scene: Scene, streams: Sequence[Stream]) -> Stream | None:
    """Any of *streams* that is live."""
    live = [stream for stream in streams if stream.broadcast is not None]
    return scene.dice.choice(live) if live else None


def _push(scene: Scene, stream: Stream) -> Life:
    home, key = stream.nodes[0], f"live_{hexadecimal(scene.dice, 24)}"
    scene.ledger.add(key)
    target = f"{scene.dice.choice(_TARGETS)}/{key}"
    started = {
        "stream_name": stream.name,
        "push_target": target,
        "node_id": home.node_id,
        "stream_id": stream.stream_id,
    }
    scene.trigger("push_out_start", started, stream.owner, home.origin)
    yield scene.dice.uniform(20.0, 120.0)
    ended = {
        "push_id": scene.dice.randrange(1, 100_000),
        "stream_name": stream.name,
        "target_uri_before": target,
        "target_uri_after": f"{target}?bitrate={stream.quality.kbps}",
        "log_messages": f'["connected to {target}","remote closed the connection"]',
        "push_status": f'{{"bytes":{scene.dice.randrange(1 << 30)},"target":"{target}"}}',
        "node_id": home.node_id,
        "stream_id": stream.stream_id,
    }
    scene.trigger("push_end", ended, stream.owner, home.origin)


def recordings(scene: Scene, streams: Sequence[Stream]) -> Life:
    """Now and then a piece of a stream is written to a file, segment by segment."""
    while True:
        stream = live_one(scene, streams)
        if stream is not None:
            scene.start(_record(scene, stream))
        yield scene.dice.uniform(60.0, 150.0)


def _record(scene: Scene, stream: Stream) -> Life:
    home, began = stream.nodes[0], scene.now
    path = f"/srv/{home.node_id}/recordings/{hexadecimal(scene.dice, 12)}"
    segment = {
        "stream_name": stream.name,
        "file_path": f"{path}/0001.ts",
        "duration_ms": 6000,
        "time_started": int(began),
        "time_ended": int(began) + 6,
        "stream_id": stream.stream_id,
    }
    scene.trigger("recording_segment", segment, stream.owner, home.origin)
    yield scene.dice.uniform(20.0, 60.0)
    seconds = max(1, int(scene.now - began))
    done = {
        "stream_name": stream.name,
        "file_path": f"{path}.mkv",
        "output_protocol": "MKV",
        "bytes_written": seconds * stream.quality.kbps * 125,
        "seconds_writing": seconds,
        "time_started": int(began),
        "time_ended": scene.second,
        "media_duration_ms": seconds * 1000,
        "node_id": home.node_id,
        "stream_id": stream.stream_id,
        "exit_reason": "CLEAN_EOF",
        "human_exit_reason": "the recording reached its end",
        "tracks": tracks(stream.quality, scene.dice, seconds * 1000),
        "processing_speed": {"ticks": seconds, "speed_min": 0.9, "speed_avg": 1.0, "speed_max": 1.2},
    }
    scene.trigger("recording_complete", done, stream.owner, home.origin)
