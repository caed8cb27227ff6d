"""Each kind of fault of operators, reasons, aliases, limits and the slow-reader policy, by the exact line."""

from pathlib import Path

import pytest

from tests.unit.catalog.sample import PACK, STREAMS, faults, replaced, write

RICH = replaced(
    STREAMS,
    'keep = ["text"]',
    """
keep = ["text", "user", "lat", "lon", "labels.*", "links[].url", "size.w", "extra"]
subject = "user"
""",
)
SAID = "# here"
RICH = replaced(RICH, "[tables.streams]\n", f"{SAID}\n[tables.streams]\n")
KEPT = '"extra", "labels.*", "lat", "links[].url", "lon", "size.w", "text", "user"'
OPERATORS = '"centroid", "hash", "json", "mask", "null", "scan", "url"'
MEETS = "has an operator too, and leads to the same value or to one in it"
LIST = '"links" is a list (with []) in one path and an object in another'
IN_QUOTES = "a path with dots stands in quotes"

TIMED = """
redact = { status = "null" }
types = { status = "text", updated_at = "time" }
clock = [{ column = "updated_at", after = "1m", unless = { status = ["x"] }, remove = true }]
"""

EVENT_CASES = [
    ('redact = { txt = "scan" }', "redact.txt", 'is not listed in `keep`, did you mean "text"?'),
    ('redact = { zzz = "scan" }', "redact.zzz", f"is not listed in `keep`; known here: {KEPT}"),
    ('redact = { size = "null" }', "redact.size", "is kept in parts: name each of them"),
    (
        'redact = { "size.*" = "null" }',
        'redact."size.*"',
        'is not listed in `keep`, did you mean "size.w"?',
    ),
    ('redact = { "links.url" = "url" }', 'redact."links.url"', LIST),
    (
        'redact = { "links[]" = "url" }',
        'redact."links[]"',
        '"links[]" keeps whole items: write "links", or name the fields to keep',
    ),
    (
        'redact = { "@track" = "url" }',
        'redact."@track"',
        '"@track" is not a path: names joined by dots, "name[]" for list items, "*" for the keys of a map',
    ),
    ('redact = { text = "scann" }', "redact.text", 'unknown operator "scann", did you mean "scan"?'),
    ('redact = { text = "zzz" }', "redact.text", f'unknown operator "zzz"; known here: {OPERATORS}'),
    ('redact = { text = "drop" }', "redact.text", "a path that is dropped stands in `drop`, with its reason"),
    (
        "redact = { text = 5 }",
        "redact.text",
        f"must be an operator, or a table with the operator as `op`; {IN_QUOTES}",
    ),
    (
        'redact = { labels.owner = "hash" }',
        "redact.labels",
        f"must be an operator, or a table with the operator as `op`; {IN_QUOTES}",
    ),
    ('redact = { text = { op = "scan", opp = 1 } }', "redact.text.opp", None),
    (
        'redact = { text = { op = "scan", keep = ["a"] } }',
        "redact.text.keep",
        'belongs to operator "json", and this one is "scan"',
    ),
    (
        'redact = { text = { op = "mask", longitude = "lon" } }',
        "redact.text.longitude",
        'belongs to operator "centroid", and this one is "mask"',
    ),
    ('redact = { text = "json" }', "redact.text.keep", 'is required by operator "json"'),
    ('redact = { text = { op = "json", keep = ["a", "a.b"] } }', "redact.text.keep[1]", None),
    ('redact = { text = { op = "json", keep = ["@trak"] } }', "redact.text.keep[0]", None),
    ('redact = { lat = "centroid" }', "redact.lat.longitude", 'is required by operator "centroid"'),
    (
        'redact = { lat = { op = "centroid", longitude = "lng" } }',
        "redact.lat.longitude",
        'is not listed in `keep`, did you mean "lon"?',
    ),
    (
        'redact = { lat = { op = "centroid", longitude = "lat" } }',
        "redact.lat.longitude",
        "must be another field than the latitude, beside it",
    ),
    (
        'redact = { lat = { op = "centroid", longitude = "lon", resolution = 16 } }',
        "redact.lat.resolution",
        "must be at most 15",
    ),
    (
        'redact = { lat = { op = "centroid", longitude = "lon", resolution = -1 } }',
        "redact.lat.resolution",
        "must be at least 0",
    ),
    (
        'redact = { lat = { op = "centroid", longitude = "lon" }, lon = "null" }',
        "redact.lon",
        f'"lon" {MEETS}',
    ),
    ('redact = { "labels.*" = "scan", "labels.owner" = "hash" }', 'redact."labels.owner"', f'"labels.*" {MEETS}'),
    (
        'redact = { extra = { op = "json", keep = ["a"] }, "extra.ip" = "mask" }',
        'redact."extra.ip"',
        f'"extra" {MEETS}',
    ),
    (
        'redact = { "labels.owner" = "hash" }\ndrop = { "labels.owner" = "a person" }',
        'drop."labels.owner"',
        f'"labels.owner" {MEETS}',
    ),
    ('redact = { user = "mask" }', "redact.user", 'is the event\'s subject, which may only be "hash"ed'),
    (
        'redact = { text = "mask" }\nexpose = ["text"]',
        "expose[0]",
        'has no effect: "text" is past the net already, by its operator "mask"',
    ),
    (
        'redact = { text = "null" }\nexpose = ["text"]',
        "expose[0]",
        'has no effect: "text" leaves nothing to expose, by its operator "null"',
    ),
    ('drop = { text = "free" }', "drop.text", '"text" stands in `keep`: it is either shown or dropped'),
    ('drop = { size = "big" }', "drop.size", '"size.w" stands in `keep`: it is either shown or dropped'),
    ('drop = { "labels.*" = "any" }', 'drop."labels.*"', '"labels.*" stands in `keep`: it is either shown or dropped'),
    ('drop = { "size.*" = "any" }', 'drop."size.*"', '"size.w" stands in `keep`: it is either shown or dropped'),
    ('drop = { "links.secret" = "x" }', 'drop."links.secret"', LIST),
    ('drop = { host = "@adress" }', "drop.host", 'unknown reason "adress", did you mean "address"?'),
    ('drop = { host = " " }', "drop.host", "must not be empty"),
    ("drop = { host = 1 }", "drop.host", "must be text"),
    ('drop = { extra.host = "x" }', "drop.extra", f"must be a sentence or @reason; {IN_QUOTES}"),
    ('why = { txt = "fine" }', "why.txt", 'is not listed in `keep`, did you mean "text"?'),
    ('why = { text = "@fin" }', "why.text", 'unknown reason "fin"; known here: "address"'),
    ('why = { "links.url" = "fine" }', 'why."links.url"', LIST),
    ('about = ""', "about", "must not be empty"),
    ('aliases = ["note"]', "aliases[0]", '"note" is a name of event type "note" of channel "streams" already'),
    ('aliases = ["a b"]', "aliases[0]", "an event type is letters, digits and any of _ . : / -"),
    ('aliases = ["x", "x"]', "aliases[1]", '"x" is a name of event type "note" of channel "streams" already'),
]

TABLE_CASES = [
    (
        'redact = { statu = "scan" }',
        "redact.statu",
        'is not listed in `columns`, did you mean "status"?',
    ),
    ('redact = { updated_at = "null" }', "redact.updated_at", "is the version: rows could not be compared"),
    (
        'redact = { status = "url" }\ntypes = { status = "integer" }',
        "redact.status",
        'operator "url" is for columns of type "text", and this one\'s is "integer"',
    ),
    (
        'redact = { status = "hash" }\ntypes = { status = "bool" }',
        "redact.status",
        'operator "hash" is for columns of type "text", "uuid", "integer", "integer64", and this one\'s is "bool"',
    ),
    (
        'redact = { status = { op = "centroid", longitude = "lng" } }',
        "redact.status.longitude",
        'is not listed in `columns`; known here: "status", "stream_id", "updated_at"',
    ),
    (
        TIMED,
        "redact.status",
        "is in a clock rule, which goes by its value",
    ),
    ('drop = { status = "x" }', "drop.status", '"status" stands in `columns`: it is either shown or dropped'),
    ('drop = { host = "@nobody" }', "drop.host", 'unknown reason "nobody"; known here: "address"'),
    ('drop = { "a.b" = "x" }', 'drop."a.b"', None),
    ('why = { host = "x" }', "why.host", None),
    (
        'redact = { status = "hash" }\nexpose = ["status"]',
        "expose[0]",
        'has no effect: "status" is past the net already, by its operator "hash"',
    ),
]

FILE_CASES = [
    ('slow_reader = "drop"', "slow_reader", 'must be one of "reset" or "skip"'),
    ("limits = { event_bytes = 10 }", "limits.event_bytes", "must be at least 1024"),
    ("limits = { filter_values = 0 }", "limits.filter_values", "must be at least 1"),
    ("limits = { filter_values = 1001 }", "limits.filter_values", "must be at most 1000"),
    ("limits = { event_byte = 5_000 }", "limits.event_byte", 'unknown key, did you mean "event_bytes"?'),
]

ROWS = """
[[events.update.rows]]
table = "streams"
columns = { stream_id = "stream_id", updated_at = { time = true } }

[tables.streams.types]
stream_id = "text"
status = "text"
updated_at = "time"
"""


@pytest.fixture
def pack() -> str:
    """The sample's pack, with a reason."""
    return PACK + '\n[reasons]\naddress = "tells where a person is"\n'


def check(folder: Path, pack: str, streams: str, key: str, reason: str | None) -> None:
    """There is one fault, at *key*, and it says *reason*, or anything at all where that is None."""
    [line] = faults(write(folder, pack, streams=streams))
    assert line.startswith(f"streams.toml: {key}: ")
    assert reason is None or line == f"streams.toml: {key}: {reason}"


@pytest.mark.parametrize(("said", "key", "reason"), EVENT_CASES)
def test_event_type(tmp_path: Path, pack: str, said: str, key: str, reason: str | None) -> None:
    """An event type with this one thing wrong says exactly this, and nothing besides."""
    check(tmp_path, pack, replaced(RICH, SAID, said), f"events.note.{key}", reason)


@pytest.mark.parametrize(("said", "key", "reason"), TABLE_CASES)
def test_table(tmp_path: Path, pack: str, said: str, key: str, reason: str | None) -> None:
    """So does a table."""
    streams = replaced(STREAMS, "[tables.streams]\n", f"[tables.streams]\n{said}\n")
    check(tmp_path, pack, streams, f"tables.streams.{key}", reason)


@pytest.mark.parametrize(("said", "key", "reason"), FILE_CASES)
def test_channel_file(tmp_path: Path, pack: str, said: str, key: str, reason: str) -> None:
    """So does the file as a whole."""
    check(tmp_path, pack, f"{said}\n{STREAMS}", key, reason)


def test_a_key_tells_rows_apart(tmp_path: Path, pack: str) -> None:
    """A pseudonym does, and nothing else: with any other operator, rows would become one another."""
    streams = replaced(STREAMS, '[filters.stream_id]\ntype = "uuid"\ntitle = "Stream"\n', "")
    streams = replaced(streams, "[tables.streams]\n", '[tables.streams]\nredact = { stream_id = "hash" }\n')
    assert faults(write(tmp_path, pack, streams=streams)) == []
    for operator in ("null", "scan"):
        other = replaced(streams, '"hash"', f'"{operator}"')
        reason = 'is part of the key, which may only be "hash"ed'
        assert faults(write(tmp_path, pack, streams=other)) == [
            f"streams.toml: tables.streams.redact.stream_id: {reason}"
        ]


def test_a_filter_keeps_its_values(tmp_path: Path, pack: str) -> None:
    """Subscribers filter by values as the platform has them: no operator may stand on a filter, in events or tables."""
    streams = replaced(STREAMS, "[filters.stream_id]", "[filters.status]")
    streams = replaced(streams, 'subject = "stream_id"', 'redact = { status = "hash" }')
    streams = replaced(streams, "[tables.streams]\n", '[tables.streams]\nredact = { status = "scan" }\n')
    assert faults(write(tmp_path, pack, streams=streams)) == [
        f"streams.toml: {key}.redact.status: is a filter: subscribers could not give its values"
        for key in ("events.update", "tables.streams")
    ]


def test_a_batch_shows_nothing(tmp_path: Path, pack: str) -> None:
    """So nothing can be redacted there, or argued; what it has and does not show may be said."""
    said = 'redact = { a = "null" }\nwhy = { a = "b" }\ndrop = { host = "@address" }\n'
    streams = replaced(STREAMS, "[events.batch]\n", f"[events.batch]\n{said}")
    assert faults(write(tmp_path, pack, streams=streams)) == [
        f"streams.toml: events.batch.{key}: has no effect on a batch: its items are sent, each by its own event "
        "type's rules"
        for key in ("redact", "why")
    ]


def test_skip_needs_tables_that_stay(tmp_path: Path, pack: str) -> None:
    """A reader that is taken to the newest events would miss row changes; where events change none, it misses none."""
    streams = f'slow_reader = "skip"\n{STREAMS}'
    assert faults(write(tmp_path, pack, streams=streams)) == []
    assert faults(write(tmp_path, pack, streams=streams + ROWS)) == [
        'streams.toml: slow_reader: "skip" would lose changes of table "streams", which events change'
    ]


def test_all_at_once(tmp_path: Path, pack: str) -> None:
    """A wrong operator does not hide a wrong path, nor a wrong limit the rest."""
    said = 'redact = { txt = "scann", lat = { op = "null", keep = [] } }\ndrop = { user = "@x" }\nwhy = { zz = "@y" }'
    streams = "limits = { event_bytes = 1 }\n" + replaced(RICH, SAID, said)
    found = faults(write(tmp_path, pack, streams=streams))
    assert [line.split(": ")[1] for line in found] == [
        "events.note.drop.user",
        "events.note.drop.user",
        "events.note.redact.lat.keep",
        "events.note.redact.txt",
        "events.note.redact.txt",
        "events.note.why.zz",
        "events.note.why.zz",
        "limits.event_bytes",
    ]
