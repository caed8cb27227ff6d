"""The shape of channel files, as strict models: one class per TOML table, one attribute per key.

`channels/README.md` explains every key to the person who writes one. These models, and those of `pack_models`, check
each key for itself; what only several keys together can get wrong is found in `compile`, `events` and `tables`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Limits
from pydantic_core import PydanticCustomError

from signalman.catalog.names import (
    OWN_SENTENCE,
    Column,
    ColumnKind,
    Duration,
    EventName,
    Field,
    FieldPath,
    Name,
    Permission,
    Sentence,
    TemplatePath,
    Text,
    Tuple,
)
from signalman.channel import Limits as ChannelLimits
from signalman.channel import SlowReader
from signalman.fields import FieldType, Redaction

_LIMITS = ChannelLimits()
_CENTROID = Redaction("", "centroid")

Test = Literal["unset", "set", "equals", "differs", "newer_than"]


def _comparable(value: Any) -> Any:
    if not isinstance(value, str | int):
        raise PydanticCustomError(OWN_SENTENCE, "must be text, a whole number, true or false")
    return value


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise PydanticCustomError(OWN_SENTENCE, "must be text, a number, true or false")
    return value


Scalar = Annotated[str | int | float | bool, BeforeValidator(_scalar)]
"""What a row has in a column, unless null."""


class Shape(BaseModel):
    """Base of all file shapes: nothing is converted, nothing unknown is accepted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=False)


class ExpandShape(Shape):
    """``expand`` of an event type."""

    items: FieldPath
    type: EventName
    id: FieldPath
    inherit: Annotated[tuple[Field, ...], Tuple] = ()


class WhenShape(Shape):
    """A condition on an event's data: ``when`` of a row change or of a value."""

    path: FieldPath
    one_of: Annotated[tuple[Scalar, ...], Tuple] = ()
    none_of: Annotated[tuple[Scalar, ...], Tuple] = ()


class ValueShape(Shape):
    """A column's value in a row change. A bare text is a path."""

    path: FieldPath | None = None
    value: Scalar | None = None
    time: Literal[True] | None = None
    first: "Annotated[tuple[ValueShape, ...], Tuple, Limits(min_length=1)] | None" = None
    enum: str | None = None
    map: dict[str, Scalar] = {}
    unix: Literal["s", "ms"] | None = None
    divide: Annotated[int, Limits(ge=2)] | None = None
    at_least: int | None = None
    when: WhenShape | None = None
    keep_zero: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"path": value}
        if not isinstance(value, dict):
            raise PydanticCustomError(OWN_SENTENCE, 'must be a path, such as "a.b", or a table')
        return value


class RowShape(Shape):
    """One ``[[events.<type>.rows]]`` of a channel file."""

    table: str
    op: Literal["upsert", "delete"] = "upsert"
    when: Annotated[tuple[WhenShape, ...], Tuple] = ()
    columns: dict[Column, ValueShape]
    given: dict[Column, ValueShape] = {}
    initial: dict[Column, ValueShape] = {}
    clear: Annotated[tuple[Column, ...], Tuple] = ()


class RedactShape(Shape):
    """One entry of ``[events.<type>.redact]`` or ``[tables.<name>.redact]``. A bare text is the operator's name."""

    op: str
    longitude: Field | None = None
    resolution: Annotated[int, Limits(ge=0, le=15)] = _CENTROID.resolution
    keep: Annotated[tuple[str, ...], Tuple] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"op": value}
        if not isinstance(value, dict) or "op" not in value:
            reason = "must be an operator, or a table with the operator as `op`; a path with dots stands in quotes"
            raise PydanticCustomError(OWN_SENTENCE, "{reason}", {"reason": reason})
        return value


class EventShape(Shape):
    """``[events.<type>]`` of a channel file."""

    about: Text = ""
    aliases: Annotated[tuple[EventName, ...], Tuple] = ()
    topic: str | None = None
    payload: FieldPath | None = None
    lift: dict[Field, TemplatePath] = {}
    subject: str | None = None
    keep: Annotated[tuple[str, ...], Tuple] = ()
    require: Annotated[tuple[str, ...], Tuple] = ()
    expose: Annotated[tuple[str, ...], Tuple] = ()
    redact: dict[str, RedactShape] = {}
    drop: dict[str, Sentence] = {}
    why: dict[str, Sentence] = {}
    platform: bool = False
    expand: ExpandShape | None = None
    rows: Annotated[tuple[RowShape, ...], Tuple] = ()


class FilterShape(Shape):
    """``[filters.<name>]`` of a channel file."""

    type: FieldType
    title: Text


class ConditionShape(Shape):
    """One ``[[tables.<name>.where]]`` of a channel file."""

    column: Column
    test: Test
    value: Annotated[str | int | bool | None, BeforeValidator(_comparable)] = None


class ClockShape(Shape):
    """One ``[[tables.<name>.clock]]`` of a channel file."""

    column: Column
    after: Duration
    unless: dict[Column, Annotated[tuple[Scalar, ...], Tuple, Limits(min_length=1)]] = {}
    set: dict[Column, Scalar] = {}
    remove: Literal[True] | None = None


class TableShape(Shape):
    """``[tables.<name>]`` of a channel file."""

    title: Text
    about: Text = ""
    source: Column
    scope: dict[str, Column] = {}
    key: Annotated[tuple[Column, ...], Tuple, Limits(min_length=1)]
    columns: Annotated[tuple[Column, ...], Tuple, Limits(min_length=1)]
    version: Column | None = None
    where: Annotated[tuple[ConditionShape, ...], Tuple] = ()
    max_rows: Annotated[int, Limits(ge=1, le=1_000_000)] = 10_000
    expose: Annotated[tuple[Column, ...], Tuple] = ()
    redact: dict[Column, RedactShape] = {}
    drop: dict[Column, Sentence] = {}
    why: dict[Column, Sentence] = {}
    types: dict[Column, ColumnKind] = {}
    compared: bool = False
    final: bool = False
    constant: Annotated[tuple[Column, ...], Tuple] = ()
    derived: dict[Column, Scalar] = {}
    clock: Annotated[tuple[ClockShape, ...], Tuple] = ()


class LimitsShape(Shape):
    """``[limits]`` of a channel file."""

    event_bytes: Annotated[int, Limits(ge=1_024, le=8 * 1024 * 1024)] = _LIMITS.event_bytes
    filter_values: Annotated[int, Limits(ge=1, le=1_000)] = _LIMITS.filter_values


class ChannelFile(Shape):
    """A channel file; the file's name is the channel's."""

    title: Text
    description: Text
    permissions: Annotated[tuple[Permission, ...], Tuple, Limits(min_length=1)]
    roles: Annotated[tuple[Text, ...], Tuple] = ()
    topic: str | None = None
    slow_reader: SlowReader = "reset"
    limits: LimitsShape = LimitsShape()
    filters: dict[Column, FilterShape] = {}
    events: dict[EventName, EventShape] = {}
    tables: dict[Name, TableShape] = {}
