"""Dotted paths into a record's JSON object, compiled once and followed for every record."""

from collections.abc import Callable, Mapping

from signalman.event import Json
from signalman.redaction.parsed import as_parsed

Path = tuple[str, ...]
"""Keys from the outside in."""


def parse(path: str) -> Path:
    """The keys of dotted *path*; the empty path has none and leads to nothing."""
    return tuple(map(as_parsed, path.split("."))) if path else ()


def candidates(paths: str) -> tuple[Path, ...]:
    """The paths of ``a.b|c``, of which the first that leads to something wins."""
    return tuple(parse(path.strip()) for path in paths.split("|"))


def follow(value: Mapping[str, Json], path: Path) -> Json:
    """What *path* leads to, or None when it leads nowhere: no such key, or something else than an object on the way."""
    at: Json = value
    for key in path:
        if type(at) is not dict:
            return None
        at = at.get(key)
    return at if path else None


def getter(path: Path) -> Callable[[Mapping[str, Json]], Json]:
    """`follow` along *path* as a function of the object alone."""
    if len(path) == 1:
        [key] = path
        return lambda value: value.get(key)
    return lambda value: follow(value, path)


def lacks(value: Json) -> bool:
    """Whether *value* says nothing: absent, null or the empty string. Zero and false do say something."""
    return value is None or value == ""
