"""A pack to extend, and extensions of it."""

from pathlib import Path

from tests.unit.catalog.sample import MINIMAL, PACK, STREAMS, replaced, write

BASE = (
    replaced(
        STREAMS,
        'keep = ["text"]',
        """
keep = ["text", "user", "tracks[].@track", "labels.*", "lat", "lon", "extra"]
subject = "user"
require = ["user", "text"]
lift = { user = "by" }
expose = ["extra.ip"]
aliases = ["remark", "hint"]
[events.note.redact]
user = "hash"
lat = { op = "centroid", longitude = "lon", resolution = 6 }
[events.note.drop]
host = "an address"
"labels.owner" = "a person"
[events.note.why]
"tracks[].codec" = "harmless"
""",
    )
    + """
[[events.update.rows]]
table = "streams"
columns = { stream_id = "stream_id", status = "status", updated_at = { time = true } }

[tables.streams.types]
stream_id = "uuid"
status = "text"
updated_at = "time"
"""
)
BASE = replaced(BASE, '\n[[tables.streams.where]]\ncolumn = "status"\ntest = "differs"\nvalue = "gone"\n', "")
FILTER = '[filters.stream_id]\ntype = "uuid"\ntitle = "Stream"\n'
OWN = """
[pack]
name = "own"
title = "Own"
format = 1
extends = "../base"
"""


ZOO = MINIMAL + '[events.roar]\nkeep = ["volume"]\n'


def own(base: Path, pack: str = OWN, **channels: str) -> Path:
    """The folder of an extension beside *base*."""
    folder = base.parent / "own"
    folder.mkdir()
    (folder / "pack.toml").write_text(pack, encoding="utf-8")
    for name, text in channels.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def write_base(parent: Path) -> Path:
    """The folder of the pack to extend, in *parent*."""
    folder = parent / "base"
    folder.mkdir()
    return write(folder, PACK + '\n[reasons]\nhouse = "the rule of the house"\n', streams=BASE, zoo=ZOO)
