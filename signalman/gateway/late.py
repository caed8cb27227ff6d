"""Where a replay must begin so that no deleted row comes back.

Changes of one row can come from several partitions, and one that was made before the row's deletion may be published
after it. Whoever knows the deletion ignores it: the deletion is newer, or final. A replay that began between the two
would show only the late change, over a snapshot that rightly lacks the row.
"""

from collections.abc import Iterable, Mapping
from math import inf

from signalman.gateway.changes import Change
from signalman.table import Table
from signalman.version import is_newer

LATE_MS = 10_000
"""How long after a row's deletion a change may come that was made before it. The past that is kept must be longer than
a replay by that much.
"""

DELETE = b'"op":"delete"'
"""Stands in every event that deletes a row, as the relay writes them."""


def begin(changes: Iterable[Change], tables: Mapping[str, Table], start: int, end_ms: int) -> int:
    """The last seq at or before *start* that lies not between a deletion and a change that it makes void.

    *changes* are in order and cover what was published shortly before *start* and shortly after it. What is published
    after *end_ms* is not known yet, and may have such changes of any row that was deleted shortly before.
    """
    deleted: dict[tuple[str, object], list[Change]] = {}
    spans: list[tuple[int, float]] = []
    for change in changes:
        table, row = tables[change.table], (change.table, change.key)
        if not change.deletes:
            spans += ((deletion.seq, change.seq) for deletion in deleted.get(row, ()) if _void(table, change, deletion))
        elif table.compared or table.final:
            deleted.setdefault(row, []).append(change)
            if change.ms > end_ms - LATE_MS:
                spans.append((change.seq, inf))
    for first, last in sorted(spans, reverse=True):
        if first <= start < last:
            start = first - 1
    return start


def _void(table: Table, change: Change, deletion: Change) -> bool:
    return table.final or is_newer(deletion.version, change.version)
