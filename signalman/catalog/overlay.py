"""One event type or one table of a base, with what an extension says of it laid over.

Where the extension shows less, what the base says of the rest goes with it; where it shows what the base drops, the
base's reason for dropping goes. So an extension says only what it wants.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from signalman.catalog.files import Document, table, texts
from signalman.catalog.paths import Groups, expanded
from signalman.catalog.places import meet, meetings, names


def laid_over(base: Any, own: Any) -> Any:
    """*own* over *base*: tables key by key, everything else replaced."""
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    return {**base, **{key: laid_over(base[key], value) if key in base else value for key, value in own.items()}}


def over_event(base: Document, own: Any, groups: Groups) -> Any:
    """An event type."""
    if not isinstance(own, dict):
        return own
    merged = _entry(base, own)
    if "expand" in merged:
        return merged
    dropped = list(table(own.get("drop")))
    if "keep" not in own:
        merged["keep"] = _kept(base["keep"], dropped, groups)
    _fit_event(merged, base, own, expanded(texts(merged.get("keep")), groups))
    for path in _only_base("redact", base, own):
        if any(_is_within(path, each) for each in dropped):
            merged["redact"].pop(path, None)
    return merged


def over_batch(batch: Document, item: Any, groups: Groups) -> Document:
    """*batch*, which hands on what *item*, the event type of its items, has a use for after all."""
    used = _fields(expanded(texts(table(item).get("keep")), groups), table(item).get("rows"))
    inherited = [name for name in texts(batch["expand"].get("inherit")) if name in used]
    fitted = {**batch, "expand": {**batch["expand"], "inherit": inherited}}
    _leave_out(fitted, "lift", [name for name in table(batch.get("lift")) if name not in inherited])
    return fitted


def over_table(base: Document, own: Any) -> Any:
    """A table."""
    if not isinstance(own, dict):
        return own
    merged = _entry(base, own)
    dropped = table(own.get("drop"))
    if "columns" not in own:
        merged["columns"] = [column for column in base["columns"] if column not in dropped]
    shown = set(texts(merged.get("columns")))
    for key in ("redact", "why", "types"):
        _leave_out(merged, key, [column for column in _only_base(key, base, own) if column not in shown])
    for key in ("expose", "constant"):
        if key in base and key not in own:
            merged[key] = [column for column in base[key] if column in shown]
    _leave_out(merged, "drop", [column for column in _only_base("drop", base, own) if column in shown])
    return merged


def without_columns(rows: Sequence[Document], name: str, gone: Collection[str]) -> list[Document]:
    """The row changes of an event type, those of table *name* without the columns that are *gone*."""
    return [_without(change, gone) if change["table"] == name else change for change in rows]


def _without(change: Document, gone: Collection[str]) -> Document:
    shorter = dict(change)
    for part in {"columns", "given", "initial"} & shorter.keys():
        shorter[part] = {column: value for column, value in change[part].items() if column not in gone}
    if "clear" in shorter:
        shorter["clear"] = [column for column in change["clear"] if column not in gone]
    return shorter


def _entry(base: Document, own: Document) -> Document:
    merged: Document = laid_over(base, own)
    if isinstance(base.get("redact"), dict) and isinstance(own.get("redact"), dict):
        # An operator is one thing: keys of the base's would not belong to the extension's.
        merged["redact"] = {**base["redact"], **own["redact"]}
    return {key: dict(value) if isinstance(value, dict) else value for key, value in merged.items()}


def _kept(paths: Sequence[str], dropped: Sequence[str], groups: Groups) -> list[str]:
    """*paths*, as they are written where nothing is taken out of them."""
    kept: list[str] = []
    for path in paths:
        members = expanded([path], groups)
        left = [each for each in members if not any(_is_within(each, drop) for drop in dropped)]
        kept += [path] if left == members else left
    return kept


def _fit_event(merged: Document, base: Document, own: Document, kept: Sequence[str]) -> None:
    """Take out of *merged* what only *base* says, and what *kept* makes untrue."""
    for key in ("redact", "why"):
        parts_do = key == "why"
        gone = [path for path in _only_base(key, base, own) if not _is_shown(path, kept, parts_do=parts_do)]
        _leave_out(merged, key, gone)
    shown = [
        path
        for path in _only_base("drop", base, own)
        if any(each.depth <= 0 and not each.narrower for each in meetings(path, kept))
    ]
    _leave_out(merged, "drop", shown)
    used = _fields(kept, merged.get("rows"))
    _leave_out(merged, "lift", [name for name in _only_base("lift", base, own) if name not in used])
    if "expose" in base and "expose" not in own:
        merged["expose"] = [path for path in base["expose"] if _is_shown(path.removesuffix("[]"), kept)]
    if "require" in base and "require" not in own:
        merged["require"] = [name for name in base["require"] if name in _fields(kept, [])]
    if "subject" in base and "subject" not in own and base["subject"] not in kept:
        del merged["subject"]


def _fields(kept: Sequence[str], rows: Any) -> set[str]:
    """Top-level fields that are shown, or that row changes look at."""
    return {names(path)[0] for path in (*kept, *_paths_read(rows))}


def _paths_read(rows: Any) -> Iterator[str]:
    for change in rows if isinstance(rows, list) else ():
        whens = table(change).get("when")
        yield from (path for when in (whens if isinstance(whens, list) else ()) for path in _of_value(when))
        for part in ("columns", "given", "initial"):
            yield from (path for value in table(table(change).get(part)).values() for path in _of_value(value))


def _of_value(value: Any) -> Iterator[str]:
    """Paths in a value, or in a condition, as a file writes it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        first = value.get("first")
        for each in (value.get("when"), *(first if isinstance(first, list) else ())):
            yield from _of_value(each)


def _is_shown(path: str, kept: Sequence[str], *, parts_do: bool = False) -> bool:
    """Whether *kept* has *path* whole or, where *parts_do*, something below it."""
    return any((parts_do or each.depth >= 0) and not each.wider for each in meetings(path, kept))


def _is_within(path: str, drop: str) -> bool:
    """Whether *path* leads to what *drop* names, or below it."""
    met = meet(path, drop)
    return met is not None and met.depth >= 0 and not met.wider


def _only_base(key: str, base: Document, own: Document) -> list[str]:
    return [name for name in table(base.get(key)) if name not in table(own.get(key))]


def _leave_out(merged: Document, key: str, gone: Collection[str]) -> None:
    if gone and isinstance(merged.get(key), dict):
        merged[key] = {name: value for name, value in merged[key].items() if name not in gone}
