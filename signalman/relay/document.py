"""Bytes to a JSON object that is safe to walk: bounded in size and nesting."""

import orjson

from signalman.errors import DecodeError
from signalman.event import Json
from signalman.redaction.embedded import DEEPEST, is_deep

_NO_BRACKETS = bytes({*range(256)} - {*b"{["})


def read_object(value: bytes | None, max_bytes: int) -> dict[str, Json]:
    """The JSON object that *value* holds.

    Raises:
        DecodeError: ``empty`` (a tombstone), ``too_large``, ``not_json`` (also bytes that are not UTF-8),
            ``not_object``, ``too_deep``.
    """
    if not value:
        raise DecodeError("empty")
    if len(value) > max_bytes:
        raise DecodeError("too_large")
    reason = ""
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        # The parser's own sentence is not chained: it may quote the document.
        reason = "too_deep" if "depth limit" in error.msg else "not_json"
    if reason:
        raise DecodeError(reason)
    if type(body) is not dict:
        raise DecodeError("not_object")
    # A document cannot be deeper than it has brackets, and those are counted quickly.
    if len(value.translate(None, _NO_BRACKETS)) > DEEPEST and is_deep(body):
        raise DecodeError("too_deep")
    return body
