"""Cursors of table pages."""

import base64
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.errors import BadMessage
from signalman.gateway.pages import decode_cursor, encode_cursor, key_of
from signalman.ports import SnapshotQuery
from signalman.table import Table

TABLE = Table(
    name="sessions",
    title="Sessions",
    source="viewer_sessions_current",
    scope=("tenant_id",),
    scope_types=("string",),
    key=("node_id", "session_id"),
    columns=("node_id", "session_id", "city"),
    version=None,
    where=(),
    max_rows=100,
)
QUERY = SnapshotQuery(TABLE, ("t1",), (("city", ("Delft",)),), limit=50)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, TEXT)
def test_a_cursor_is_its_rows_key(node: str, session: str) -> None:
    """Property: what goes in comes out, whatever characters a key has, as text that fits a URL."""
    cursor = encode_cursor(QUERY, {"node_id": node, "session_id": session, "city": "Delft"})
    assert decode_cursor(QUERY, cursor) == (node, session)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_cursor_serves_all_pages_of_its_query() -> None:
    """Position and size of the page are not part of what a cursor is bound to."""
    cursor = encode_cursor(QUERY, {"node_id": "n", "session_id": "s"})
    assert decode_cursor(replace(QUERY, after=("a", "b"), limit=7), cursor) == ("n", "s")


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, scope=("t2",)),
        replace(QUERY, scope=("t1", "")),
        replace(QUERY, filters=()),
        replace(QUERY, filters=(("city", ("Delft", "Gouda")),)),
        replace(QUERY, table=replace(TABLE, name="others")),
        replace(QUERY, table=replace(TABLE, source="others_current")),
        replace(QUERY, table=replace(TABLE, key=("session_id", "node_id"))),
    ],
    ids=["scope", "levels", "no filter", "more values", "table", "source", "key"],
)
def test_a_cursor_of_another_query_is_refused(other: SnapshotQuery) -> None:
    """A cursor fits one table, scope and filter."""
    with pytest.raises(BadMessage) as raised:
        decode_cursor(other, encode_cursor(QUERY, {"node_id": "n", "session_id": "s"}))
    assert raised.value.code == "invalid_request"


def packed(content: object) -> str:
    """A cursor with any content."""
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


def digest() -> str:
    """What binds a cursor to `QUERY`."""
    cursor = encode_cursor(QUERY, {"node_id": "n", "session_id": "s"})
    return str(orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0])


@pytest.mark.parametrize("content", [[], ["n"], ["n", "s", "x"], ["n", 1], ["n", None], ["n", ["s"]]], ids=str)
def test_a_cursor_with_another_key_is_refused(content: list[object]) -> None:
    """A cursor made up by hand must at least be a key of text."""
    with pytest.raises(BadMessage):
        decode_cursor(QUERY, packed([digest(), *content]))


@given(st.one_of(st.text(), st.binary().map(lambda b: base64.urlsafe_b64encode(b).decode())))
def test_rubbish_is_refused(cursor: str) -> None:
    """Property: any text that is no cursor is the client's mistake, and never an error of ours."""
    with pytest.raises(BadMessage):
        decode_cursor(QUERY, cursor)


def test_keys_are_text() -> None:
    """Numbers and booleans of a key take the form in which the store compares them."""
    table = replace(TABLE, key=("number", "flag", "off", "text"))
    row = {"number": 7, "flag": True, "off": False, "text": "x"}
    assert key_of(SnapshotQuery(table, ("t",)), row) == ("7", "true", "false", "x")
