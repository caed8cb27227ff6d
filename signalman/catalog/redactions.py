"""Compiles what is done to values that are shown, and what is said of those that are not: `redact`, `drop`, `why`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast, get_args

from signalman.catalog.findings import Findings
from signalman.catalog.models import EventShape, RedactShape, TableShape
from signalman.catalog.names import suggestion
from signalman.catalog.pack import Pack
from signalman.catalog.paths import Lists, is_path, keep_tree, list_conflict, malformed
from signalman.catalog.places import meet, meetings, names
from signalman.fields import KeepTree, Operation, Redaction

_OPERATORS = tuple(operation for operation in get_args(Operation) if operation != "drop")
_OWN_KEYS: Mapping[str, tuple[str, ...]] = {"centroid": ("longitude", "resolution"), "json": ("keep",)}
"""Operator → keys that only it has."""
_DONE = {"mask": "is past the net already", "hash": "is past the net already", "null": "leaves nothing to expose"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What an event type or a table shows, as its file lists it."""

    paths: Sequence[str]
    listing: str
    """The key that lists it."""
    lists: Lists = field(default_factory=dict)
    """Grows by what other keys say of the same places."""


class Target(NamedTuple):
    """A value that an operator changes: a centroid has two."""

    path: str
    operation: Operation
    place: Findings


@dataclass(frozen=True, slots=True)
class Redactions:
    """The three keys, compiled."""

    redact: tuple[Redaction, ...]
    drop: Mapping[str, str]
    why: Mapping[str, str]
    targets: tuple[Target, ...]
    """Of ``redact``, for what else is to be checked of them."""


def compile_redactions(file: EventShape | TableShape, shown: Shown, pack: Pack, findings: Findings) -> Redactions:
    """Check each path against what is *shown*, and compile."""
    compiler = _Compiler(shown, pack, findings)
    operators = [each for path, entry in file.redact.items() if (each := compiler.operator(path, entry))]
    drops = [each for path in file.drop if (each := compiler.drop(path))]
    for path in file.why:
        compiler.check_why(path)
    compiler.check_apart()
    for index, path in enumerate(file.expose):
        compiler.check_exposed(path, findings.at("expose", index))
    return Redactions(
        redact=(*operators, *drops),
        drop=_sentences(file.drop, pack.reasons, findings.at("drop")),
        why=_sentences(file.why, pack.reasons, findings.at("why")),
        targets=tuple(compiler.targets),
    )


def _sentences(given: Mapping[str, str], reasons: Mapping[str, str], findings: Findings) -> dict[str, str]:
    """*given* with the reasons of the pack in the place of their names."""
    for path, text in given.items():
        if text.startswith("@") and text[1:] not in reasons:
            findings.add(f'unknown reason "{text[1:]}"{suggestion(text[1:], reasons)}', path)
    return {path: reasons.get(text[1:], text) if text.startswith("@") else text for path, text in given.items()}


class _Compiler:
    """Of one event type or table."""

    def __init__(self, shown: Shown, pack: Pack, findings: Findings) -> None:
        self._shown = shown
        self._pack = pack
        self._findings = findings
        self.targets: list[Target] = []

    def operator(self, path: str, file: RedactShape) -> Redaction | None:
        """One entry of `redact`; None, and noted, where its path or its operator is none."""
        place = self._findings.at("redact", path)
        sound = self._is_whole(path, place)
        if file.op not in _OPERATORS:
            is_drop = file.op == "drop"
            reason = f'unknown operator "{file.op}"{suggestion(file.op, _OPERATORS)}'
            place.add("a path that is dropped stands in `drop`, with its reason" if is_drop else reason)
            return None
        operation = cast("Operation", file.op)
        self._check_keys(file, operation, place)
        if not sound:
            return None
        self.targets.append(Target(path, operation, place))
        if operation == "centroid" and file.longitude is not None:
            self._beside(path, file.longitude, place)
        return Redaction(
            path=path,
            operation=operation,
            longitude=file.longitude if operation == "centroid" else None,
            resolution=file.resolution,
            keep=self._inside(file, place),
        )

    def drop(self, path: str) -> Redaction | None:
        """What one entry of `drop` takes out of something kept; None where it only says what is not kept anyway."""
        place = self._findings.at("drop", path)
        if not self._is_sound(path, place):
            return None
        met = meetings(path, self._shown.paths)
        for each in met:
            if each.depth <= 0 and not each.narrower:
                place.add(f'"{each.path}" stands in `{self._shown.listing}`: it is either shown or dropped')
                return None
        if not met:
            return None
        self.targets.append(Target(path, "drop", place))
        return Redaction(path, "drop")

    def check_why(self, path: str) -> None:
        """Reasons are given for what is shown, for a part of it, or for several at once."""
        place = self._findings.at("why", path)
        if self._is_sound(path, place) and all(each.wider for each in meetings(path, self._shown.paths)):
            place.add(self._not_shown(path))

    def check_apart(self) -> None:
        """No value has two operators: what came of both would depend on their order."""
        for index, target in enumerate(self.targets):
            for other in self.targets[:index]:
                if meet(target.path, other.path):
                    target.place.add(f'"{other.path}" has an operator too, and leads to the same value or to one in it')

    def check_exposed(self, path: str, place: Findings) -> None:
        """What an operator does anyway needs no exposure."""
        for target in self.targets:
            met = meet(path.removesuffix("[]"), target.path)
            if met and met.depth == 0 and target.operation in _DONE:
                reason = f'"{path}" {_DONE[target.operation]}, by its operator "{target.operation}"'
                place.add(f"has no effect: {reason}")

    def _check_keys(self, file: RedactShape, operation: Operation, place: Findings) -> None:
        own = _OWN_KEYS.get(operation, ())
        for key in sorted(file.model_fields_set - {"op", *own}):
            owner = next(name for name, keys in _OWN_KEYS.items() if key in keys)
            place.add(f'belongs to operator "{owner}", and this one is "{operation}"', key)
        for key in own:
            if getattr(file, key) is None:
                place.add(f'is required by operator "{operation}"', key)

    def _beside(self, path: str, longitude: str, place: Findings) -> None:
        """Note the field beside the latitude at *path* as a value of the same operator."""
        prefix, dot, last = path.rpartition(".")
        beside = f"{prefix}{dot}{longitude}"
        if last in {longitude, "*"}:
            place.add("must be another field than the latitude, beside it", "longitude")
        elif self._is_whole(beside, place.at("longitude")):
            self.targets.append(Target(beside, "centroid", place.at("longitude")))

    def _inside(self, file: RedactShape, place: Findings) -> KeepTree:
        return keep_tree(file.keep or (), self._pack.groups, place.at("keep"))

    def _is_whole(self, path: str, place: Findings) -> bool:
        """Whether *path* leads to a value that is kept whole, or into one; noted where not."""
        if not self._is_sound(path, place):
            return False
        met = [each for each in meetings(path, self._shown.paths) if not each.wider]
        if any(each.depth >= 0 for each in met):
            return True
        place.add("is kept in parts: name each of them" if met else self._not_shown(path))
        return False

    def _is_sound(self, path: str, place: Findings) -> bool:
        reason = malformed(path) if not is_path(path) else list_conflict(path, self._shown.lists)
        if reason:
            place.add(reason)
        return reason is None

    def _not_shown(self, path: str) -> str:
        return f"is not listed in `{self._shown.listing}`{suggestion(path, self._shown.paths)}"


def check_reserved(targets: Sequence[Target], fields: Collection[str], reason: str, *, but: str = "") -> None:
    """Note each of *targets* at or below a top-level field in *fields*, unless its operator is *but*."""
    for target in targets:
        if names(target.path)[0] in fields and target.operation != but:
            target.place.add(reason)
