"""The kinds of name and path that pack files hold, each with the sentence that a person reads when one is wrong."""

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Strict
from pydantic_core import PydanticCustomError

from signalman.table import ColumnType

PAYLOAD = "{payload}"
"""Placeholder in a topic's paths for the event type's own payload name."""

FIELD = r"[A-Za-z_][A-Za-z0-9_-]*"
"""One field name within a JSON object, as a pattern."""

OWN_SENTENCE = "signalman"
"""pydantic error type of every check below: its message is already the sentence to print."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _matching(pattern: str, reason: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise PydanticCustomError(OWN_SENTENCE, "{reason}", {"reason": reason})
        return text

    return AfterValidator(check)


def _path_check(segment: str, reason: str) -> Callable[[str], str]:
    whole = re.compile(rf"{segment}(\.{segment})*")

    def check(text: str) -> str:
        parts = [part.strip() for part in text.split("|")]
        if not all(whole.fullmatch(part) for part in parts):
            raise PydanticCustomError(OWN_SENTENCE, "{reason}", {"reason": reason})
        return "|".join(parts)

    return check


def seconds(duration: str) -> int | None:
    """Seconds of a duration such as ``4h``, or None when *duration* is not one."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", duration)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def _duration(text: str) -> str:
    if seconds(text) is None:
        raise PydanticCustomError(OWN_SENTENCE, 'must be a time, such as "90s", "15m", "4h" or "7d"')
    return text


def _column_kind(text: str) -> str:
    if text.removesuffix("?") not in get_args(ColumnType):
        reason = f"must be one of {quoted(get_args(ColumnType))}, with ? behind it where the column can be null"
        raise PydanticCustomError(OWN_SENTENCE, "{reason}", {"reason": reason})
    return text


def _is_sentence(value: Any) -> Any:
    if isinstance(value, dict):
        raise PydanticCustomError(OWN_SENTENCE, "must be a sentence or @reason; a path with dots stands in quotes")
    return value


def quoted(names: Iterable[str]) -> str:
    """*names* in their order, each in quotes, for a sentence."""
    return ", ".join(f'"{name}"' for name in names)


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to say after "unknown …": the nearest known name, else all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f', did you mean "{close[0]}"?'
    return f"; known here: {quoted(names)}" if names else "; none is known here"


Text = Annotated[str, _matching(r"[\s\S]*\S[\s\S]*", "must not be empty")]
Sentence = Annotated[Text, BeforeValidator(_is_sentence)]
"""Why something is so: in words, or ``@name`` for one of the pack's reasons."""
Name = Annotated[
    str, _matching(r"[a-z][a-z0-9_]*", "must be lower-case letters, digits and _, beginning with a letter")
]
Column = Annotated[
    str,
    _matching(r"[A-Za-z_][A-Za-z0-9_]*", "must be a plain SQL name: letters, digits and _, not beginning with a digit"),
]
Field = Annotated[str, _matching(FIELD, "must be one field name: letters, digits, _ and -, without dots")]
EventName = Annotated[str, _matching(r"[A-Za-z0-9_.:/-]+", "an event type is letters, digits and any of _ . : / -")]
KafkaName = Annotated[
    str, _matching(r"[A-Za-z0-9._-]{1,249}", "must be a Kafka topic name: letters, digits, . _ and -")
]
Duration = Annotated[str, AfterValidator(_duration)]
ColumnKind = Annotated[str, AfterValidator(_column_kind)]
Permission = Annotated[str, _matching(r"\S+", "must be a permission name without spaces")]
TokenPrefix = Annotated[
    str,
    _matching(r"[A-Za-z][A-Za-z0-9_-]+", "must be two or more letters, digits, _ and -, beginning with a letter"),
]
Separator = Annotated[str, _matching(r"[.~+/]", "must be one of . ~ + /, which stand in no id")]
FieldPath = Annotated[str, _matching(rf"{FIELD}(\.{FIELD})*", 'must be a dotted path of field names, such as "a.b"')]
RecordPath = Annotated[
    str, AfterValidator(_path_check(FIELD, 'must be dotted paths of field names, separated by |, such as "a.b|c"'))
]
TemplatePath = Annotated[
    str,
    AfterValidator(
        _path_check(
            rf"(?:{FIELD}|\{{payload\}})",
            'must be dotted paths of field names, separated by |, such as "a.{payload}.b|c"',
        )
    ),
]
PayloadPath = Annotated[
    str,
    _matching(
        rf"(?:{FIELD}|\{{payload\}})(\.(?:{FIELD}|\{{payload\}}))*",
        'must be a dotted path of field names, such as "data" or "data.{payload}"',
    ),
]

# A list in a file becomes a tuple: pydantic's strict mode would want a tuple in the file, which TOML does not have.
Tuple = Strict(False)
