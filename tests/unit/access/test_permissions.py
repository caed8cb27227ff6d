"""Which permission opens which: as the same text, or segment by segment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.permissions import Match, opens

CASES = [
    ("logs:read", "logs:read", True, True, "the same"),
    ("logs:write", "logs:read", False, False, "another action"),
    ("Logs:Read", "logs:read", False, False, "case counts"),
    ("logs:*", "logs:read", False, True, "any action"),
    ("*:read", "logs:read", False, True, "any resource"),
    ("*:*", "logs:read", False, True, "anything of two segments"),
    ("*", "logs:read", False, False, "a star is one segment"),
    ("*", "read", False, True, "of one"),
    ("log*:read", "logs:read", False, False, "a star is a whole segment"),
    ("logs:r*", "logs:read", False, False, "at the end, too"),
    ("**:read", "logs:read", False, False, "two stars are none"),
    ("logs:read", "logs:read:tenant", False, False, "fewer segments open none with more"),
    ("logs:*", "logs:read:tenant", False, False, "nor with a star"),
    ("logs:read:tenant", "logs:read", False, False, "more segments open none with fewer"),
    ("logs:read:*", "logs:read", False, False, "not even with a star too many"),
    ("logs:*:tenant", "logs:read:tenant", False, True, "a star in the midst"),
    ("", "logs:read", False, False, "an empty permission"),
    ("logs:", "logs:read", False, False, "an empty segment"),
    (":", "logs:read", False, False, "empty segments only"),
    ("logs:*", "logs:", False, False, "no star for an empty segment"),
    ("logs:read", "logs:*", False, False, "a channel's star is no wildcard"),
]


@pytest.mark.parametrize(("held", "wanted", "exact", "segments", "why"), CASES, ids=[case[-1] for case in CASES])
def test_one_permission(held: str, wanted: str, exact: bool, segments: bool, why: str) -> None:  # noqa: FBT001 # a table
    """Each line says what one permission opens, by either way of comparing."""
    assert why
    assert opens({held}, {wanted}, "exact") is exact
    assert opens({held}, {wanted}, "segments") is segments


@pytest.mark.parametrize("match", ["exact", "segments"])
def test_any_of_them(match: Match) -> None:
    """One that is held and asked for is enough."""
    assert opens({"billing:read", "logs:read"}, {"traces:read", "logs:read"}, match)
    assert not opens({"billing:read", "logs:write"}, {"traces:read", "logs:read"}, match)


@pytest.mark.parametrize("match", ["exact", "segments"])
def test_nothing_opens_nothing(match: Match) -> None:
    """Neither none, nor a list that is unknown, nor a channel that asks for none."""
    for held in (None, frozenset[str](), set[str]()):
        assert not opens(held, {"logs:read"}, match)
        assert not opens(held, (), match)
    assert not opens({"*", "logs:read"}, (), match)


segment = st.sampled_from(["logs", "read", "*", ""])
permission = st.lists(segment, min_size=1, max_size=3).map(":".join)


@given(held=st.sets(permission), wanted=st.sets(permission), more=permission)
def test_laws(held: set[str], wanted: set[str], more: str) -> None:
    """One more that is held closes nothing; what the same text opens, segments open, unless one is empty."""
    for match in ("exact", "segments"):
        assert not opens(held, wanted, match) or opens(held | {more}, wanted, match)
    whole = {each for each in wanted if all(each.split(":"))}
    assert not opens(held, whole, "exact") or opens(held, whole, "segments")
