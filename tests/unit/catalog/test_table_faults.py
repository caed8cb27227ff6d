"""Each kind of fault of a table, by the exact line that a person reads."""

from pathlib import Path

import pytest

from tests.unit.catalog.sample import STREAMS, faults, replaced, write

SQL_NAME = "must be a plain SQL name: letters, digits and _, not beginning with a digit"

CASES = [
    ('source = "stream_state"', 'source = "stream_state; DROP TABLE x"', "tables.streams.source", SQL_NAME),
    (
        'source = "stream_state"',
        'source = "stream_state"\nscope = { tenan = "t" }',
        "tables.streams.scope.tenan",
        'unknown scope level, did you mean "tenant"?',
    ),
    (
        'source = "stream_state"',
        'source = "stream_state"\nexpose = ["statu"]',
        "tables.streams.expose[0]",
        'column "statu" is not listed in `columns`, did you mean "status"?',
    ),
    (
        'source = "stream_state"',
        'source = "stream_state"\nmax_rows = 0',
        "tables.streams.max_rows",
        "must be at least 1",
    ),
    (
        'source = "stream_state"',
        'source = "stream_state"\nmax_rows = 9_000_000',
        "tables.streams.max_rows",
        "must be at most 1000000",
    ),
    (
        'source = "stream_state"',
        'source = "stream_state"\nmax_rows = "7"',
        "tables.streams.max_rows",
        "must be a whole number",
    ),
    (
        'key = ["stream_id"]',
        'key = ["streamid"]',
        "tables.streams.key[0]",
        'column "streamid" is not listed in `columns`, did you mean "stream_id"?',
    ),
    (
        'key = ["stream_id"]',
        'key = ["stream_id", "stream_id"]',
        "tables.streams.key[1]",
        'column "stream_id" is listed twice',
    ),
    (
        'version = "updated_at"',
        'version = "updated"',
        "tables.streams.version",
        'column "updated" is not listed in `columns`, did you mean "updated_at"?',
    ),
    (
        'columns = ["stream_id", "status", "updated_at"]',
        'columns = ["stream_id", "status", "updated_at", "status"]',
        "tables.streams.columns[3]",
        'column "status" is listed twice',
    ),
    (
        'columns = ["stream_id", "status", "updated_at"]',
        'columns = ["stream_id", "sta`tus", "updated_at"]',
        "tables.streams.columns[1]",
        SQL_NAME,
    ),
    (
        'test = "differs"',
        'test = "like"',
        "tables.streams.where[0].test",
        'must be one of "unset", "set", "equals", "differs" or "newer_than"',
    ),
    ('test = "differs"', 'test = "unset"', "tables.streams.where[0].value", 'has no meaning with test "unset"'),
    (
        'test = "differs"',
        'test = "newer_than"',
        "tables.streams.where[0].value",
        'must be an age as text, such as "90s", "15m", "4h" or "7d"',
    ),
    ('value = "gone"', "", "tables.streams.where[0].value", 'is required with test "differs"'),
    ('value = "gone"', "value = 1.5", "tables.streams.where[0].value", "must be text, a whole number, true or false"),
    (
        'value = "gone"',
        'value = "gone"\ncolum = "x"',
        "tables.streams.where[0].colum",
        'unknown key, did you mean "column"?',
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "reason"), CASES)
def test_table_fault(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    """A table with this one thing wrong says exactly this, and nothing besides."""
    assert faults(write(tmp_path, streams=replaced(STREAMS, old, new))) == [f"streams.toml: {key}: {reason}"]
