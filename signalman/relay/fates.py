"""What becomes of each field of an event on its way through redaction, and why: for people who ask.

Nothing is decided here. The redactor itself is asked, once as it is and twice with one of its steps left out; what is
missing or different afterwards is the work of that step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from signalman.channel import Catalog, EventType
from signalman.event import Event, Json
from signalman.net import Net
from signalman.redaction import Pseudonyms
from signalman.relay.reasons import Place, Reasons, caught
from signalman.relay.redact import Redactor

Fate = Literal["shown", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Field:
    """What becomes of one value of an event's data, or of everything below it where it is changed or removed whole."""

    place: Place
    fate: Fate
    kind: str
    """Of the value that came in, in words: ``text``, ``object of 3``."""
    value: Json = None
    """What subscribers see there. None where nothing: a removed value is in no part of an explanation."""
    by: str = ""
    """What changed or removed it: ``keep``, ``net``, or an operator's name."""
    why: str = ""
    """A sentence: why it was removed, or, where the pack says so, why it may be shown."""


class _Absent:
    """Stands where a step has left nothing."""


_ABSENT: Final = _Absent()


class _Open(Net):
    """A net that lets everything pass."""

    def clean(self, value: Json, exposed: frozenset[str] = frozenset()) -> tuple[Json, int]:  # noqa: ARG002  # the net's own signature
        """*value* as it is."""
        return value, 0


class Fates:
    """The fates of the fields of one event type's events. Pure."""

    def __init__(self, catalog: Catalog, event_type: EventType, channel: str, pseudonyms: Pseudonyms) -> None:
        plain = replace(
            catalog.channels[channel], events={event_type.name: replace(event_type, redact=(), subject=None)}
        )
        self._reasons = Reasons(event_type)
        self._steps = (
            Redactor(replace(catalog, channels={channel: plain}), _Open()),
            Redactor(catalog, _Open(), pseudonyms=pseudonyms),
            Redactor(catalog, pseudonyms=pseudonyms),
        )

    def of(self, event: Event) -> tuple[Field, ...]:
        """Every field of *event*, which is routed and not yet redacted, in the order of its data."""
        stages = [event.data, *(step.redact(event).event.data for step in self._steps)]
        return tuple(
            field
            for name in event.data
            for field in self._below(event, (name,), [_member(each, name) for each in stages])
        )

    def _stages(self, event: Event, place: Place) -> Sequence[Json]:
        """What lies at *place* when it comes in, and after each step."""
        data = _narrowed(event.data, place)
        alone = event._replace(data=data)
        return [_at(each, place) for each in (data, *(step.redact(alone).event.data for step in self._steps))]

    def _below(self, event: Event, place: Place, stages: Sequence[Json]) -> Iterator[Field]:
        came, kept, operated, shown = stages
        if kept is _ABSENT:
            yield from self._not_kept(place, came)
        elif operated is _ABSENT:
            by, why = self._reasons.operator(place)
            yield Field(place, "removed", kind(came), by=by, why=why)
        elif shown is _ABSENT:
            yield Field(place, "removed", kind(came), by="net", why=caught(place, operated))
        elif came and all(type(each) is dict for each in stages):
            yield from _emptied(place, shown)
            for key in came:
                yield from self._below(event, (*place, key), [_member(each, key) for each in stages])
        elif came and all(type(each) is list for each in stages):
            yield from _emptied(place, shown)
            yield from self._items(event, place, stages)
        else:
            yield self._remaining(place, stages)

    def _items(self, event: Event, place: Place, stages: Sequence[Json]) -> Iterator[Field]:
        # Where a step has left out items of a list, each is sent through alone: only so it is known which ones.
        is_whole = len({len(each) for each in stages}) == 1
        for index in range(len(stages[0])):
            at = (*place, index)
            yield from self._below(event, at, [each[index] for each in stages] if is_whole else self._stages(event, at))

    def _remaining(self, place: Place, stages: Sequence[Json]) -> Field:
        came, kept, operated, shown = stages
        if not _same(operated, shown):
            return Field(place, "changed", kind(came), shown, by="net", why=caught(place, operated))
        if not _same(kept, operated):
            by, _ = self._reasons.operator(place)
            return Field(place, "changed", kind(came), shown, by=by)
        return Field(place, "shown", kind(came), shown, why=self._reasons.shown(place))

    def _not_kept(self, place: Place, came: Json) -> Iterator[Field]:
        """One field for all that lies there, unless the pack has a reason for something below it in particular."""
        if came and type(came) is dict and self._reasons.reach_below(place):
            for key in came:
                yield from self._not_kept((*place, key), came[key])
        else:
            by, why = self._reasons.not_kept(place)
            yield Field(place, "removed", kind(came), by=by, why=why)


def kind(value: Json) -> str:
    """What sort of value *value* is, in words for people."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return f"list of {len(value)}"
        case _:
            return f"object of {len(value)}"


def _emptied(place: Place, shown: Json) -> Iterator[Field]:
    if not shown:
        yield Field(place, "shown", kind(shown), shown)


def _same(one: Json, other: Json) -> bool:
    return type(one) is type(other) and bool(one == other)


def _narrowed(value: Json, place: Place) -> Json:
    """*value* with each list on the way to *place* cut down to the one item that lies on it."""
    if not place:
        return value
    first, *rest = place
    inner = _narrowed(value[first], tuple(rest))
    return [inner] if isinstance(first, int) else {**value, first: inner}


def _at(value: Json, place: Place) -> Json:
    """What lies at *place* of a narrowed *value*."""
    for key in place:
        if isinstance(key, int):
            value = value[0] if type(value) is list and value else _ABSENT
        else:
            value = _member(value, key)
    return value


def _member(value: Json, key: str) -> Json:
    return value.get(key, _ABSENT) if type(value) is dict else _ABSENT
