"""A pack's SQL for accounts, read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access_rules import Statement
from signalman.catalog import default_folder
from signalman.catalog.statements import StatementsError, read_statements

TOKENS = "-- name: tokens\nSELECT $1\n"


def faults(text: str) -> list[tuple[int, str]]:
    """What is said of *text*."""
    with pytest.raises(StatementsError) as found:
        read_statements(text)
    return list(found.value.faults)


def test_statements_have_names_and_databases() -> None:
    """In the file's order, without the comments before them; a database is the next line's, or none."""
    text = """
-- For people; name: is no header here.

-- name: tokens
-- database: accounts
-- Why it is so.

SELECT $1
-- In the midst of it.
WHERE true

-- name: scopes.not_suspended
SELECT $1::text[];
"""
    assert read_statements(text) == {
        "tokens": Statement("SELECT $1\n-- In the midst of it.\nWHERE true", "accounts"),
        "scopes.not_suspended": Statement("SELECT $1::text[];", None),
    }
    assert list(read_statements(text)) == ["tokens", "scopes.not_suspended"]


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("", 1, "add a statement tokens, keys or users"),
        ("-- name: scopes.active\nSELECT $1", 1, "add a statement tokens, keys or users"),
        (f"{TOKENS}-- name: tokens\nSELECT $1", 3, "tokens is there already, in line 1: write it once"),
        (f"{TOKENS}-- name: tokns\nSELECT $1", 3, 'no statement has the name "tokns"'),
        (f"{TOKENS}-- name: scopes\nSELECT $1", 3, "any number of scopes.<word>"),
        (f"{TOKENS}-- name: scopes.\nSELECT $1", 3, "any number of scopes.<word>"),
        (f"{TOKENS}-- name: scopes.Active\nSELECT $1", 3, "any number of scopes.<word>"),
        (f"{TOKENS}-- name: users\n", 3, "users has no SQL: write a SELECT below its name"),
        (f"{TOKENS}-- name: users\n-- Only a comment.\n\n", 3, "users has no SQL"),
        (f"{TOKENS}-- name: users\nSELECT 1", 3, "users does not use $1"),
        (f"{TOKENS}-- name: users\nSELECT $10", 3, "users does not use $1"),
        (f"SELECT 1;\n{TOKENS}", 1, "there is SQL before the first name"),
        (f"{TOKENS}-- name:users\nSELECT $1", 3, 'a header is a whole line like "-- name: tokens"'),
        (f"{TOKENS}-- Name: users\nSELECT $1", 3, "a header is a whole line"),
        (f"{TOKENS} -- name: users\nSELECT $1", 3, "a header is a whole line"),
        (f"{TOKENS}-- name: users and more\nSELECT $1", 3, "a header is a whole line"),
        (f"{TOKENS}--database: x\n", 3, "a header is a whole line"),
        (f"{TOKENS}-- database: accounts\n", 3, 'the database stands in the line after "-- name:" and nowhere else'),
        (f"-- database: accounts\n{TOKENS}", 1, 'the database stands in the line after "-- name:"'),
        ("-- name: tokens\n-- database: a\n-- database: b\nSELECT $1", 3, "the database stands in the line after"),
        ("-- name: tokens\n\n-- database: a\nSELECT $1", 3, "the database stands in the line after"),
        ("-- name: tokens\n-- database: Accounts-1\nSELECT $1", 2, "a database's name has small letters, digits and _"),
    ],
)
def test_a_fault_has_its_line_and_a_sentence(text: str, line: int, sentence: str) -> None:
    """That says what to do."""
    [found] = [each for each in faults(text) if sentence in each[1]]
    assert found[0] == line


def test_an_extension_may_replace_one_statement() -> None:
    """Somebody is found by those of the pack below; something has to be there all the same."""
    scopes = "-- name: scopes.active\nSELECT $1"
    assert list(read_statements(scopes, extends=True)) == ["scopes.active"]
    with pytest.raises(StatementsError):
        read_statements("-- name: users\n", extends=True)
    with pytest.raises(StatementsError, match="line 1: there is no statement"):
        read_statements("-- Nothing yet.\n", extends=True)


def test_all_faults_are_told_at_once() -> None:
    """In the order of their lines, and in one text."""
    text = "SELECT 0\n-- name: tokns\n-- name: users\n-- name: users\nSELECT 1"
    assert [line for line, _ in faults(text)] == [1, 2, 2, 3, 4, 4]
    with pytest.raises(ValueError, match=r'line 1: there is SQL .*; line 2: no statement has the name "tokns"'):
        read_statements(text)


def test_the_shipped_packs_statements_can_be_read() -> None:
    """FrameWorks' accounts are tokens and users in one database, and tenants in two others."""
    found = read_statements((default_folder("frameworks") / "directory.sql").read_text("utf-8"))
    assert {name: each.database for name, each in found.items()} == {
        "tokens": "commodore",
        "users": "commodore",
        "scopes.active": "quartermaster",
        "scopes.not_suspended": "purser",
    }
    for each in found.values():
        assert each.sql.startswith("SELECT")
        assert ";" not in each.sql
        assert "-- name" not in each.sql


@given(st.text(alphabet=st.sampled_from("-: \n$1nametokensdatabaseSELECT;'\r\x0b\u2028"), max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """With lines that are there; nothing else is ever raised."""
    found: list[tuple[int, str]] = []
    try:
        statements = read_statements(text)
    except StatementsError as error:
        found.extend(error.faults)
    else:
        assert all("$1" in each.sql for each in statements.values())
        return
    assert found
    assert all(1 <= line <= 1 + text.count("\n") + text.count("\r") for line, _ in found)


def test_a_line_ends_where_postgresql_ends_it() -> None:
    """A comment with another kind of separator in it stays one; a file from Windows is read as any."""
    text = "-- name: tokens\r\n-- Half \x0b-- name: users \u2028 a comment.\r\nSELECT $1\r\n"
    assert read_statements(text) == {"tokens": Statement("SELECT $1", None)}
