"""Rows of accounts: whatever is not as it should be is nobody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access_ports import Holder, Looked
from signalman.backends.postgres_rows import UnfitError, check_statement, read_holders, read_scopes

GOOD = {
    "key": "k",
    "id": "i",
    "scope": ["t"],
    "roles": ["r"],
    "permissions": None,
    "user_id": None,
    "expires_at": None,
    "secret_hash": "h",
}
TYPES = [
    *((name, "text") for name in ("key", "id", "user_id", "secret_hash")),
    *((name, "text[]") for name in ("scope", "roles", "permissions")),
    ("expires_at", "float8"),
]

ODD = st.one_of(
    st.none(), st.text(max_size=3), st.floats(), st.integers(), st.booleans(), st.binary(max_size=3),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(), st.lists(st.text(max_size=2))), max_size=3),
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(sorted(GOOD)), ODD, max_size=2).map(lambda odd: {**GOOD, **odd})))
def test_whatever_comes_a_holder_is_whole(rows: list[dict[str, Any]]) -> None:
    """Nothing is raised, and who is found was asked for and has an id, a scope without holes, and a secret's hash."""
    found, unusable = read_holders("keys", rows, {"k", "other"})
    assert set(found) <= {"k", "other"}
    assert unusable <= set(GOOD)
    for holder in found.values():
        assert holder.scope
        assert holder.user_id != ""
        for each in (holder.id, *holder.scope, *holder.roles, *(holder.permissions or ()), holder.user_id or "x"):
            assert type(each) is str
            assert each
        assert holder.expires_at is None or 0 <= holder.expires_at < 253402300800
        assert isinstance(holder.secret_hash, str)
        assert holder.secret_hash


@pytest.mark.parametrize("never", [253402300800.0, float("inf")])
def test_what_no_date_can_say_is_no_expiry(never: float) -> None:
    """RFC 3339 ends with the year 9999."""
    found, _ = read_holders("keys", [{**GOOD, "expires_at": never}], {"k"})
    assert found["k"].expires_at is None


@pytest.mark.parametrize("moment", [float("nan"), float("-inf"), -1.0, 1, "1", True])
def test_what_is_no_moment_is_nobody(moment: object) -> None:
    """An expiry that cannot be understood is not "never"."""
    assert read_holders("keys", [{**GOOD, "expires_at": moment}], {"k"}) == ({}, frozenset({"expires_at"}))


@given(st.permutations([{**GOOD, "id": each} for each in ("one", "one", "other")]))
def test_rows_that_differ_are_none_in_any_order(rows: list[dict[str, Any]]) -> None:
    """Also when one of them is there twice."""
    assert read_holders("keys", rows, {"k"}) == ({}, frozenset({"key"}))


def test_only_keys_have_a_secret() -> None:
    """A hash that comes with a token or a user is nobody's business."""
    names: tuple[Looked, ...] = ("tokens", "users")
    for name in names:
        found, _ = read_holders(name, [GOOD], {"k"})
        assert found == {"k": Holder("i", ("t",), frozenset({"r"}))}


def test_a_hash_is_not_shown() -> None:
    """Not even where a holder is printed."""
    found, _ = read_holders("keys", [{**GOOD, "secret_hash": "$argon2id$"}], {"k"})
    assert "argon2" not in repr(found)


def test_scopes_are_texts() -> None:
    """NULL is no scope."""
    assert read_scopes([{"scope": "a"}, {"scope": None}, {"scope": "b"}]) == {"a", "b"}


@pytest.mark.parametrize("name", ["tokens", "users", "keys"])
def test_a_fit_statement_passes(name: str) -> None:
    """Also with varchar, and with columns that nobody asked for."""
    check_statement(name, ["text[]"], [*TYPES, ("more", "jsonb")])
    check_statement(name, ["varchar[]"], [(column, type_.replace("text", "varchar")) for column, type_ in TYPES])


def test_a_secret_is_needed_for_keys_only() -> None:
    """The others need no such column."""
    without = [each for each in TYPES if each[0] != "secret_hash"]
    check_statement("tokens", ["text[]"], without)
    with pytest.raises(UnfitError, match=r"^column secret_hash is missing$"):
        check_statement("keys", ["text[]"], without)


@pytest.mark.parametrize("parameters", [[], ["text"], ["uuid[]"], ["text[]", "text"], ["text[]", "text[]"]])
def test_a_statement_has_one_parameter(parameters: list[str]) -> None:
    """The list of what is asked for."""
    with pytest.raises(UnfitError, match=r"it needs one parameter, \$1::text\[\]"):
        check_statement("scopes.active", parameters, [("scope", "text")])


def test_all_that_is_wrong_is_said_at_once() -> None:
    """In the order of the columns."""
    with pytest.raises(UnfitError) as wrong:
        check_statement("tokens", [], [("key", "text"), ("id", "uuid"), ("scope", "text[]"), ("scope", "text[]")])
    assert str(wrong.value) == (
        "it needs one parameter, $1::text[]; column id is uuid, write id::text; column scope is there more than once; "
        "column roles is missing; column permissions is missing; column user_id is missing; "
        "column expires_at is missing"
    )
