"""What a client may send, parsed strictly. Shapes: `docs/protocol.md`, "Client → server"."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from signalman.channel import Channel
from signalman.errors import BadMessage
from signalman.protocol import CLIENT_MESSAGES

MOST_VALUES = 1000
"""Values that one filter may have at all; a channel's `Limits.filter_values` may allow fewer."""

SubscriptionId = Annotated[str, Field(min_length=1, max_length=64)]
FilterValue = Annotated[str, Field(max_length=256)]
FilterValues = FilterValue | Annotated[list[FilterValue], Field(min_length=1, max_length=MOST_VALUES)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Auth(_Message):
    """Hand over a credential."""

    type: Literal["auth"]
    token: Annotated[str, Field(min_length=1, max_length=8192, repr=False)]


class Cursor(_Message):
    """Where a client stands: the last that it was told of a view."""

    epoch: Annotated[str, Field(min_length=1, max_length=128)]
    seq: Annotated[int, Field(ge=0, lt=1 << 63)]


class Subscribe(_Message):
    """Ask for a channel."""

    type: Literal["subscribe"]
    id: SubscriptionId
    channel: Annotated[str, Field(min_length=1, max_length=64)]
    scope: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=8)] | None = None
    filter: Annotated[dict[str, FilterValues], Field(max_length=16)] = Field(default_factory=dict)
    snapshot: bool = True
    resume: Cursor | None = None


class Unsubscribe(_Message):
    """Give a subscription up."""

    type: Literal["unsubscribe"]
    id: SubscriptionId


class Ping(_Message):
    """Ask for a sign of life."""

    type: Literal["ping"]
    t: int | float | Annotated[str, Field(max_length=64)]


Request = Auth | Subscribe | Unsubscribe | Ping
_ADAPTER: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="type")])


def parse_request(data: str | bytes) -> Request:
    """Read one client message.

    Raises:
        BadMessage: ``bad_message`` when it is not a JSON object with a ``type``, ``unknown_type`` when the type is none
            of ours, ``invalid_request`` when its members are not as the protocol has them. The sentence names the
            member at fault and never its value.
    """
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise BadMessage("bad_message", "The message is not valid JSON.") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage("bad_message", "A message is a JSON object with a member 'type'.")
    request_id = _request_id(message)
    if message["type"] not in CLIENT_MESSAGES:
        known = ", ".join(CLIENT_MESSAGES)
        raise BadMessage("unknown_type", f"The message type is unknown; a client sends one of {known}.", request_id)
    try:
        return _ADAPTER.validate_python(message)
    except ValidationError as error:
        raise BadMessage("invalid_request", _sentence(error), request_id) from None


def _request_id(message: Mapping[str, Any]) -> str | None:
    value = message.get("id")
    return value if isinstance(value, str) and len(value) <= 64 else None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    # A member's name came from the client: it is shown only where it is one of ours.
    if first["type"] == "extra_forbidden":
        return "The message has a member that this type does not know."
    # The first place is the discriminator, which is the message's type; what follows is the member.
    return f"Member '{first['loc'][1]}': {first['msg']}."


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events and rows of a feed are wanted. Empty means all of them; equal filters compare equal."""

    types: frozenset[str] = frozenset()
    fields: tuple[tuple[str, frozenset[str]], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is restricted."""
        return bool(self.types or self.fields)

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether a published event (a decoded JSON object) passes."""
        if self.types and event["type"] not in self.types:
            return False
        data = event.get("data") or {}
        # A list or an object, which a record may have anywhere, is no value that was asked for.
        return all(isinstance(value := data.get(name), str) and value in values for name, values in self.fields)


def filter_excess(wanted: Mapping[str, FilterValues], most_fields: int, most_values: int) -> str | None:
    """The setting that a filter is over, ``filter_fields`` or ``filter_values``, all fields together; 0 is no limit."""
    if most_fields and len(wanted) > most_fields:
        return "filter_fields"
    values = sum(1 if isinstance(given, str) else len(given) for given in wanted.values())
    return "filter_values" if most_values and values > most_values else None


def parse_filter(wanted: Mapping[str, FilterValues], channel: Channel, request_id: str | None = None) -> Filter:
    """Check a filter against what *channel* declares.

    Raises:
        BadMessage: ``invalid_request`` for a field or event type the channel does not have, a value of wrong form, or
            more values than the channel allows.
    """
    types: frozenset[str] = frozenset()
    fields: list[tuple[str, frozenset[str]]] = []
    for name, given in sorted(wanted.items()):
        values = [given] if isinstance(given, str) else given
        if name == "type":
            types = _known_types(values, channel, request_id)
            continue
        declared = channel.filters.get(name)
        if declared is None:
            known = ", ".join(["type", *sorted(channel.filters)])
            raise BadMessage(
                "invalid_request", f"Channel '{channel.name}' can be filtered by {known}, nothing else.", request_id
            )
        if len(values) > channel.limits.filter_values:
            raise BadMessage("invalid_request", _too_many(name, channel), request_id)
        fields.append((name, frozenset(_value(value, declared.type, name, request_id) for value in values)))
    return Filter(types, tuple(fields))


def _too_many(name: str, channel: Channel) -> str:
    most = channel.limits.filter_values
    return f"Filter field '{name}' of channel '{channel.name}' takes at most {most} values."


def _known_types(values: list[str], channel: Channel, request_id: str | None) -> frozenset[str]:
    if not set(values) <= set(channel.events):
        known = ", ".join(sorted(channel.events))
        raise BadMessage("invalid_request", f"The event types of channel '{channel.name}' are {known}.", request_id)
    return frozenset(values)


def _value(value: str, type_: str, name: str, request_id: str | None) -> str:
    if type_ != "uuid":
        return value
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise BadMessage("invalid_request", f"Filter field '{name}' takes UUIDs.", request_id) from None
