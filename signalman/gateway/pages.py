"""Cursors of table pages: where a page ended, as text that a client hands back.

A cursor holds the key of a page's last row, as the row shows it, and a digest of what was asked, so that one of another
table, scope or filter is refused instead of giving a page from somewhere else. It is no secret and grants nothing: the
scope of a page always comes from the request.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b

import orjson

from signalman.errors import BadMessage
from signalman.event import Json
from signalman.ports import SnapshotQuery


def encode_cursor(query: SnapshotQuery, row: Mapping[str, Json]) -> str:
    """The cursor of a page of *query* whose last row is *row*: base64url, without padding."""
    content = orjson.dumps([_digest(query), *key_of(query, row)])
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decode_cursor(query: SnapshotQuery, cursor: str) -> tuple[str, ...]:
    """The ``after`` that *cursor* stands for. The page's own ``after`` and ``limit`` do not matter.

    Raises:
        BadMessage: ``invalid_request`` when it is no cursor, or one of another table, scope or filter.
    """
    content = _content(cursor)
    match content:
        case [digest, *key] if digest == _digest(query) and len(key) == len(query.table.key):
            if all(isinstance(value, str) for value in key):
                return tuple(key)
    raise BadMessage("invalid_request", "The cursor is not one of this table, scope and filter; begin without one.")


def key_of(query: SnapshotQuery, row: Mapping[str, Json]) -> tuple[str, ...]:
    """A row's key in the form of ``SnapshotQuery.after``."""
    return tuple(_text(row[column]) for column in query.table.key)


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _content(cursor: str) -> Json:
    try:
        return orjson.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError):
        return None


def _digest(query: SnapshotQuery) -> str:
    asked = [query.table.name, query.table.source, query.table.key, query.scope, query.filters]
    return blake2b(orjson.dumps(asked), digest_size=9).hexdigest()
