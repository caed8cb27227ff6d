"""A pack in which everything happens to some field, a record of it, and readings of explanations."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from signalman.event import Json, Record
from signalman.relay.fates import Field
from signalman.relay.reasons import Place
from tests.unit.relay.make import TENANT, TIME

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
source = "origin|source"
scope = { tenant = "tenant_id" }
payload = "data.{payload}"
lift = { node_id = "data.node_id" }

[topics.plain]
kafka = "plain_events"
consumer = "signalman-plain"

[topics.plain.envelope]
id = "id"
type = "kind"
time = "at"
source = "by"
scope = { tenant = "tenant" }
payload = "body"
"""

PLAYS = """
title = "Plays"
description = "Plays of a tenant."
permissions = ["plays:read", "read"]
roles = ["owner", "member"]
topic = "media"
slow_reader = "reset"

[limits]
event_bytes = 4096

[filters.stream_id]
type = "string"
title = "Stream"

[events.play]
about = "Somebody plays a stream."
aliases = ["play_resolve"]
subject = "stream_id"
require = ["stream_id"]
keep = [
    "stream_id", "node_id", "latitude", "longitude", "request_url", "viewer_ip", "session", "note", "upload_id",
    "details", "labels.*", "hits[].rule", "hits[].at", "tags", "place.city", "name",
]

[events.play.drop]
viewer = "who it was"
"secret.key" = "opens the door"
"times.*" = "by address"
"labels.owner" = "a person"

[events.play.why]
"place.city" = "no person"

[events.play.redact]
request_url = "url"
latitude = { op = "centroid", longitude = "longitude" }
viewer_ip = "mask"
session = "hash"
note = "scan"
upload_id = "null"
details = { op = "json", keep = ["reason"] }

[[events.play.rows]]
table = "plays"
when = [{ path = "stream_id" }]
columns = { stream_id = "stream_id", updated_at = { time = true } }
initial = { city = "place.city" }

[events.plays]
expand = { items = "items", type = "play", id = "item_id" }

[events.said]
topic = "plain"
keep = ["text"]

[tables.plays]
title = "Plays now"
source = "plays_current"
key = ["stream_id"]
columns = ["stream_id", "city", "updated_at"]
version = "updated_at"
types = { stream_id = "text", city = "text", updated_at = "time" }
"""

NAMES = {"media_events": "media", "eu.media_events": "media", "plain_events": "plain"}

PLAY: dict[str, Json] = {
    "stream_id": "s-1",
    "latitude": 52.51,
    "longitude": 13.39,
    "request_url": "https://203.0.113.7/live/index.m3u8?token=abcdef",
    "viewer_ip": "203.0.113.9",
    "session": "session-of-somebody",
    "note": "seen from 203.0.113.8 twice",
    "upload_id": "upload-0815",
    "details": '{"reason": "buffering", "peer": "203.0.113.6"}',
    "labels": {"team": "video", "owner": "somebody", "203.0.113.5": "by address", "edge_host": "edge-17"},
    "hits": [{"rule": "a", "at": "203.0.113.4"}, "no object", {"rule": "b", "at": "now", "more": 1}],
    "tags": ["plain", "203.0.113.3", "last"],
    "place": {"city": "Berlin", "street": "Unter den Linden"},
    "name": "203.0.113.2",
    "viewer": {"id": "viewer-4711"},
    "secret": {"key": "key-12345", "size": 3},
    "times": {"198.51.100.77": 3, "edge-name-8": 4},
    "brand_new": [1, 2],
}


def body(kind: str = "play", payload: Json = None, **others: Json) -> dict[str, Json]:
    """A record's JSON of topic media."""
    return {
        "event_id": "e-1",
        "event_type": kind,
        "timestamp": TIME,
        "source": "player",
        "tenant_id": TENANT,
        "region": "eu",
        "data": {"node_id": "n-1", "user_id": "user-4711", kind: PLAY if payload is None else payload},
    } | others


def record(value: object, topic: str = "media_events", *headers: tuple[str, bytes]) -> Record:
    """A record with *value*, JSON unless it is bytes."""
    return Record(topic, 0, 0, 0, None, value if isinstance(value, bytes) else orjson.dumps(value), headers)


def leaves(value: Json, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """Every value in *value* that holds no other, with its place."""
    if value and isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*place, key))
    elif value and isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*place, index))
    else:
        yield place, value


def owners(place: Place, fields: tuple[Field, ...]) -> list[Field]:
    """The fields that tell what becomes of the leaf at *place*."""
    return [
        field
        for field in fields
        if place[: len(field.place)] == field.place and (field.fate != "shown" or field.place == place)
    ]


def rebuilt(fields: tuple[Field, ...]) -> Json:
    """The data that *fields* say are shown."""
    whole: dict[Any, Any] = {}
    for field in fields:
        if field.fate != "removed" and (field.value or not isinstance(field.value, dict | list)):
            at = whole
            for key in field.place[:-1]:
                at = at.setdefault(key, {})
            at[field.place[-1]] = field.value
    return _with_lists(whole)


def without_empty(value: Json) -> Json:
    """*value* without objects and lists that hold nothing, which no shown field lies in."""
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item or not isinstance(item, dict | list)}
    if isinstance(value, list):
        items = [without_empty(item) for item in value]
        return [item for item in items if item or not isinstance(item, dict | list)]
    return value


def _with_lists(value: Json) -> Json:
    if isinstance(value, Mapping):
        if value and all(isinstance(key, int) for key in value):
            return [_with_lists(value[index]) for index in sorted(value)]
        return {key: _with_lists(item) for key, item in value.items()}
    return value
