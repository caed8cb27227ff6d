"""Where a row's values come from: the sources of a pack, compiled to functions of an event's data and time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

from signalman.event import Json
from signalman.redaction.parsed import as_parsed
from signalman.relay.path import getter, parse
from signalman.relay.values import CONVERT, Convert, Unreadable, from_unix, millis, seconds, whole
from signalman.table import ColumnType, Setting, Source, When

Read = Callable[[Mapping[str, Json], str], Json]
"""An event's data and time → a value as the column has it, or None where the source says nothing. Raises
`Unreadable`."""

Test = Callable[[Mapping[str, Json]], bool]


def reader(setting: Setting) -> Read:
    """The first of the setting's sources that says something."""
    reads = [_source(source, setting.type) for source in setting.sources]
    if len(reads) == 1:
        return reads[0]

    def first(data: Mapping[str, Json], time: str) -> Json:
        for read in reads:
            value = read(data, time)
            if value is not None:
                return value
        return None

    return first


class Field(NamedTuple):
    """A setting whose first source is a field at the top of the data, without a condition: the case that has to be
    fast.
    """

    key: str
    convert: Convert
    is_plain: bool
    """Whether the value is taken as it is, but for the column's type. Otherwise the conversion may give None: it says
    nothing then."""
    instead: Json
    """The constant that is taken where the field says nothing, or None."""


def field(setting: Setting) -> Field | None:
    """The setting as such a field; None where it is another."""
    if not setting.sources:
        return None
    first, *others = setting.sources
    if not first.path or "." in first.path or first.when is not None:
        return None
    instead = constant(replace(setting, sources=tuple(others))) if others else None
    if others and instead is None:
        return None
    is_plain = not others and first == Source(first.path)
    return Field(as_parsed(first.path), _conversion(first, setting.type), is_plain, instead)


def constant(setting: Setting) -> Json:
    """The value that the setting always has, or None."""
    if len(setting.sources) != 1 or setting.sources[0] != Source(value=setting.sources[0].value):
        return None
    return CONVERT[setting.type](setting.sources[0].value)


def event_time(setting: Setting) -> Callable[[str], str] | None:
    """What the setting makes of the event's time, if that is all that it takes; else None."""
    return _stamp(setting.type) if setting.sources == (Source(time=True),) else None


def holds(when: When) -> Test:
    """The condition as a function of an event's data. Texts and numbers are compared as what they are."""
    find = getter(parse(when.path))
    if when.one_of:
        return lambda data: find(data) in when.one_of
    if when.none_of:
        return lambda data: find(data) not in when.none_of
    return lambda data: bool(found := find(data)) and found != "0"


def _source(source: Source, kind: ColumnType) -> Read:
    read = _unconditional(source, kind)
    if source.when is None:
        return read
    is_so = holds(source.when)
    return lambda data, time: read(data, time) if is_so(data) else None


def _unconditional(source: Source, kind: ColumnType) -> Read:
    if source.time:
        stamp = _stamp(kind)
        return lambda _, time: stamp(time)
    if source.path is None:
        value = CONVERT[kind](source.value)
        return lambda _, __: value
    return _field(getter(parse(source.path)), _conversion(source, kind))


def _stamp(kind: ColumnType) -> Callable[[str], str]:
    return seconds if kind == "time" else millis


def _field(find: Callable[[Mapping[str, Json]], Json], convert: Convert) -> Read:
    def read(data: Mapping[str, Json], _: str) -> Json:
        found = find(data)
        return None if found is None or found == "" else convert(found)

    return read


def _conversion(source: Source, kind: ColumnType) -> Convert:
    convert, unit = CONVERT[kind], source.unix
    if source.map:
        values = {text: convert(value) for text, value in source.map.items()}
        return lambda found: values.get(found) if isinstance(found, str) else None
    if source.enum is not None:
        return partial(_enum, source.enum)
    if unit is not None:
        return lambda found: from_unix(found, unit, kind)
    if source.divide != 1:
        return lambda found: convert(whole(found) / source.divide)
    if source.at_least is not None:
        lowest = source.at_least
        return lambda found: convert(max(lowest, whole(found)))
    return convert


def _enum(prefix: str, found: Json) -> Json:
    if type(found) is not str:
        raise Unreadable
    return _enum_name(prefix, found)


@lru_cache(maxsize=1024)
def _enum_name(prefix: str, found: str) -> str | None:
    name = found.removeprefix(prefix).lower()
    return None if name == "unspecified" else name
