"""Reads files of named SQL statements that lie beside the backends."""

from collections.abc import Mapping
from importlib import resources

_MARK = "-- name: "


def statements(file: str) -> Mapping[str, str]:
    """The statements of *file* by name. Each begins after a line ``-- name: <name>``; what comes before the first is
    for people.
    """
    text = resources.files("signalman.backends").joinpath(file).read_text("utf-8")
    found: dict[str, str] = {}
    for block in f"\n{text}".split(f"\n{_MARK}")[1:]:
        name, _, sql = block.partition("\n")
        found[name.strip()] = sql.strip()
    return found
