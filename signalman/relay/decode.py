"""First stage: a Kafka record to its envelope, understood, or to a `DecodeError` that says why not.

The body is the authority. A Kafka header fills in only what the body lacks, under the name that the body would use.
Reasons of this stage: ``unknown_topic empty too_large not_json not_object too_deep missing wrong_type too_long bad_time
bad_scope``. None of them ever carries a value of the record.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from signalman.channel import Catalog, Envelope, ScopeLevel
from signalman.errors import DecodeError
from signalman.event import Decoded, Json, Record, Scope, new_decoded
from signalman.relay.document import read_object
from signalman.relay.path import Path, candidates, follow, lacks
from signalman.relay.scope import LONGEST, canonical

MAX_BYTES = 8 * 1024 * 1024
"""Largest record that is parsed. The largest real one, a batch of 5,000 samples, has 2.7 MB."""

_MOST_SCOPES, _MOST_SECONDS = 4096, 1024
"""That are remembered."""

# RFC 3339 §5.6: up to the seconds, of which a leap second may be the 60th, and the rest, where nanoseconds are the
# finest that any source writes.
_SECOND = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)")
_REST: Final = re.compile(r"(?:\.[0-9]{1,9})?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])")
_UP_TO_SECONDS: Final = 19
"""Characters of 2026-08-20T10:00:04."""


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
        self._seconds: set[str] = set()
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
        id_, kind, time, source, levels = reader.texts(body, record)
        if not self._is_second(time[:_UP_TO_SECONDS]) or not _REST.fullmatch(time, _UP_TO_SECONDS):
            raise DecodeError("bad_time", reader.time.name)
        return new_decoded((topic, id_, kind, time, source, reader.scope(levels), body))

    def _is_second(self, text: str) -> bool:
        """Whether *text* is a time up to its seconds."""
        # Records come in the order of time: nearly all are of the same few seconds.
        if text in self._seconds:
            return True
        if not _SECOND.fullmatch(text) or not _is_date(text[:10]):
            return False
        if len(self._seconds) >= _MOST_SECONDS:
            self._seconds.clear()
        self._seconds.add(text)
        return True


_Texts = tuple[str, str, str, str, tuple[str, ...]]
"""Id, type, time and source, and a text for each scope level, empty where it is missing."""


class _Reader:
    """An envelope's paths, compiled."""

    def __init__(self, envelope: Envelope, levels: tuple[ScopeLevel, ...]) -> None:
        self._id, self._type, self._source = _Part(envelope.id), _Part(envelope.type), _Part(envelope.source)
        self.time = _Part(envelope.time)
        self._levels = tuple(map(_Part, envelope.scope))
        self._kinds = tuple((level.type, part.name) for level, part in zip(levels, self._levels, strict=True))
        self._scopes: dict[tuple[str, ...], Scope] = {}

    def texts(self, body: dict[str, Json], record: Record) -> _Texts:
        """The parts of the envelope that *body* and *record* have."""
        return (
            self._id.required(body, record),
            self._type.required(body, record),
            self.time.required(body, record),
            self._source.required(body, record),
            tuple([level.optional(body, record) for level in self._levels]),
        )

    def scope(self, texts: tuple[str, ...]) -> Scope | None:
        """The canonical scope: empty where every level is missing, None where some are. Levels that are there must be
        well-formed.
        """
        # A platform has far fewer tenants than records.
        known = self._scopes.get(texts)
        if known is not None:
            return known
        canonized = [canonical(text, *kind) if text else "" for text, kind in zip(texts, self._kinds, strict=True)]
        if not all(canonized):
            return None if any(canonized) else ()
        if len(self._scopes) >= _MOST_SCOPES:
            self._scopes.clear()
        scope = self._scopes[texts] = tuple(canonized)
        return scope


class _Part:
    """One part of an envelope: the paths where it may lie, and the headers that stand in for them."""

    def __init__(self, paths: str) -> None:
        self.name = paths
        self._paths: tuple[tuple[Path, str], ...] = tuple((path, ".".join(path)) for path in candidates(paths))
        self._key = self._paths[0][1] if len(self._paths[0][0]) == 1 else ""
        """The key of the body where it lies first of all; empty where that is a longer path."""

    def required(self, body: dict[str, Json], record: Record) -> str:
        """The part's text."""
        text = self.optional(body, record)
        if not text:
            raise DecodeError("missing", self.name)
        return text

    def optional(self, body: dict[str, Json], record: Record) -> str:
        """The part's text, empty where neither the body nor a header has it."""
        if self._key:
            text = body.get(self._key)
            # As nearly always.
            if type(text) is str and 0 < len(text) <= LONGEST:
                return text
        return self._looked_for(body, record)

    def _looked_for(self, body: dict[str, Json], record: Record) -> str:
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
