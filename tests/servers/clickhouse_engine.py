"""The ClickHouse engine of the chdb wheel, with what a ClickHouse server does around each query of an HTTP client."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import chdb

_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE = re.compile(r"Code: (\d+)\.")
_FORMAT_AT_END = re.compile(rb"\bFORMAT\s+(\w+)[\s;]*\Z", re.IGNORECASE)
# An INSERT whose data follow: the statement, the format, and the data after at most one end of line.
_INSERT = re.compile(
    rb"\s*(INSERT\s+INTO\s(?:(?!\b(?:SELECT|VALUES)\b).)*?)\s+FORMAT\s+(\w+)[ \t]*\r?\n?", re.IGNORECASE | re.DOTALL
)
# The statements that answer with rows, be they none; all others answer with nothing and name no format.
_ANSWERS = re.compile(
    rb"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN|CHECK)\b",
    re.IGNORECASE | re.DOTALL,
)


class EngineError(Exception):
    """ClickHouse refused; the text starts with ``Code: NNN. DB::Exception:``."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = _CODE.search(text)
        self.code = int(found[1]) if found else 1001


@dataclass(frozen=True, slots=True)
class Query:
    """One request: the statement with, after an INSERT, its data; and all that surrounds it."""

    sql: bytes
    database: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    """Values of ``{name:Type}``, escaped as ClickHouse's TabSeparated format has it."""
    default_format: str = "TabSeparated"


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows, in the format named; no format when the statement is one that has no rows."""

    body: bytes
    format: str | None
    summary: Mapping[str, str]


class Engine:
    """The one engine that a process can have, over the data in *path*. Not for several threads at once."""

    def __init__(self, path: str) -> None:
        self._path = path
        # The engine lives as long as its last connection.
        self._keeper = _connect(path)
        self.version = self._text("SELECT version()")
        self.timezone = self._text("SELECT timezone()")

    def run(self, query: Query) -> Answer:
        """Run *query*. Raises `EngineError`."""
        output = _FORMAT_AT_END.search(query.sql)
        name = output[1].decode() if output else query.default_format
        insert = _INSERT.match(query.sql)
        # Settings and the current database belong to a connection: with one for each query nothing is left behind.
        with _refusals(), closing(_connect(self._path)) as connection:
            if query.settings:
                connection.query("SET " + ", ".join(_assignments(query.settings)), "TabSeparated")
            connection.query(f"USE {_quoted(query.database, '`')}", "TabSeparated")
            if insert:
                return _insert(connection, insert[1].decode(), insert[2].decode(), query.sql[insert.end() :])
            result = connection.query(query.sql, name, params=dict(query.parameters))
            summary = {
                "read_rows": result.storage_rows_read(),
                "read_bytes": result.storage_bytes_read(),
                "written_rows": result.rows_written(),
                "written_bytes": result.bytes_written(),
                "result_rows": result.rows_read() or result.rows_written(),
                "elapsed_ns": int(result.elapsed() * 1e9),
            }
            return Answer(
                body=result.bytes() or b"",
                format=name if _ANSWERS.match(query.sql) else None,
                summary={key: str(value) for key, value in summary.items()},
            )

    def close(self) -> None:
        """Let go of the data."""
        self._keeper.close()

    def _text(self, sql: str) -> str:
        answer: bytes = self._keeper.query(sql, "TabSeparated").bytes()
        return answer.decode().strip()


def _connect(path: str) -> Any:
    return chdb.connect(path)  # type: ignore[no-untyped-call]


def _insert(connection: Any, statement: str, data_format: str, data: bytes) -> Answer:
    # Beside the statement, for as a part of it the data would be cut off at `max_query_size`.
    with connection.send_insert(statement, data_format) as inserter:
        inserter.append(data)
        result = inserter.finish()
    summary = {
        "written_rows": result.rows_written,
        "written_bytes": result.bytes_written,
        "result_rows": result.rows_written,
        "elapsed_ns": int(result.elapsed * 1e9),
    }
    return Answer(body=b"", format=None, summary={key: str(value) for key, value in summary.items()})


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # The class that chdb exports as ChdbError is not the one that its engine raises; this is that one's base.
        text = str(error)
        if (start := text.find("Code: ")) < 0:
            raise
        raise EngineError(text[start:].strip()) from None


def _assignments(settings: Mapping[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        if not _SETTING.fullmatch(name):
            raise EngineError(f"Code: 115. DB::Exception: Unknown setting '{name}'. (UNKNOWN_SETTING)")
        # As a quoted string whatever its type, which is also how a map is written.
        yield f"{name} = {_quoted(value, chr(39))}"


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
