"""The platform's protobuf messages, field by field, and the JSON that they become.

The platform writes protobuf's JSON with proto field names, reads it into untyped maps and writes those again with Go's
encoder. What is left of a message after that: 64-bit integers as text, enums by name, whole floats without a fraction,
and no fields that are zero unless their presence is explicit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from signalman.event import Json

Reveal = Callable[[Json], None]
"""Is told every value that must never reach a subscriber."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    kind: str
    """``str bool i32 u32 i64 u64 f32 f64 enum bytes time``, or the name of a message."""
    optional: bool
    repeated: bool
    keyed: bool
    secret: bool

    @property
    def drops_zero(self) -> bool:
        """Whether a zero, or an empty list, is left out."""
        return not self.optional and (self.repeated or self.keyed or self.kind not in messages())


@cache
def messages() -> dict[str, dict[str, Field]]:
    """Message → field → what it is."""
    found: dict[str, dict[str, Field]] = {}
    fields: dict[str, Field] = {}
    for line in resources.files(__package__).joinpath("messages.txt").read_text().splitlines():
        if line.startswith(" "):
            fields.update(_field(word) for word in line.split())
        elif not line.startswith("#"):
            fields = found[line] = {}
    return found


def _field(word: str) -> tuple[str, Field]:
    name, kind = word.split(":")
    plain = kind.removesuffix("!").removesuffix("[]").removeprefix("{}")
    return name.removesuffix("?"), Field(plain, "?" in name, "[]" in kind, "{}" in kind, "!" in kind)


def encode(message: str, values: Mapping[str, Any], reveal: Reveal) -> dict[str, Json]:
    """The JSON object of *message*. A None stands for a field that is not set.

    Raises:
        KeyError: The message has no such field.
    """
    fields = _encoders(message)
    encoded: dict[str, Json] = {}
    for name, value in values.items():
        drops_zero, secret, plain = fields[name]
        if value is None or (drops_zero and not value):
            continue
        encoded[name] = plain(value, reveal)
        if secret:
            reveal(encoded[name])
    return encoded


_Encoder = Callable[[Any, Reveal], Json]


@cache
def _encoders(message: str) -> dict[str, tuple[bool, bool, _Encoder]]:
    return {name: (field.drops_zero, field.secret, _encoder(field)) for name, field in messages()[message].items()}


def _encoder(field: Field) -> _Encoder:
    one = _one(field.kind)
    if field.repeated:
        return lambda values, reveal: [one(value, reveal) for value in values]
    if field.keyed:
        return lambda values, reveal: {key: one(value, reveal) for key, value in values.items()}
    return one


def _one(kind: str) -> _Encoder:
    if kind in {"i64", "u64"}:
        return lambda value, _: str(int(value))
    if kind in {"i32", "u32"}:
        return lambda value, _: int(value)
    if kind in {"f32", "f64"}:
        return lambda value, _: _number(float(value))
    if kind in messages():
        return lambda value, reveal: encode(kind, value, reveal)
    return lambda value, _: value


def _number(value: float) -> float:
    return int(value) if value.is_integer() else value
