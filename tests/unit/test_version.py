from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.version import is_newer
from tests.vectors import version_vectors

NEWER, SAME = version_vectors()
ANY = (
    st.none() | st.integers() | st.integers().map(str) | st.text() | st.datetimes().map(lambda at: f"{at.isoformat()}Z")
)


@pytest.mark.parametrize(("one", "other"), NEWER)
def test_the_newer_is_newer(one: Any, other: Any) -> None:
    """And the other one is not."""
    assert is_newer(one, other)
    assert not is_newer(other, one)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_of_two_as_new_none_is_newer(one: Any, other: Any) -> None:
    """So that the later one in the log wins."""
    assert not is_newer(one, other)
    assert not is_newer(other, one)


@given(ANY, ANY)
def test_two_versions_are_never_newer_than_one_another(one: Any, other: Any) -> None:
    """Whatever they are, none raises and the answer does not contradict itself."""
    assert not (is_newer(one, other) and is_newer(other, one))


@given(st.integers(-(2**63), 2**64), st.integers(-(2**63), 2**64))
def test_whole_numbers_are_compared_as_such(one: int, other: int) -> None:
    """In whatever form each of them comes."""
    wanted = one > other
    assert is_newer(one, other) is is_newer(str(one), other) is is_newer(one, str(other)) is wanted
    assert is_newer(str(one), str(other)) is wanted
