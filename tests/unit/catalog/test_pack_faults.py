"""Each kind of fault of ``pack.toml``, by the exact line that a person reads."""

from pathlib import Path

import pytest

from tests.unit.catalog.sample import PACK, faults, write

SQL_NAME = "must be a plain SQL name: letters, digits and _, not beginning with a digit"
RECORD_PATH = 'must be dotted paths of field names, separated by |, such as "a.{payload}.b|c"'
NO_PATH = 'is not a path: names joined by dots, "name[]" for list items, "*" for the keys of a map'

CASES = [
    ("format = 1", "format = 2", "pack.format", "this Signalman reads format 1"),
    ("format = 1", "format = true", "pack.format", "this Signalman reads format 1"),
    (
        'name = "sample"',
        'name = "Sample"',
        "pack.name",
        "must be lower-case letters, digits and _, beginning with a letter",
    ),
    ('title = "Sample"', 'title = " "', "pack.title", "must not be empty"),
    ('title = "Sample"', "title = 7", "pack.title", "must be text"),
    ('ignore = ["noise"]', 'ignore = "noise"', "pack.ignore", "must be a list"),
    (
        'ignore = ["noise"]',
        'ignore = ["a b"]',
        "pack.ignore[0]",
        "an event type is letters, digits and any of _ . : / -",
    ),
    ('ignore = ["noise"]', 'ignore = ["noise", "noise"]', "pack.ignore[1]", 'event type "noise" is listed twice'),
    (
        'ignore = ["noise"]',
        'ignore = ["update"]',
        "pack.ignore",
        'event type "update" is ignored here and routed by a channel',
    ),
    ('type = "uuid"', 'type = "int"', "scope[0].type", 'must be one of "uuid" or "string"'),
    ('column = "tenant_id"', 'column = "tenant id"', "scope[0].column", SQL_NAME),
    (
        "[[scope]]",
        '[[scope]]\nlevel = "tenant"\ntype = "uuid"\nclaim = "c"\ncolumn = "c"\n[[scope]]',
        "scope[1]",
        'scope level "tenant" is listed twice',
    ),
    (
        'kafka = "media_events"',
        'kafka = "media events"',
        "topics.media.kafka",
        "must be a Kafka topic name: letters, digits, . _ and -",
    ),
    (
        'kafka = "media_events"',
        'kafka = "plain_events"',
        "topics.plain.kafka",
        '"plain_events" is already the topic of "media"',
    ),
    (
        'payload = "data.{payload}"',
        'payload = "data.{name}"',
        "topics.media.envelope.payload",
        'must be a dotted path of field names, such as "data" or "data.{payload}"',
    ),
    (
        'payload = "data.{payload}"',
        'payload = "data"\nbogus = 1',
        "topics.media.envelope.bogus",
        'unknown key; known here: "id", "lift", "payload", "scope", "source", "time", "type"',
    ),
    (
        'lift = { stream_id = "data.stream_id" }',
        'lift = { stream_id = "data..stream_id" }',
        "topics.media.envelope.lift.stream_id",
        RECORD_PATH,
    ),
    (
        'lift = { stream_id = "data.stream_id" }',
        'lift = { "a.b" = "c" }',
        'topics.media.envelope.lift."a.b"',
        "must be one field name: letters, digits, _ and -, without dots",
    ),
    (
        'payload = "data"\n',
        'payload = "data"\nlift = { a = "{payload}.a" }\n',
        "topics.plain.envelope.lift.a",
        "{payload} means nothing here: the topic's own `payload` is without it",
    ),
    (
        'track = ["codec", "width"]',
        'track = ["codec", "width[]"]',
        "fields.track[1]",
        '"width[]" keeps whole items: write "width", or name the fields to keep',
    ),
    ('track = ["codec", "width"]', "track = [7]", "fields.track[0]", "must be text"),
    ('track = ["codec", "width"]', 'track = ["codec", "@more"]', "fields.track[1]", f'"@more" {NO_PATH}'),
]


@pytest.mark.parametrize(("old", "new", "key", "reason"), CASES)
def test_pack_file_fault(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    """A pack file with this one thing wrong says exactly this, and nothing besides."""
    assert faults(write(tmp_path, PACK.replace(old, new, 1))) == [f"pack.toml: {key}: {reason}"]
