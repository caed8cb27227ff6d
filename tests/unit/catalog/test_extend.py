"""Packs on top of others: what an extension changes, and what it need not say."""

from pathlib import Path

import pytest

from signalman.catalog import load
from signalman.channel import Catalog, EventType, Expand
from signalman.fields import Redaction
from signalman.table import Table
from tests.unit.catalog.extension import BASE, FILTER, OWN, ZOO, own, write_base
from tests.unit.catalog.sample import MINIMAL, replaced


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A pack to extend."""
    return write_base(tmp_path)


def note(catalog: Catalog) -> EventType:
    """The event type that the tests change."""
    return catalog.channels["streams"].events["note"]


def streams(catalog: Catalog) -> Table:
    """The table that they change."""
    return catalog.channels["streams"].tables["streams"]


def test_nothing_said_is_nothing_changed(base: Path) -> None:
    """Only the name and the title are the extension's own."""
    below, above = load(base), load(own(base))
    assert (above.pack, above.title) == ("own", "Own")
    assert (above.channels, above.topics, above.ignored, above.routes) == (
        below.channels,
        below.topics,
        below.ignored,
        below.routes,
    )


def test_a_field_is_hidden(base: Path) -> None:
    """With all that the base says of it: subject, requirement, operator, lift."""
    catalog = load(own(base, streams='[events.note]\ndrop = { user = "@house", extra = "too much" }'))
    event = note(catalog)
    assert list(event.keep) == ["text", "tracks", "labels", "lat", "lon"]
    assert (event.subject, event.require, event.lift, event.expose) == (None, ("text",), {}, frozenset())
    assert [(each.path, each.operation) for each in event.redact] == [("lat", "centroid"), ("labels.owner", "drop")]
    assert event.drop["user"] == "the rule of the house"
    assert event.drop["host"] == "an address"


def test_a_field_of_a_group_is_hidden(base: Path) -> None:
    """The group's other fields stay."""
    event = note(load(own(base, streams='[events.note.drop]\n"tracks[].codec" = "no"')))
    assert event.keep["tracks"] == {"width": None}
    assert event.why == {}


def test_a_key_of_a_map_is_hidden(base: Path) -> None:
    """What lies below something that is kept whole is really taken out."""
    event = note(load(own(base, streams='[events.note.drop]\n"labels.home" = "no"')))
    assert event.keep["labels"] == {"*": None}
    assert Redaction("labels.home", "drop") in event.redact


def test_a_key_that_had_an_operator_is_hidden(base: Path) -> None:
    """A value has one operator, and the extension's word counts."""
    (base / "streams.toml").write_text(replaced(BASE, 'user = "hash"', 'user = "hash"\n"labels.home" = "hash"'))
    event = note(load(own(base, streams='[events.note.drop]\n"labels.home" = "no"')))
    assert [each.operation for each in event.redact if each.path == "labels.home"] == ["drop"]


def test_keep_is_replaced(base: Path) -> None:
    """What the base says of fields that are no longer kept goes, and its reason for dropping one that is now kept."""
    event = note(load(own(base, streams='[events.note]\nkeep = ["text", "host", "labels.owner"]\nrequire = ["text"]')))
    assert event.keep == {"text": None, "host": None, "labels": {"owner": None}}
    assert (event.redact, event.drop, event.why, event.subject) == ((), {}, {}, None)


def test_an_operator_is_replaced_as_a_whole(base: Path) -> None:
    """Keys of the base's operator do not belong to another."""
    event = note(load(own(base, streams='[events.note.redact]\nlat = { op = "null" }\nlon = "null"')))
    assert {each.path: each for each in event.redact}["lat"] == Redaction("lat", "null")
    assert {each.path: each for each in event.redact}["user"] == Redaction("user", "hash")


def test_an_event_type_and_a_channel_are_added(base: Path) -> None:
    """Also where the base ignores the event type."""
    text = MINIMAL + '[events.noise]\nkeep = ["level"]\n'
    catalog = load(own(base, noises=text, streams='[events.end]\nkeep = ["stream_id"]\n'))
    assert catalog.routes["plain", "noise"][0] == "noises"
    assert catalog.routes["media", "end"][0] == "streams"
    assert catalog.ignored == frozenset()
    assert list(catalog.channels) == ["noises", "streams", "zoo"]


def test_event_types_are_no_longer_routed(base: Path) -> None:
    """By `ignore`, which adds to the base's; an alias likewise, of an event type that stays."""
    catalog = load(own(base, replaced(OWN, "format = 1", 'format = 1\nignore = ["roar", "hint"]\nwithout = ["zoo"]')))
    assert catalog.ignored == {"noise", "roar", "hint"}
    assert note(catalog).aliases == ("remark",)
    assert "zoo" not in catalog.channels
    assert not {"roar", "hint"} & {name for _, name in catalog.routes}


def test_a_channel_begins_anew(base: Path) -> None:
    """A file of a channel that is left out has nothing from the base."""
    pack = replaced(OWN, "format = 1", 'format = 1\nwithout = ["streams"]')
    catalog = load(own(base, pack, streams=MINIMAL + '[events.note]\nkeep = ["text"]\n'))
    assert list(catalog.channels["streams"].events) == ["note"]
    assert note(catalog).redact == ()


def test_rows_are_replaced(base: Path) -> None:
    """A list is one thing."""
    text = """
[[events.update.rows]]
table = "streams"
op = "delete"
columns = { stream_id = "stream_id", updated_at = { time = true } }
"""
    changes = load(own(base, streams=text)).channels["streams"].events["update"].rows
    assert [change.op for change in changes] == ["delete"]


def test_a_column_is_hidden(base: Path) -> None:
    """From rows that events bring, too, without a word about them."""
    catalog = load(own(base, streams='[tables.streams.drop]\nstatus = "no"'))
    assert streams(catalog).columns == ("stream_id", "updated_at")
    (change,) = catalog.channels["streams"].events["update"].rows
    assert [setting.column for setting in change.columns] == ["stream_id", "updated_at"]


@pytest.mark.parametrize("value", ['"status"', '{ first = [{ path = "status.x" }] }', '{ value = "a", when = WHEN }'])
def test_rows_keep_what_the_event_hides(base: Path, value: str) -> None:
    """A field that row changes read is still lifted for them, from where the topic or the event type has it."""
    text = replaced(BASE, FILTER, "").replace(' status = "status",', f" status = {value},")
    text = replaced(text, "[events.update]\n", '[events.update]\nlift = { status = "state" }\n')
    (base / "streams.toml").write_text(text.replace("WHEN", '{ path = "status" }'), encoding="utf-8")
    before = load(base).channels["streams"].events["update"]
    hiding = '[events.update.drop]\nstream_id = "no"\nstatus = "no"'
    event = load(own(base, streams=hiding)).channels["streams"].events["update"]
    assert not {"stream_id", "status"} & event.keep.keys()
    assert event.lift == before.lift == {"stream_id": ("data.stream_id",), "status": ("state",)}
    assert event.rows == before.rows


def test_a_batch_hands_on_what_its_items_show(base: Path) -> None:
    """And nothing that they no longer do."""
    events = load(own(base, streams='[events.sample.drop]\nstream_id = "no"')).channels["streams"].events
    assert (events["batch"].expand, events["batch"].lift) == (Expand("samples", "sample", "event_id", ()), {})


def test_columns_are_replaced(base: Path) -> None:
    """The same, with one more."""
    text = '[tables.streams]\ncolumns = ["stream_id", "size", "updated_at"]\ntypes = { size = "integer" }'
    catalog = load(own(base, streams=text))
    assert streams(catalog).columns == ("stream_id", "size", "updated_at")


def test_what_the_base_says_of_a_hidden_column_goes(base: Path) -> None:
    """Nothing may be said of a column that is not listed."""
    said = '[tables.streams]\nexpose = ["status"]\nconstant = ["status"]\nwhy = { status = "fine" }\n'
    (base / "streams.toml").write_text(replaced(BASE, "[tables.streams]\n", said), encoding="utf-8")
    table = streams(load(own(base, streams='[tables.streams.drop]\nstatus = "no"')))
    assert (set(table.expose), set(table.constant), dict(table.why)) == (set(), {"stream_id"}, {})


def test_a_filter_goes_with_what_it_filters(base: Path) -> None:
    """The extension could not take it out itself."""
    (base / "zoo.toml").write_text(replaced(ZOO, "[events", '[filters.volume]\ntype = "string"\ntitle = "V"\n[events'))
    text = '[events.roar]\nkeep = ["pitch"]\n'
    assert load(own(base, zoo=text)).channels["zoo"].filters == {}


def test_a_table_is_added(base: Path) -> None:
    """Its key may be hashed."""
    text = """
[tables.users]
title = "Users"
source = "users_current"
key = ["user"]
columns = ["user", "seen"]
redact = { user = "hash" }
"""
    channel = load(own(base, streams=text)).channels["streams"]
    assert list(channel.tables) == ["streams", "users"]
    assert channel.tables["users"].redact == (Redaction("user", "hash"),)


def test_extensions_of_extensions(base: Path) -> None:
    """Each is laid over the one below it."""
    middle = own(base, streams='[events.note.drop]\nuser = "no"')
    top = base.parent / "top"
    top.mkdir()
    (top / "pack.toml").write_text(OWN.replace("../base", "../own"), encoding="utf-8")
    (top / "streams.toml").write_text('title = "Top"\n[events.note.drop]\nextra = "no"')
    catalog = load(top)
    assert catalog.channels["streams"].title == "Top"
    assert {"user", "extra"} <= note(catalog).drop.keys()
    assert not {"user", "extra"} & note(catalog).keep.keys()
    assert load(middle).channels["streams"].title == "Streams"


def test_a_built_in_pack_is_extended(tmp_path: Path) -> None:
    """By its name, without a slash."""
    (tmp_path / "pack.toml").write_text(OWN.replace("../base", "frameworks"), encoding="utf-8")
    assert "streams" in load(tmp_path).channels


def test_loading_an_extension_changes_nothing_of_the_base(base: Path) -> None:
    """The same base can be extended and served by itself."""
    before = load(base)
    load(own(base, streams='[events.note.drop]\nuser = "no"\n[tables.streams.drop]\nstatus = "no"'))
    assert load(base) == before
