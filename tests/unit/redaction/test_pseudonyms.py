"""What a pseudonym tells, and what not."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signalman.net import Net
from signalman.redaction import Pseudonyms
from tests.unit.redaction.sample import SCOPE

NAMES = Pseudonyms(b"one key of the tests")
OTHER_KEY = Pseudonyms(b"other key of the tests")
SCOPES = st.lists(st.text(max_size=4), min_size=1, max_size=3).map(tuple)


def test_what_one_looks_like() -> None:
    """A reader sees what it is; and it is the same in every process and version, or rows and events would part."""
    assert NAMES.of("viewer-1", SCOPE) == "pseudo-5u6zn4yyqx6bia3imvyuxea2"


@given(st.text(), SCOPES)
def test_of_any_text(value: str, scope: tuple[str, ...]) -> None:
    """Property: short, plain, stable, no address, and its own pseudonym."""
    name = NAMES.of(value, scope)
    assert re.fullmatch(r"pseudo-[a-z2-7]{24}", name)
    assert NAMES.of(value, scope) == name
    assert NAMES.of(name, scope) == name
    assert Net().clean(name) == (name, 0)


@given(st.text(), st.text())
def test_other_values_have_other_pseudonyms(one: str, other: str) -> None:
    """Property: two values never share one."""
    assume(one != other)
    assert NAMES.of(one, SCOPE) != NAMES.of(other, SCOPE)


@given(st.text(max_size=8), SCOPES, SCOPES)
def test_other_scopes_have_other_pseudonyms(value: str, one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Property: tenants cannot compare theirs, however their ids and the value are cut."""
    assume(one != other)
    assert NAMES.of(value, one) != NAMES.of(value, other)
    assert NAMES.of(NAMES.of(value, one), other) != NAMES.of(value, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("c", ("a", "b")), ("c", ("ab",))),
        (("bc", ("a",)), ("c", ("ab",))),
        (("c", ("a", "b")), ("bc", ("a",))),
        (("", ("a", "")), ("", ("a",))),
        (("b", ("a",)), ("", ("a", "b"))),
    ],
)
def test_scope_and_value_do_not_run_into_each_other(
    one: tuple[str, tuple[str, ...]], other: tuple[str, tuple[str, ...]]
) -> None:
    """The same characters, cut in another place, are another scope or another value."""
    assert NAMES.of(*one) != NAMES.of(*other)


@given(st.text())
def test_another_key_makes_others(value: str) -> None:
    """Property: and does not know those of the first for pseudonyms."""
    name = NAMES.of(value, SCOPE)
    assert OTHER_KEY.of(value, SCOPE) != name
    assert OTHER_KEY.of(name, SCOPE) != name


@given(st.integers(0, 30), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567-é"))
def test_what_only_looks_like_one_is_hashed(at: int, instead: str) -> None:
    """Property: a pseudonym with one character changed is a value like any other."""
    name = NAMES.of("viewer-1", SCOPE)
    changed = name[:at] + instead + name[at + 1 :]
    assume(changed != name)
    assert NAMES.of(changed, SCOPE) != changed


@pytest.mark.parametrize("size", [1, 64, 65, 500])
def test_keys_of_any_length(size: int) -> None:
    """Every byte of a long key counts."""
    key = b"k" * size
    assert Pseudonyms(key).of("x", SCOPE) != Pseudonyms(key[:-1] + b"x").of("x", SCOPE)


@pytest.mark.parametrize("key", [None, b""])
def test_no_key_no_pseudonyms(key: bytes | None) -> None:
    """Without a key a hash could be undone by trying."""
    with pytest.raises(ValueError, match="key"):
        Pseudonyms(key).of("x", SCOPE)


def test_a_text_that_is_no_unicode() -> None:
    """A lone surrogate is hashed like any other character."""
    assert NAMES.of("\ud800", SCOPE) != NAMES.of("\ud801", SCOPE)
