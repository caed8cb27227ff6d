"""Each kind of fault of a channel and of its event types, by the exact line that a person reads."""

from pathlib import Path

import pytest

from tests.unit.catalog.sample import STREAMS, faults, replaced, write

SQL_NAME = "must be a plain SQL name: letters, digits and _, not beginning with a digit"
RECORD_PATH = 'must be dotted paths of field names, separated by |, such as "a.{payload}.b|c"'
NO_PATH = 'is not a path: names joined by dots, "name[]" for list items, "*" for the keys of a map'

CASES = [
    ('topic = "media"', 'topic = "medea"', "topic", 'unknown topic "medea", did you mean "media"?'),
    (
        'topic = "plain"',
        'topic = "nowhere"',
        "events.note.topic",
        'unknown topic "nowhere"; known here: "media", "plain"',
    ),
    ('permissions = ["streams:read"]', "permissions = []", "permissions", "must have at least one entry"),
    (
        'permissions = ["streams:read"]',
        'permissions = ["a b"]',
        "permissions[0]",
        "must be a permission name without spaces",
    ),
    ("[filters.stream_id]", '[filters."stream.id"]', 'filters."stream.id"', SQL_NAME),
    (
        "[filters.stream_id]",
        "[filters.node_id]",
        "filters.node_id",
        "is neither a kept field of an event nor a column of a table",
    ),
    (
        "[filters.stream_id]",
        "[filters.tracks]",
        "filters.tracks",
        "is neither a kept field of an event nor a column of a table",
    ),
    ("[events.update]", "[events.update]\nkeeep = []", "events.update.keeep", 'unknown key, did you mean "keep"?'),
    (
        "[events.update]",
        '[events."up date"]',
        'events."up date"',
        "an event type is letters, digits and any of _ . : / -",
    ),
    (
        "[events.update]",
        '[events."stream.update"]',
        'events."stream.update".payload',
        "is required, because the event type's name is no field name",
    ),
    (
        'subject = "stream_id"',
        'subject = "streamid"',
        "events.update.subject",
        '"streamid" is not kept as a whole, did you mean "stream_id"?',
    ),
    (
        'subject = "stream_id"',
        'subject = "place.city"',
        "events.update.subject",
        '"place.city" is not kept as a whole; known here: "status", "stream_id"',
    ),
    (
        'require = ["stream_id"]',
        'require = ["zzz"]',
        "events.update.require[0]",
        '"zzz" is not kept; known here: "place", "status", "stream_id", "tracks"',
    ),
    (
        'require = ["stream_id"]',
        'require = ["status", "status"]',
        "events.update.require[1]",
        'field "status" is listed twice',
    ),
    (
        'require = ["stream_id"]',
        'lift = { node = "data.node" }',
        "events.update.lift.node",
        "is lifted and then dropped, because `keep` does not list it",
    ),
    ('require = ["stream_id"]', 'lift = { status = "a b" }', "events.update.lift.status", RECORD_PATH),
    (
        'require = ["stream_id"]',
        'expose = ["url"]',
        "events.update.expose[0]",
        '"url" is not kept, so there is nothing to expose',
    ),
    ('require = ["stream_id"]', 'expose = ["status..a"]', "events.update.expose[0]", f'"status..a" {NO_PATH}'),
    (
        '"tracks[].@track"',
        '"tracks[].@tracks"',
        "events.update.keep[2]",
        'unknown group "tracks", did you mean "track"?',
    ),
    ('"place.city"', '"place.city", "place"', "events.update.keep[4]", '"place" is kept whole, and also only in part'),
    (
        '"place.city"',
        '"status.code"',
        "events.update.keep[3]",
        '"status.code" lies below "status", which is kept whole',
    ),
    ('"place.city"', '"status"', "events.update.keep[3]", '"status" is listed twice'),
    (
        '"place.city"',
        '"tracks.name"',
        "events.update.keep[3]",
        '"tracks" is a list (with []) in one path and an object in another',
    ),
    (
        '"place.city"',
        '"place.*", "place.city"',
        "events.update.keep[4]",
        '"place.city" mixes "*" with field names at the same place',
    ),
    (
        '"place.city"',
        '"place.city", "place.*.x"',
        "events.update.keep[4]",
        '"place.*.x" mixes "*" with field names at the same place',
    ),
    ('"place.city"', '"place."', "events.update.keep[3]", f'"place." {NO_PATH}'),
    ('"place.city"', '"pl ace.@track"', "events.update.keep[3]", f'"pl ace.@track" {NO_PATH}'),
    ('keep = ["text"]', "", "events.note.keep", "is required: without it the event would be empty"),
    (
        'keep = ["text"]',
        'keep = ["text"]\npayload = "note"',
        "events.note.payload",
        "has no effect: the topic's own `payload` is without {payload}",
    ),
    (
        'keep = ["text"]',
        'keep = ["text"]\nlift = { text = "{payload}.t" }',
        "events.note.lift.text",
        "{payload} means nothing here: the topic's own `payload` is without it",
    ),
    (
        "[events.batch]",
        '[events.batch]\nkeep = ["a"]',
        "events.batch.keep",
        "has no effect on a batch: its items are sent, each by its own event type's rules",
    ),
    (
        "[events.batch]",
        '[events.batch]\nlift = { a = "a" }',
        "events.batch.lift.a",
        "is lifted and then dropped, because `expand.inherit` does not list it",
    ),
    (
        'type = "sample"',
        'type = "samples"',
        "events.batch.expand.type",
        'unknown event type "samples", did you mean "sample"?',
    ),
    ('type = "sample"', 'type = "batch"', "events.batch.expand.type", '"batch" is a batch itself'),
    (
        'type = "sample", id = "event_id", inherit = ["stream_id"]',
        'type = "note", id = "event_id"',
        "events.batch.expand.type",
        '"note" belongs to another topic, "plain"',
    ),
    (
        'inherit = ["stream_id"]',
        'inherit = ["node_id"]',
        "events.batch.expand.inherit[0]",
        '"node_id" is not kept by "sample"',
    ),
    ('items = "samples", ', "", "events.batch.expand.items", "is required"),
    (
        'items = "samples"',
        'items = "samples[]"',
        "events.batch.expand.items",
        'must be a dotted path of field names, such as "a.b"',
    ),
    (
        'items = "samples"',
        'items = "samples", itmes = "x"',
        "events.batch.expand.itmes",
        'unknown key, did you mean "items"?',
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "reason"), CASES)
def test_event_fault(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    """A channel file with this one thing wrong says exactly this, and nothing besides."""
    assert faults(write(tmp_path, streams=replaced(STREAMS, old, new))) == [f"streams.toml: {key}: {reason}"]
