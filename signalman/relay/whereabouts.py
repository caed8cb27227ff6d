"""Where the parts of a record lie: for people who ask, and who have a record without its topic."""

from collections.abc import Mapping
from dataclasses import dataclass

from signalman.channel import Catalog, Envelope, EventType, ScopeLevel
from signalman.errors import DecodeError
from signalman.event import Decoded, Json, Record
from signalman.relay.decode import MAX_BYTES
from signalman.relay.document import read_object
from signalman.relay.path import candidates, follow, lacks, parse


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the envelope, and where it was found."""

    name: str
    text: str
    """Empty where there is none: only a scope level may be missing."""
    found: str
    """Path in the record, ``header`` and its name, or all of the paths where it was looked for in vain."""


def parts(record: Record, decoded: Decoded, envelope: Envelope, levels: tuple[ScopeLevel, ...]) -> tuple[Part, ...]:
    """Id, type, time, source and each scope level, as the decoder found them."""
    names = ("id", "type", "time", "source", *(level.name for level in levels))
    texts = (decoded.id, decoded.type, decoded.time, decoded.source, *(decoded.scope or ("",) * len(levels)))
    places = (_found(record, decoded.body, paths) for paths in _paths(envelope))
    # Of an event without a scope some level may be there all the same.
    return tuple(
        Part(name, text or found, where) for name, text, (where, found) in zip(names, texts, places, strict=True)
    )


def lifted(decoded: Decoded, event_type: EventType) -> tuple[str, ...]:
    """Fields of *event_type*'s data that the record has beside the payload, or in it under another name."""
    return tuple(name for name, paths in event_type.lift.items() if any(_leads(decoded.body, path) for path in paths))


def beside(decoded: Decoded, envelope: Envelope, declared: EventType, published: EventType) -> tuple[str, ...]:
    """Paths of the record beside the payload of *declared* that neither the envelope nor a lift into *published* reads:
    they are out of reach for every keep list.
    """
    read = {".".join(path) for paths in _paths(envelope) for path in candidates(paths)}
    read.update(path for name in lifted(decoded, published) for path in published.lift[name])
    found: list[str] = []
    at: Json = decoded.body
    payload = parse(declared.payload)
    for depth, key in enumerate(payload):
        if not isinstance(at, dict):
            break
        found += [".".join((*payload[:depth], name)) for name in at if name != key]
        at = at.get(key)
    return tuple(path for path in found if path not in read)


def topic_of(value: bytes, catalog: Catalog) -> str | None:
    """The logical topic whose records look like *value*: one that routes its event type or takes it for a signal, else
    one that has any event type where *value* has it, else None.
    """
    try:
        body = read_object(value, MAX_BYTES)
    except DecodeError:
        return None
    types = {name: _first(body, topic.envelope.type) for name, topic in catalog.topics.items()}
    known = (name for name, kind in types.items() if (name, kind) in catalog.routes or (name, kind) in catalog.signals)
    return next(known, next((name for name, kind in types.items() if kind), None))


def _paths(envelope: Envelope) -> tuple[str, ...]:
    return (envelope.id, envelope.type, envelope.time, envelope.source, *envelope.scope)


def _found(record: Record, body: Mapping[str, Json], paths: str) -> tuple[str, str]:
    """The candidate of *paths* that the decoder took, all of them where it found nothing; and what lies there."""
    for path in candidates(paths):
        if not lacks(value := follow(body, path)):
            return ".".join(path), value
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    for path in candidates(paths):
        if text := headers.get(".".join(path)):
            return f"header {'.'.join(path)}", text
    return paths, ""


def _leads(body: Mapping[str, Json], path: str) -> bool:
    return not lacks(follow(body, parse(path)))


def _first(body: Mapping[str, Json], paths: str) -> str:
    found = (follow(body, path) for path in candidates(paths))
    return next((value for value in found if isinstance(value, str) and value), "")
