"""What operators, reasons, aliases, limits and the slow-reader policy compile to."""

from pathlib import Path

from signalman.catalog import load
from signalman.channel import Catalog, Limits
from signalman.fields import Redaction
from tests.unit.catalog.sample import MINIMAL, PACK, write

SEEN = """
[limits]
event_bytes = 4_096

[events.seen]
about = "Somebody was seen."
aliases = ["spotted", "noticed"]
keep = ["user", "at.lat", "at.lon", "ways[].lat", "ways[].lon", "labels.*", "raw", "note", "whole"]

[events.seen.redact]
user = "hash"
"at.lat" = { op = "centroid", longitude = "lon", resolution = 7 }
"ways[].lat" = { op = "centroid", longitude = "lon" }
raw = { op = "json", keep = ["tracks[].@track", "reason"] }
note = { op = "scan" }
"labels.home" = "null"

[events.seen.drop]
host = "@address"
"whole.secret" = "a credential"
"labels.owner" = "a person"

[events.seen.why]
"labels.*" = "@chosen"

[tables.users]
title = "Users"
about = "One user each."
source = "users_current"
key = ["user"]
columns = ["user", "lat", "lon"]

[tables.users.redact]
user = "hash"
lat = { op = "centroid", longitude = "lon" }

[tables.users.drop]
host = "@address"

[tables.users.why]
lat = "@chosen"
"""
REASONS = '\n[reasons]\naddress = "where a person is"\nchosen = "chosen by the tenant"\n'


def catalog(folder: Path) -> Catalog:
    """A pack that uses all of it."""
    return load(write(folder, PACK + REASONS, other=f'slow_reader = "skip"\n{MINIMAL}{SEEN}'))


def test_operators(tmp_path: Path) -> None:
    """In the file's order; behind them what is dropped out of something that is kept, and nothing for what is not."""
    event = catalog(tmp_path).channels["other"].events["seen"]
    assert event.redact == (
        Redaction("user", "hash"),
        Redaction("at.lat", "centroid", "lon", 7),
        Redaction("ways[].lat", "centroid", "lon", 5),
        Redaction("raw", "json", keep={"tracks": {"codec": None, "width": None}, "reason": None}),
        Redaction("note", "scan"),
        Redaction("labels.home", "null"),
        Redaction("whole.secret", "drop"),
        Redaction("labels.owner", "drop"),
    )


def test_reasons(tmp_path: Path) -> None:
    """A name stands for its sentence."""
    event = catalog(tmp_path).channels["other"].events["seen"]
    assert event.about == "Somebody was seen."
    assert event.drop == {"host": "where a person is", "whole.secret": "a credential", "labels.owner": "a person"}
    assert event.why == {"labels.*": "chosen by the tenant"}


def test_tables(tmp_path: Path) -> None:
    """The same of columns; what is dropped is in no list anyway."""
    table = catalog(tmp_path).channels["other"].tables["users"]
    assert table.redact == (Redaction("user", "hash"), Redaction("lat", "centroid", "lon"))
    assert (table.about, table.drop, table.why) == (
        "One user each.",
        {"host": "where a person is"},
        {"lat": "chosen by the tenant"},
    )
    assert isinstance(hash(table), int)


def test_aliases_are_routed(tmp_path: Path) -> None:
    """To the very same event type, on its own topic only."""
    made = catalog(tmp_path)
    event = made.channels["other"].events["seen"]
    assert event.aliases == ("spotted", "noticed")
    assert made.routes == {("plain", name): ("other", event) for name in ("seen", "spotted", "noticed")}
    assert all(routed is event for _, routed in made.routes.values())


def test_limits_and_slow_readers(tmp_path: Path) -> None:
    """What the file says, and what holds where it says nothing."""
    channel = catalog(tmp_path).channels["other"]
    assert (channel.limits, channel.slow_reader) == (Limits(event_bytes=4_096), "skip")
    (tmp_path / "plain").mkdir()
    plain = load(write(tmp_path / "plain")).channels["streams"]
    assert (plain.limits, plain.slow_reader) == (Limits(), "reset")
