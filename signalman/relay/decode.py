"""First stage: a Kafka record to its envelope, understood, or to a `DecodeError` that says why not.

The body is the authority. A Kafka header fills in only what the body lacks, under the name that the body would use.
Reasons of this stage: ``unknown_topic empty too_large not_json not_object too_deep missing wrong_type too_long bad_time
bad_scope``. None of them ever carries a value of the record.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from operator import itemgetter

from signalman.channel import Catalog, Envelope, ScopeLevel
from signalman.errors import DecodeError
from signalman.event import Decoded, Json, Record, Scope, new_decoded
from signalman.relay.document import read_object
from signalman.relay.path import Path, candidates, follow, lacks
from signalman.relay.scope import LONGEST, canonical

MAX_BYTES = 8 * 1024 * 1024
"""Largest record that is parsed. The largest real one, a batch of 5,000 samples, has 2.7 MB."""

# RFC 3339 §5.6; a leap second is allowed there, and nanoseconds are the finest that any source writes.
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


class Decoder:
    """Understands the envelopes of a pack's topics. Pure: the same record always decodes the same."""

    def __init__(self, catalog: Catalog, names: Mapping[str, str], *, max_bytes: int = MAX_BYTES) -> None:
        """Compile the envelopes.

        Args:
            catalog: The pack.
            names: Kafka topic → logical topic of the pack; several Kafka topics may carry one logical topic.
            max_bytes: Larger records are refused as ``too_large``.
        """
        self._max_bytes = max_bytes
        self._envelopes = {
            kafka: (logical, _Reader(catalog.topics[logical].envelope, catalog.levels))
            for kafka, logical in names.items()
        }

    def decode(self, record: Record) -> Decoded:
        """The envelope of *record*.

        Raises:
            DecodeError: With one of the reasons above, and the path at fault where there is one.
        """
        try:
            topic, reader = self._envelopes[record.topic]
        except KeyError:
            raise DecodeError("unknown_topic") from None
        body = read_object(record.value, self._max_bytes)
        texts = reader.texts(body, record)
        id_, kind, time, source = texts[:4]
        if not _TIME.fullmatch(time) or not _is_date(time[:10]):
            raise DecodeError("bad_time", reader.time.name)
        return new_decoded((topic, id_, kind, time, source, reader.scope(texts[4:]), body))


class _Reader:
    """An envelope's paths, compiled."""

    def __init__(self, envelope: Envelope, levels: tuple[ScopeLevel, ...]) -> None:
        self.time = _Part(envelope.time)
        self._required = (_Part(envelope.id), _Part(envelope.type), self.time, _Part(envelope.source))
        self._levels = tuple(map(_Part, envelope.scope))
        self._kinds = tuple((level.type, part.name) for level, part in zip(levels, self._levels, strict=True))
        self._keys = [part.key for part in (*self._required, *self._levels)]
        self._plain = itemgetter(*self._keys) if all(self._keys) else None
        # A platform has far fewer tenants than records.
        self.scope = lru_cache(maxsize=4096)(self._scope)

    def texts(self, body: Mapping[str, Json], record: Record) -> tuple[str, ...]:
        """Id, type, time and source, and a text for each scope level, empty where it is missing."""
        if self._plain is not None and self._is_plain(body):
            texts: tuple[str, ...] = self._plain(body)
            return texts
        required = (part.required(body, record) for part in self._required)
        return (*required, *(part.optional(body, record) for part in self._levels))

    def _is_plain(self, body: Mapping[str, Json]) -> bool:
        """Whether each part is a key of *body* with a proper text under it, as nearly always."""
        for key in self._keys:
            text = body.get(key)
            if type(text) is not str or not 0 < len(text) <= LONGEST:
                return False
        return True

    def _scope(self, texts: tuple[str, ...]) -> Scope | None:
        """The canonical scope; None as soon as a level is missing. Levels that are there must be well-formed."""
        canonized = [canonical(text, *kind) if text else "" for text, kind in zip(texts, self._kinds, strict=True)]
        return tuple(canonized) if all(canonized) else None


class _Part:
    """One part of an envelope: the paths where it may lie, and the headers that stand in for them."""

    def __init__(self, paths: str) -> None:
        self.name = paths
        self._paths: tuple[tuple[Path, str], ...] = tuple((path, ".".join(path)) for path in candidates(paths))
        self.key = self._paths[0][1] if len(self._paths[0][0]) == len(self._paths) == 1 else ""
        """The one key of the body that is the part; empty where it has a longer path, or several."""

    def required(self, body: Mapping[str, Json], record: Record) -> str:
        """The part's text."""
        text = self.optional(body, record)
        if not text:
            raise DecodeError("missing", self.name)
        return text

    def optional(self, body: Mapping[str, Json], record: Record) -> str:
        """The part's text, empty where neither the body nor a header has it."""
        for path, where in self._paths:
            value = follow(body, path)
            if not lacks(value):
                return _checked_text(value, where)
        for _, name in self._paths:
            text = _header(record, name)
            if text:
                return _checked_text(text, name)
        return ""


def _checked_text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise DecodeError("wrong_type", where)
    if len(value) > LONGEST:
        raise DecodeError("too_long", where)
    return value


# Records come in the order of time: nearly all are of one day.
@lru_cache(maxsize=64)
def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _header(record: Record, name: str) -> str:
    """The last header *name*, as Kafka clients read repeated ones; empty where it is absent or no UTF-8."""
    for key, value in reversed(record.headers):
        if key == name:
            try:
                return value.decode()
            except UnicodeDecodeError:
                return ""
    return ""
