"""The shape of ``pack.toml``, as strict models: one class per TOML table, one attribute per key.

Beside it may lie ``directory.sql``, which `signalman.catalog.statements` reads.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from pydantic import Field as Limits
from pydantic_core import PydanticCustomError

from signalman.access_rules import Claims
from signalman.catalog.models import Shape
from signalman.catalog.names import (
    OWN_SENTENCE,
    Column,
    EventName,
    Field,
    KafkaName,
    Name,
    PayloadPath,
    RecordPath,
    Separator,
    TemplatePath,
    Text,
    TokenPrefix,
    Tuple,
)
from signalman.fields import FieldType

FORMAT = 1
"""The version of the file format that this code reads."""

_CLAIMS = Claims()


def _readable(value: Any) -> Any:
    if value != FORMAT or isinstance(value, bool):
        raise PydanticCustomError(OWN_SENTENCE, "this Signalman reads format {format}", {"format": FORMAT})
    return value


class PackShape(Shape):
    """``[pack]`` of ``pack.toml``."""

    name: Name
    title: Text
    format: Annotated[int, BeforeValidator(_readable)]
    ignore: Annotated[tuple[EventName, ...], Tuple] = ()
    extends: Text | None = None
    without: Annotated[tuple[str, ...], Tuple] = ()


class ScopeShape(Shape):
    """One ``[[scope]]`` of ``pack.toml``."""

    level: Name
    type: FieldType
    claim: Text
    column: Column
    optional: bool = False
    why: Text = ""


class EnvelopeShape(Shape):
    """``[topics.<name>.envelope]``."""

    id: RecordPath
    type: RecordPath
    time: RecordPath
    source: RecordPath
    scope: dict[str, RecordPath]
    payload: PayloadPath
    lift: dict[Field, TemplatePath] = Limits(default_factory=dict)


class TopicShape(Shape):
    """``[topics.<name>]``."""

    kafka: KafkaName
    consumer: Text
    envelope: EnvelopeShape


class ClaimsShape(Shape):
    """``claims`` of ``[access]``."""

    user: Text = _CLAIMS.user
    roles: Annotated[tuple[Text, ...], Tuple] = ("roles",)
    permissions: Text | None = None


class TokenShape(Shape):
    """One ``[[access.tokens]]``."""

    scheme: Literal["hashed", "split"]
    prefix: TokenPrefix
    secret_prefix: TokenPrefix | None = None
    separator: Separator | None = None


class AccessShape(Shape):
    """``[access]`` of ``pack.toml``."""

    claims: ClaimsShape = ClaimsShape()
    tokens: Annotated[tuple[TokenShape, ...], Tuple] | None = None
    operator_role: Text | None = None
    match: Literal["exact", "segments"] = "exact"


class SignalShape(Shape):
    """``[signals.<type>]`` of ``pack.toml``."""

    topic: str
    token: RecordPath | None = None
    user: RecordPath | None = None
    scope: dict[str, RecordPath] = Limits(default_factory=dict)


class PackFile(Shape):
    """``pack.toml``."""

    pack: PackShape
    scope: Annotated[tuple[ScopeShape, ...], Tuple, Limits(min_length=1)]
    topics: Annotated[dict[Name, TopicShape], Limits(min_length=1)]
    fields: dict[Name, Annotated[tuple[str, ...], Tuple]] = Limits(default_factory=dict)
    reasons: dict[Name, Text] = Limits(default_factory=dict)
    access: AccessShape | None = None
    signals: dict[EventName, SignalShape] = Limits(default_factory=dict)
