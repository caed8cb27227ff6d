"""Collects faults, and turns what pydantic found wrong with a file's shape into sentences for its author."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from signalman.catalog.names import OWN_SENTENCE, suggestion
from signalman.errors import Fault

Key = tuple[str | int, ...]

_SENTENCES = {
    OWN_SENTENCE: "{msg}",
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "too_short": "must have at least one entry",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """Faults of one file, or of a place in it; places of one file share the list."""

    file: str
    place: Key = ()
    faults: list[Fault] = field(default_factory=list)

    def at(self, *keys: str | int) -> "Findings":
        """The same list, for what lies below *keys*."""
        return Findings(self.file, (*self.place, *keys), self.faults)

    def add(self, reason: str, *keys: str | int) -> None:
        """Note one fault at *keys* below this place."""
        self.faults.append(Fault(self.file, dotted((*self.place, *keys)), reason))


def dotted(key: Key) -> str:
    """*key* the way TOML writes it, list positions in brackets: ``tables.viewers.where[0].test``."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            text += f".{bare}" if text else bare
    return text


def shape_faults(shape: type[BaseModel], error: ValidationError) -> Iterator[tuple[Key, str, bool]]:
    """Key, reason, and whether it is only one key too many, for each thing wrong with a file of this *shape*."""
    details = error.errors(include_url=False)
    for detail in details:
        # pydantic counts the sound entries only: a list whose one entry is faulty is not short as well.
        if detail["type"] == "too_short" and any(_is_below(other["loc"], detail["loc"]) for other in details):
            continue
        key = tuple(part for part in detail["loc"] if part != "[key]")
        superfluous = detail["type"] == "extra_forbidden"
        if superfluous:
            known = _known_keys(shape, key[:-1])
            yield key, f"unknown key{suggestion(str(key[-1]), known)}", True
        else:
            yield key, _sentence(detail), False


def _is_below(key: Key, other: Key) -> bool:
    return len(key) > len(other) and key[: len(other)] == other


def _sentence(detail: ErrorDetails) -> str:
    template = _SENTENCES.get(detail["type"], "is not valid")
    values = {key: str(value).replace("'", '"') for key, value in detail.get("ctx", {}).items()}
    values["msg"] = detail["msg"]
    return template.format(**values)


def _known_keys(shape: type[BaseModel], key: Key) -> list[str]:
    at: Any = shape
    for part in key:
        at = _below(at, part)
    return list(at.model_fields)


def _below(annotation: Any, part: str | int) -> Any:
    """The model that stands at *part* of a model, of a table by name, or of a list; options and limits taken off."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner: Any = annotation.model_fields[str(part)].annotation
    else:
        inner = next(arg for arg in reversed(get_args(annotation)) if arg is not Ellipsis)
    while get_origin(inner) in {Annotated, Union, UnionType}:
        inner = get_args(inner)[0]
    return inner
