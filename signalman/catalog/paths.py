"""Keep lists: from the paths a channel file lists to the allow-list tree that redaction walks.

A path is field names joined by dots. ``name[]`` descends into each object of a list, ``*`` into every value of a map,
and ``@group`` at the end stands for all fields of a named group of ``pack.toml``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from signalman.catalog.findings import Findings
from signalman.catalog.names import FIELD, suggestion
from signalman.fields import KeepTree

Groups = Mapping[str, Sequence[str]]
"""Group name → paths, as in ``[fields]`` of ``pack.toml``."""

Lists = dict[tuple[str, ...], bool]
"""Names that lead to an inner place → whether there is a list of objects."""

_Branch = dict[str, "_Branch | None"]

_SEGMENT = re.compile(rf"(?:{FIELD}(?:\[\])?|\*)")
_LAST = re.compile(rf"(?:{FIELD}|\*)")


def is_path(path: str) -> bool:
    """Whether *path* is well formed, groups aside. It ends in a name or ``*``: ``a[]`` alone is written ``a``."""
    *inner, last = path.split(".")
    return bool(_LAST.fullmatch(last)) and all(_SEGMENT.fullmatch(segment) for segment in inner)


def keep_tree(paths: Sequence[str], groups: Groups, findings: Findings) -> KeepTree:
    """The tree that keeps exactly *paths*. Contradictions are noted at the position of the later path."""
    tree: _Branch = {}
    lists: Lists = {}
    for place, path in _resolved(paths, groups, findings):
        reason = list_conflict(path, lists) or _insert(tree, path)
        if reason:
            place.add(reason)
    return tree


def expanded(paths: Sequence[str], groups: Groups) -> list[str]:
    """*paths* with each group's members in its place. What is no path, or an unknown group, is left out."""
    return [path for _, path in _resolved(paths, groups, Findings(""))]


def lists_of(paths: Sequence[str]) -> Lists:
    """Where *paths* have lists of objects, and where objects."""
    lists: Lists = {}
    for path in paths:
        list_conflict(path, lists)
    return lists


def keeps(tree: KeepTree, path: str) -> bool:
    """Whether *path* is in the result: named by *tree*, below what it keeps whole, or an object it reaches into."""
    at: KeepTree | None = tree
    for segment in path.split("."):
        if at is None:
            return True
        name = segment.removesuffix("[]")
        if name not in at:
            return False
        at = at[name]
    return True


def sound_groups(groups: Groups, findings: Findings) -> Groups:
    """*groups* without the entries that are not paths, which are noted. A group holds no other group."""
    for name, paths in groups.items():
        for index, path in enumerate(paths):
            if not is_path(path):
                findings.add(malformed(path), name, index)
    return {name: [path for path in paths if is_path(path)] for name, paths in groups.items()}


def _resolved(paths: Sequence[str], groups: Groups, findings: Findings) -> Iterator[tuple[Findings, str]]:
    for index, path in enumerate(paths):
        place = findings.at(index)
        prefix, _, last = path.rpartition(".")
        members = groups.get(last[1:]) if last.startswith("@") else [last]
        if members is None:
            place.add(f'unknown group "{last[1:]}"{suggestion(last[1:], groups)}')
            continue
        for member in members:
            whole = f"{prefix}.{member}" if prefix else member
            if not is_path(whole):
                place.add(malformed(path))
                break
            yield place, whole


def malformed(path: str) -> str:
    """What to say about *path* when it is no path."""
    if path.endswith("[]") and is_path(path.removesuffix("[]")):
        return f'"{path}" keeps whole items: write "{path.removesuffix("[]")}", or name the fields to keep'
    return f'"{path}" is not a path: names joined by dots, "name[]" for list items, "*" for the keys of a map'


def list_conflict(path: str, lists: Lists) -> str | None:
    """What to say when *path* has a list of objects where an earlier one has an object, or the other way round. What
    *path* says is noted in *lists*.
    """
    segments = path.split(".")
    names = tuple(segment.removesuffix("[]") for segment in segments)
    for depth, segment in enumerate(segments[:-1], start=1):
        is_list = segment.endswith("[]")
        if lists.setdefault(names[:depth], is_list) != is_list:
            return f'"{".".join(names[:depth])}" is a list (with []) in one path and an object in another'
    return None


def _insert(tree: _Branch, path: str) -> str | None:
    *inner, last = [segment.removesuffix("[]") for segment in path.split(".")]
    at = tree
    for depth, name in enumerate(inner, start=1):
        reason = _star_conflict(at, name, path)
        below = at.setdefault(name, {}) if reason is None else None
        if below is None:
            return reason or f'"{path}" lies below "{".".join(inner[:depth])}", which is kept whole'
        at = below
    if last in at:
        below = at[last]
        return f'"{path}" is listed twice' if below is None else f'"{path}" is kept whole, and also only in part'
    reason = _star_conflict(at, last, path)
    if reason is None:
        at[last] = None
    return reason


def _star_conflict(at: _Branch, name: str, path: str) -> str | None:
    if at and name not in at and (name == "*" or "*" in at):
        return f'"{path}" mixes "*" with field names at the same place'
    return None
