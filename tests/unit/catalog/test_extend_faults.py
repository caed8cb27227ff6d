"""What an extension may not do, by the exact line; and whose fault is told of whose file."""

from pathlib import Path

import pytest

from tests.unit.catalog.extension import BASE, OWN, own, write_base
from tests.unit.catalog.sample import PACK, faults, replaced, write


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A pack to extend."""
    return write_base(tmp_path)


PACK_FAULTS = [
    (
        'extends = "../base"',
        'extends = "../nowhere"',
        'pack.extends: "../nowhere": there is no pack.toml in that folder',
    ),
    (
        'extends = "../base"',
        'extends = "framework"',
        'pack.extends: "framework": no such pack comes with Signalman, did you mean "frameworks"?',
    ),
    ('extends = "../base"', 'extends = "./"', 'pack.extends: "./" leads back to a pack that extends this one'),
    (
        'extends = "../base"',
        'extends = "../base"\nwithout = ["stream"]',
        'pack.without[0]: unknown channel "stream", did you mean "streams"?',
    ),
    (
        'extends = "../base"',
        'extends = "../base"\nwithout = ["streams", "zoo"]',
        "pack.without: leaves no channel",
    ),
    (
        'extends = "../base"',
        'extends = "../base"\n[[scope]]\nlevel = "other"',
        "scope: belongs to the pack that is extended: an extension has its scope",
    ),
    ("format = 1", "format = 2", "pack.format: this Signalman reads format 1"),
    ('title = "Own"\n', "", "pack.title: is required"),
    ('name = "own"', 'name = "own"\nignore = 5', "pack.ignore: must be a list"),
    (
        "format = 1",
        'format = 1\nignore = ["sample"]',
        '"streams.toml".events.batch.expand.type: unknown event type "sample"; known here: "note", "update"',
    ),
]


@pytest.mark.parametrize(("old", "new", "line"), PACK_FAULTS)
def test_fault_of_the_pack_file(base: Path, old: str, new: str, line: str) -> None:
    """An extension's pack.toml with this one thing wrong says exactly this, and nothing besides."""
    assert faults(own(base, replaced(OWN, old, new))) == [f"pack.toml: {line}"]


LEFT = '"extra", "labels.*", "lat", "text", "tracks[].codec", "tracks[].width", "user"'

CHANNEL_FAULTS = [
    ("[events.note]\nkeeep = []", 'events.note.keeep: unknown key, did you mean "keep"?'),
    ('events = "all"', "events: must be a table"),
    ("[events]\nnote = 5", "events.note: must be a table"),
    ('[events.note]\nkeep = "all"', "events.note.keep: must be a list"),
    ("[tables]\nstreams = 5", "tables.streams: must be a table"),
    ('[tables.streams]\ncolumns = "all"', "tables.streams.columns: must be a list"),
    ('[events.note]\nkeep = ["text"]\nexpose = ["user"]', None),
    (
        '[events.note.drop]\nlon = "no"',
        f"events.note.redact.lat.longitude: is not listed in `keep`; known here: {LEFT}",
    ),
    ('[tables.streams.drop]\nstream_id = "no"', None),
]


@pytest.mark.parametrize(("text", "line"), CHANNEL_FAULTS)
def test_fault_of_a_channel_file(base: Path, text: str, line: str | None) -> None:
    """What is wrong with the whole is told of the extension's own file."""
    first, *more = faults(own(base, streams=text))
    assert first.startswith("streams.toml: ")
    assert line is None or (first, more) == (f"streams.toml: {line}", [])


def test_an_event_type_stays_in_its_channel(base: Path) -> None:
    """A file of the extension that routes it elsewhere contradicts the base, which the extension may leave out."""
    own(base, streams='[events.roar]\ntopic = "plain"\nkeep = ["volume"]')
    assert faults(base.parent / "own") == ['pack.toml: "zoo.toml".events.roar: is already routed to channel "streams"']


def test_faults_of_the_base_are_its_own(base: Path) -> None:
    """They are told of its files, and the extension's are not judged by them."""
    (base / "streams.toml").write_text(replaced(BASE, 'title = "Streams"\nd', "d"), encoding="utf-8")
    found = faults(own(base, streams='[events.note]\nkeep = ["a", "a.b"]'))
    assert found == [
        "../base/streams.toml: title: is required",
        "pack.toml: pack.extends: the pack that it extends has faults",
    ]


def test_a_circle(base: Path) -> None:
    """Two packs that extend one another are a fault of both ways to look at them, and no endless search."""
    (base / "pack.toml").write_text(OWN.replace("../base", "../own"), encoding="utf-8")
    assert faults(own(base)) == [
        '../base/pack.toml: pack.extends: "../own" leads back to a pack that extends this one',
        "pack.toml: pack.extends: the pack that it extends has faults",
    ]


def test_without_needs_a_base(tmp_path: Path) -> None:
    """There is nothing to leave out."""
    pack = replaced(PACK, "format = 1", 'format = 1\nwithout = ["streams"]')
    assert faults(write(tmp_path, pack)) == ["pack.toml: pack.without: has a meaning only with `extends`"]
