"""Row changes, types, derived columns and clock rules: what they compile to, and each fault by its exact line."""

from pathlib import Path

import pytest

from signalman.catalog import load
from signalman.table import ClockRule, RowChange, Setting, Source, Table, When
from tests.unit.catalog.sample import STREAMS, faults, replaced, write

ROWS = (
    STREAMS.replace(
        'columns = ["stream_id", "status", "updated_at"]', 'columns = ["stream_id", "status", "size", "updated_at"]'
    )
    + """
[[tables.streams.where]]
column = "updated_at"
test = "newer_than"
value = "4h"

[tables.streams.types]
stream_id = "uuid"
status = "text"
size = "integer64?"
updated_at = "time"

[tables.streams.derived]
stale = false

[[tables.streams.clock]]
column = "updated_at"
after = "2m"
unless = { status = ["offline", "gone"] }
set = { status = "offline", size = 0, stale = true }

[[events.update.rows]]
table = "streams"
when = [{ path = "place.city", one_of = ["Leiden", 5] }]

[events.update.rows.columns]
stream_id = "stream_id"
status = { first = [{ path = "status", enum = "S_" }, { value = "live", when = { path = "a.b" } }] }
updated_at = { time = true }

[events.update.rows.given]
size = { path = "bytes", at_least = 0, keep_zero = true }

[[events.sample.rows]]
table = "streams"
op = "delete"
columns = { stream_id = "stream_id", updated_at = { path = "ms", unix = "ms" } }
"""
)


def table(folder: Path) -> Table:
    """The sample's table."""
    return load(folder).channels["streams"].tables["streams"]


def test_row_changes(tmp_path: Path) -> None:
    """A bare text is a path; the types are the table's; what a change does not say is empty in a new row."""
    events = load(write(tmp_path, streams=ROWS)).channels["streams"].events
    status = (Source("status", enum="S_"), Source(value="live", when=When("a.b")))
    assert events["update"].rows == (
        RowChange(
            table="streams",
            op="upsert",
            when=(When("place.city", one_of=("Leiden", 5)),),
            columns=(
                Setting("stream_id", "uuid", nullable=False, sources=(Source("stream_id"),)),
                Setting("status", "text", nullable=False, sources=status),
                Setting("updated_at", "time", nullable=False, sources=(Source(time=True),)),
            ),
            given=(Setting("size", "integer64", True, True, (Source("bytes", at_least=0),)),),
            initial=(Setting("size", "integer64", nullable=True),),
        ),
    )
    assert events["sample"].rows == (
        RowChange(
            table="streams",
            op="delete",
            columns=(
                Setting("stream_id", "uuid", nullable=False, sources=(Source("stream_id"),)),
                Setting("updated_at", "time", nullable=False, sources=(Source("ms", unix="ms"),)),
            ),
        ),
    )


def test_cleared_columns(tmp_path: Path) -> None:
    """They are set each time, to nothing."""
    text = replaced(ROWS, '[events.update.rows.given]\nsize = { path = "bytes", at_least = 0, keep_zero = true }\n', "")
    text = replaced(text, 'when = [{ path = "place.city", one_of = ["Leiden", 5] }]', 'clear = ["size"]')
    [change] = load(write(tmp_path, streams=text)).channels["streams"].events["update"].rows
    assert change.columns[-1] == Setting("size", "integer64", nullable=True)
    assert change.initial == ()


def test_tables_know_who_changes_them(tmp_path: Path) -> None:
    """And the key is constant in any case."""
    made = table(write(tmp_path, streams=ROWS))
    assert made.changed_by == {"update", "sample"}
    assert made.constant == {"stream_id"}
    assert (made.compared, made.final, made.derived) == (False, False, {"stale": False})
    assert "stale" not in made.columns


def test_clock_rules(tmp_path: Path) -> None:
    """An age in `where` is a rule by itself; constants are as rows have them, 64-bit integers as text."""
    assert table(write(tmp_path, streams=ROWS)).clock == (
        ClockRule("updated_at", 14_400_000),
        ClockRule(
            "updated_at",
            120_000,
            {"status": ("offline", "gone")},
            {"status": "offline", "size": "0", "stale": True},
        ),
    )


def test_rules_that_remove(tmp_path: Path) -> None:
    """A rule may take the row away instead."""
    text = replaced(ROWS, 'set = { status = "offline", size = 0, stale = true }', "remove = true")
    text = replaced(text, "[tables.streams.derived]\nstale = false\n", "")
    rule = table(write(tmp_path, streams=text)).clock[1]
    assert rule == ClockRule("updated_at", 120_000, {"status": ("offline", "gone")})


def test_tables_can_be_keys(tmp_path: Path) -> None:
    """Queries, which hold their table, are shared by what they ask."""
    assert hash(table(write(tmp_path, streams=ROWS))) == hash(table(tmp_path))


CHANGE = "events.update.rows[0]"
VALUE = 'status = { first = [{ path = "status", enum = "S_" }, { value = "live", when = { path = "a.b" } }] }'
TYPES = '"text", "integer", "integer64", "number", "number32", "bool", "flag", "uuid", "time", "time_ms"'
ORIGIN = 'must have exactly one of "path", "value", "time", "first"'

CASES = [
    # row changes
    (
        'rows]]\ntable = "streams"\nwhen',
        'rows]]\ntable = "streas"\nwhen',
        f"{CHANGE}.table",
        'unknown table "streas", did you mean "streams"?',
    ),
    (
        'rows]]\ntable = "streams"\nwhen',
        'rows]]\ntable = "streams"\nwhne',
        f"{CHANGE}.whne",
        'unknown key, did you mean "when"?',
    ),
    ('op = "delete"', 'op = "drop"', "events.sample.rows[0].op", 'must be one of "upsert" or "delete"'),
    (
        'stream_id = "stream_id"\nstatus',
        "status",
        f"{CHANGE}.columns",
        'lacks "stream_id", which is part of the key of the table',
    ),
    (
        "updated_at = { time = true }\n\n",
        "\n",
        f"{CHANGE}.columns",
        'lacks "updated_at", which is the version of the table',
    ),
    (
        VALUE,
        f'{VALUE}\nstats = "a"',
        f"{CHANGE}.columns.stats",
        'is not listed in `columns` of the table, did you mean "status"?',
    ),
    (
        VALUE,
        f"{VALUE}\nstale = {{ value = true }}",
        f"{CHANGE}.columns.stale",
        "is derived: every change gives it its first value again",
    ),
    (VALUE, f'{VALUE}\nsize = "bytes"', f"{CHANGE}.given.size", "has no effect: the column is always set"),
    (
        'when = [{ path = "place.city", one_of = ["Leiden", 5] }]',
        'clear = ["status"]',
        f"{CHANGE}.clear[0]",
        'column "status" is set already',
    ),
    (
        'when = [{ path = "place.city", one_of = ["Leiden", 5] }]',
        'clear = ["statu"]',
        f"{CHANGE}.clear[0]",
        'is not listed in `columns` of the table, did you mean "status"?',
    ),
    ('op = "delete"', 'op = "delete"\nclear = ["size"]', "events.sample.rows[0].clear", "has no effect on a delete"),
    (
        '{ stream_id = "stream_id", updated_at = { path = "ms"',
        '{ status = "a", stream_id = "stream_id", updated_at = { path = "ms"',
        "events.sample.rows[0].columns.status",
        "has no effect on a delete: key and version are enough",
    ),
    (
        "[events.batch]",
        '[events.batch]\nrows = [{ table = "streams", columns = { stream_id = "a", updated_at = { time = true } } }]',
        "events.batch.rows",
        "has no effect on a batch: its items are sent, each by its own event type's rules",
    ),
    # values
    (VALUE, "status = 5", f"{CHANGE}.columns.status", 'must be a path, such as "a.b", or a table'),
    (VALUE, 'status = "a..b"', f"{CHANGE}.columns.status.path", 'must be a dotted path of field names, such as "a.b"'),
    (VALUE, 'status = { pth = "a", value = "b" }', f"{CHANGE}.columns.status.pth", 'unknown key, did you mean "path"?'),
    (VALUE, "status = {}", f"{CHANGE}.columns.status", ORIGIN),
    (VALUE, 'status = { path = "a", value = "b" }', f"{CHANGE}.columns.status", ORIGIN),
    (
        VALUE,
        "status = { value = 5 }",
        f"{CHANGE}.columns.status.value",
        'must be text, because the column\'s type is "text"',
    ),
    (VALUE, "status = { time = true }", f"{CHANGE}.columns.status.time", 'is a time, and the column\'s type is "text"'),
    (
        VALUE,
        'status = { path = "a", map = { x = 1 } }',
        f"{CHANGE}.columns.status.map.x",
        'must be text, because the column\'s type is "text"',
    ),
    (
        VALUE,
        'status = { path = "a", unix = "s" }',
        f"{CHANGE}.columns.status.unix",
        'is for columns of type "time", "time_ms", and this one\'s is "text"',
    ),
    (VALUE, 'status = { path = "a", unix = "us" }', f"{CHANGE}.columns.status.unix", 'must be one of "s" or "ms"'),
    (VALUE, 'status = { value = "a", enum = "b" }', f"{CHANGE}.columns.status.enum", "has a meaning only with `path`"),
    (
        VALUE,
        'status = { path = "a", enum = "b", map = { x = "y" } }',
        f"{CHANGE}.columns.status.map",
        "cannot be combined with `enum`",
    ),
    (
        VALUE,
        'status = { path = "a", keep_zero = true }',
        f"{CHANGE}.columns.status.keep_zero",
        "has no effect: the column cannot be null",
    ),
    (VALUE, "status = { first = [] }", f"{CHANGE}.columns.status.first", "must have at least one entry"),
    (
        VALUE,
        'status = { first = ["a", "b"], enum = "c" }',
        f"{CHANGE}.columns.status.enum",
        "belongs inside of `first`, to one of its values",
    ),
    (
        VALUE,
        'status = { first = ["a", { first = ["b", "c"] }] }',
        f"{CHANGE}.columns.status.first[1].first",
        "belongs outside of `first`, once",
    ),
    (VALUE, 'status = { first = ["a", {}] }', f"{CHANGE}.columns.status.first[1]", ORIGIN),
    (
        'one_of = ["Leiden", 5]',
        'one_of = ["Leiden"], none_of = ["x"]',
        f"{CHANGE}.when[0].none_of",
        "`one_of` and `none_of` exclude each other",
    ),
    ('one_of = ["Leiden", 5]', "one_of = [[]]", f"{CHANGE}.when[0].one_of[0]", "must be text, a number, true or false"),
    # types
    (
        'size = "integer64?"',
        'size = "int"',
        "tables.streams.types.size",
        f"must be one of {TYPES}, with ? behind it where the column can be null",
    ),
    (
        'size = "integer64?"',
        'sise = "integer64?"\nsize = "integer64?"',
        "tables.streams.types.sise",
        'is not listed in `columns`, did you mean "size"?',
    ),
    # tables
    (
        'source = "stream_state"',
        'source = "stream_state"\nconstant = ["statu"]',
        "tables.streams.constant[0]",
        'column "statu" is not listed in `columns`, did you mean "status"?',
    ),
    ('source = "stream_state"', 'source = "stream_state"\nfinal = 1', "tables.streams.final", "must be true or false"),
    (
        "stale = false",
        "stale = false\nold = false",
        "tables.streams.derived.old",
        "never changes: no clock rule sets it",
    ),
    (
        "stale = false",
        "stale = false\nstatus = false",
        "tables.streams.derived.status",
        "is a column of the source: it is listed in `columns`",
    ),
    (
        'column = "updated_at"\ntest',
        'column = "seen_at"\ntest',
        "tables.streams.where[1].column",
        'column "seen_at" is not listed in `columns`: subscribers could not tell when a row is too old',
    ),
    # clock rules
    (
        'column = "updated_at"\nafter',
        'column = "status"\nafter',
        "tables.streams.clock[0].column",
        'column "status" is no time: its type is "text"',
    ),
    (
        'column = "updated_at"\nafter',
        'column = "updatedat"\nafter',
        "tables.streams.clock[0].column",
        'column "updatedat" is not listed in `columns`, did you mean "updated_at"?',
    ),
    (
        'after = "2m"',
        'after = "soon"',
        "tables.streams.clock[0].after",
        'must be a time, such as "90s", "15m", "4h" or "7d"',
    ),
    (
        "unless = { status",
        "unless = { statuss",
        "tables.streams.clock[0].unless.statuss",
        'is not listed in `columns` of the table, did you mean "status"?',
    ),
    (
        '["offline", "gone"]',
        '["offline", 5]',
        "tables.streams.clock[0].unless.status[1]",
        'must be text, because the column\'s type is "text"',
    ),
    ('["offline", "gone"]', "[]", "tables.streams.clock[0].unless.status", "must have at least one entry"),
    (
        'set = { status = "offline"',
        'set = { stats = "offline"',
        "tables.streams.clock[0].set.stats",
        'is not listed in `columns` of the table, did you mean "status"?',
    ),
    (
        'set = { status = "offline"',
        'set = { stream_id = "offline"',
        "tables.streams.clock[0].set.stream_id",
        "is the row's key or its version, which time does not change",
    ),
    (
        "size = 0",
        'size = "0"',
        "tables.streams.clock[0].set.size",
        'must be a whole number, because the column\'s type is "integer64"',
    ),
    (
        "stale = true }",
        "stale = true }\nremove = true",
        "tables.streams.clock[0]",
        "must have either `set` or `remove`",
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "reason"), CASES)
def test_fault(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    """A file with this one thing wrong says exactly this, and nothing besides."""
    assert faults(write(tmp_path, streams=replaced(ROWS, old, new))) == [f"streams.toml: {key}: {reason}"]


def test_nothing_to_compare(tmp_path: Path) -> None:
    """Without a version nobody can tell which change is the older one."""
    text = replaced(STREAMS, 'version = "updated_at"', "compared = true")
    assert faults(write(tmp_path, streams=text)) == [
        "streams.toml: tables.streams.compared: has no meaning without `version`"
    ]


def test_columns_without_a_type(tmp_path: Path) -> None:
    """Every column of a table that events write to needs one: a new row has them all. So do clock rules."""
    text = replaced(ROWS, 'status = "text"\nsize = "integer64?"\n', "")
    lacks = "has no type: `types` of the table must name it"
    assert faults(write(tmp_path, streams=text)) == [
        f"streams.toml: {key}: {lacks}"
        for key in (
            "events.update.rows[0].columns.status",
            "events.update.rows[0].given.size",
            "tables.streams.clock[0].set.size",
            "tables.streams.clock[0].set.status",
            "tables.streams.clock[0].unless.status[0]",
            "tables.streams.clock[0].unless.status[1]",
        )
    ]


def test_filters_that_events_would_not_pass(tmp_path: Path) -> None:
    """A subscription that filters by a constant column has to get each event that changes the row."""
    text = replaced(ROWS, 'keep = ["stream_id", "session_id"]', 'keep = ["session_id"]')
    text = replaced(text, 'inherit = ["stream_id"]', 'inherit = ["session_id"]')
    what = 'column "stream_id" is a filter and constant, and event type "sample", which changes rows,'
    assert faults(write(tmp_path, streams=text)) == [f"streams.toml: tables.streams: {what} does not keep that field"]


def test_a_faulty_table_is_not_said_to_be_missing(tmp_path: Path) -> None:
    """Its own fault is told, and that is enough."""
    text = replaced(ROWS, 'source = "stream_state"', "source = 5")
    assert faults(write(tmp_path, streams=text)) == ["streams.toml: tables.streams.source: must be text"]
