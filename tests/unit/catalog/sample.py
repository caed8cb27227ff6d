"""A small pack without faults, for tests that break it in one place."""

from pathlib import Path

from signalman.catalog import load
from signalman.errors import CatalogError

PACK = """
[pack]
name = "sample"
title = "Sample"
format = 1
ignore = ["noise"]

[[scope]]
level = "tenant"
type = "uuid"
claim = "tenant_id"
column = "tenant_id"

[topics.media]
kafka = "media_events"
consumer = "signalman-media"

[topics.media.envelope]
id = "event_id"
type = "event_type"
time = "timestamp"
source = "source"
scope = { tenant = "tenant_id" }
payload = "data.{payload}"
lift = { stream_id = "data.stream_id" }

[topics.plain]
kafka = "plain_events"
consumer = "signalman-plain"

[topics.plain.envelope]
id = "event_id"
type = "event_type"
time = "timestamp"
source = "source"
scope = { tenant = "tenant_id" }
payload = "data"

[fields]
track = ["codec", "width"]
"""

STREAMS = """
title = "Streams"
description = "Streams of a tenant."
permissions = ["streams:read"]
roles = ["member"]
topic = "media"

[filters.stream_id]
type = "uuid"
title = "Stream"

[events.update]
subject = "stream_id"
require = ["stream_id"]
keep = ["stream_id", "status", "tracks[].@track", "place.city"]

[events.sample]
keep = ["stream_id", "session_id"]

[events.batch]
expand = { items = "samples", type = "sample", id = "event_id", inherit = ["stream_id"] }

[events.note]
topic = "plain"
keep = ["text"]

[tables.streams]
title = "Streams"
source = "stream_state"
key = ["stream_id"]
columns = ["stream_id", "status", "updated_at"]
version = "updated_at"

[[tables.streams.where]]
column = "status"
test = "differs"
value = "gone"
"""

MINIMAL = """
title = "Other"
description = "Another channel."
permissions = ["other:read"]
roles = ["member"]
topic = "plain"
"""


def write(folder: Path, pack: str = PACK, **channels: str) -> Path:
    """Write a pack's files; without *channels*, the sample's own one."""
    (folder / "pack.toml").write_text(pack, encoding="utf-8")
    for name, text in (channels or {"streams": STREAMS}).items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def faults(folder: Path) -> list[str]:
    """What is wrong in *folder*, a line each, without the folder's own path."""
    try:
        load(folder)
    except CatalogError as error:
        return [str(fault).removeprefix(f"{folder}/") for fault in error.faults]
    return []


def replaced(text: str, old: str, new: str) -> str:
    """*text* with *old*, which it holds once, replaced by *new*."""
    assert text.count(old) == 1, (old, text.count(old))
    return text.replace(old, new)
