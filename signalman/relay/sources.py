"""Where a row's values come from: the sources of a pack, compiled to functions of an event's data and time."""

from collections.abc import Callable, Mapping
from functools import partial

from signalman.channel import ColumnType, Setting, Source, When
from signalman.event import Json
from signalman.relay.path import Path, follow, lacks, parse
from signalman.relay.values import CONVERT, Convert, Unreadable, from_unix, millis, seconds, whole

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


def plain_field(setting: Setting) -> str | None:
    """The one field at the top of the data that the setting takes as it is, or None: the case that has to be fast."""
    if len(setting.sources) != 1:
        return None
    [source] = setting.sources
    return source.path if source.path and "." not in source.path and source == Source(source.path) else None


def constant(setting: Setting) -> Json:
    """The value that the setting always has, or None."""
    if len(setting.sources) != 1 or setting.sources[0] != Source(value=setting.sources[0].value):
        return None
    return CONVERT[setting.type](setting.sources[0].value)


def holds(when: When) -> Test:
    """The condition as a function of an event's data. Texts and numbers are compared as what they are."""
    path = parse(when.path)
    if when.one_of:
        return lambda data: follow(data, path) in when.one_of
    if when.none_of:
        return lambda data: follow(data, path) not in when.none_of
    return lambda data: bool(found := follow(data, path)) and found != "0"


def _source(source: Source, kind: ColumnType) -> Read:
    read = _unconditional(source, kind)
    if source.when is None:
        return read
    is_so = holds(source.when)
    return lambda data, time: read(data, time) if is_so(data) else None


def _unconditional(source: Source, kind: ColumnType) -> Read:
    if source.time:
        stamp = seconds if kind == "time" else millis
        return lambda _, time: stamp(time)
    if source.path is None:
        value = CONVERT[kind](source.value)
        return lambda _, __: value
    return partial(_field, parse(source.path), _conversion(source, kind))


def _field(path: Path, convert: Convert, data: Mapping[str, Json], _time: str) -> Json:
    found = follow(data, path)
    return None if lacks(found) else convert(found)


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
    if not isinstance(found, str):
        raise Unreadable
    name = found.removeprefix(prefix).lower()
    return None if name == "unspecified" else name
