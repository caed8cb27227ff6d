"""Records for a pack: an envelope that can be understood, more or less, and a payload of what the pack keeps."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from signalman.channel import Catalog, EventType
from signalman.event import Json, Record
from signalman.fields import KeepTree
from tests.fuzz.choices import Choices, choose, once_in
from tests.fuzz.values import DEEPEST, NAMES, key, text, value

TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
_TIMES = ("2026-08-20T10:11:12.123456789Z", "2026-08-20T10:11:12+02:00")


def record(choices: Choices, catalog: Catalog, samples: Mapping[str, bytes] = MappingProxyType({})) -> Record:
    """A record of one of the event types of *catalog*, with anything anywhere: put together out of what the pack keeps,
    or its sample with some values exchanged.
    """
    topic, name = choose(choices, tuple(catalog.routes))
    if name in samples and choices.integer(0, 2):
        body = orjson.loads(samples[name])
        for _ in range(choices.integer(0, 4)):
            _exchange(choices, body)
    else:
        body = _composed(choices, catalog, topic, name)
    headers = (("source", text(choices).encode()),) if once_in(choices, 16) else ()
    return Record(topic, 0, 0, 1_787_220_672_123, None, orjson.dumps(body), headers)


def _exchange(choices: Choices, where: Any) -> None:
    """Give something in *where*, however deep, another value, or another key."""
    while where:
        place = choose(choices, list(where) if isinstance(where, dict) else range(len(where)))
        below = where[place]
        if not isinstance(below, dict | list) or once_in(choices, 8):
            # Of its own kind mostly, so that it is not refused for that.
            is_text = isinstance(below, str) and not once_in(choices, 4)
            where[place] = text(choices) if is_text else value(choices)
            if isinstance(where, dict) and once_in(choices, 4):
                where[key(choices, NAMES)] = where[place]
            return
        where = below


def _composed(choices: Choices, catalog: Catalog, topic: str, name: str) -> dict[str, Any]:
    _, event_type = catalog.routes[topic, name]
    body: dict[str, Any] = {}
    envelope = catalog.topics[topic].envelope
    parts = {envelope.id: "0198f3c0-1111-7abc-8def-000000000001", envelope.source: "foghorn"}
    for path, usual in {**parts, envelope.type: name, envelope.time: choose(choices, _TIMES)}.items():
        _put(body, path, text(choices) if path in parts and once_in(choices, 16) else usual)
    for path in envelope.scope:
        _put(body, path, text(choices) if once_in(choices, 32) else TENANT)
    if event_type.payload:
        _put(body, event_type.payload, _payload(choices, catalog, event_type))
    for paths in event_type.lift.values():
        if choices.integer(0, 1):
            _put(body, paths[0], value(choices, depth=1))
    return body


def _payload(choices: Choices, catalog: Catalog, event_type: EventType) -> dict[str, Json]:
    made = _kept(choices, event_type.keep)
    made |= {name: value(choices, depth=1) for name in event_type.require if name not in made}
    if event_type.expand is not None:
        _, item = catalog.routes[event_type.topic, event_type.expand.type]
        items = [_kept(choices, item.keep) for _ in range(choices.integer(0, 3))]
        _put(made, event_type.expand.items, items)
    return made


def _kept(choices: Choices, keep: KeepTree) -> dict[str, Json]:
    """An object with much of what *keep* names, and something that it does not name."""
    made: dict[str, Json] = {}
    for name, below in keep.items():
        if choices.integer(0, 3):
            made[key(choices, NAMES) if name == "*" else name] = _below(choices, below)
    if once_in(choices, 3):
        made[key(choices, NAMES)] = value(choices)
    return made


def _below(choices: Choices, keep: KeepTree | None) -> Json:
    if keep is None or once_in(choices, 8):
        return value(choices, depth=DEEPEST - 1)
    if choices.integer(0, 1):
        return [_kept(choices, keep) for _ in range(choices.integer(0, 3))]
    return _kept(choices, keep)


def _put(body: dict[str, Any], paths: str, found: Json) -> None:
    """Put *found* at the first of *paths*, ``a.b|c``, unless something else than an object is on the way."""
    *above, last = paths.partition("|")[0].split(".")
    for name in above:
        below: Any = body.setdefault(name, {})
        if not isinstance(below, dict):
            return
        body = below
    body[last] = found
