"""Ids and scopes as credentials and clients bring them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.scope import claimed_scope, complete_scope, level_id, prefix_scope, within
from signalman.channel import ScopeLevel
from signalman.event import PLATFORM, Scope
from tests.unit.access.world import DEEP, FLAT, OTHER, TENANT

HALF = (
    ScopeLevel("organization", "string", "org"),
    ScopeLevel("workspace", "string", "ws", optional=True),
    ScopeLevel("tenant", "uuid", "tenant_id"),
)
"""A credential is an organization's as a whole, or a tenant's."""


@pytest.mark.parametrize(
    ("value", "uuid", "string"),
    [
        (TENANT, TENANT, TENANT),
        (TENANT.upper(), TENANT, TENANT.upper()),
        ("00000000-0000-0000-0000-000000000000", None, "00000000-0000-0000-0000-000000000000"),
        ("acme", None, "acme"),
        ("", None, None),
        (" ", None, None),
        ("a\nb", None, None),
        ("x" * 257, None, None),
        (None, None, None),
        (7, None, None),
        (["acme"], None, None),
        (PLATFORM[0], None, None),
        (PLATFORM, None, None),
    ],
)
def test_an_id(value: object, uuid: str | None, string: str | None) -> None:
    """A UUID in its one form, another id as it is; what is none, and the name of the platform, is nobody's."""
    assert level_id(value, "uuid") == uuid
    assert level_id(value, "string") == string


@pytest.mark.parametrize(
    ("ids", "deep", "half"),
    [
        (["acme", "video", TENANT], ("acme", "video", TENANT), ("acme", "video", TENANT)),
        (["acme", "video", None], ("acme", "video"), None),
        (["acme", "video"], ("acme", "video"), None),
        (["acme", None, None], ("acme",), ("acme",)),
        (["acme", None], ("acme",), ("acme",)),
        (["acme"], ("acme",), ("acme",)),
        (["acme", None, TENANT], None, None),
        ([None, "video", TENANT], None, None),
        ([None, None, None], None, None),
        ([], None, None),
        (["acme", "video", ""], None, None),
        (["acme", ""], None, None),
        (["acme", "", None], None, None),
        (["acme", "video", "no uuid"], None, None),
        (["", None, None], None, None),
        (["acme", "video", TENANT, "more"], None, None),
        (["acme", "video", TENANT, None], ("acme", "video", TENANT), ("acme", "video", TENANT)),
        ([PLATFORM[0]], None, None),
        (["acme", PLATFORM[0]], None, None),
    ],
)
def test_a_scope_may_stop_above_an_optional_level(ids: list[object], deep: Scope | None, half: Scope | None) -> None:
    """Absent is not empty: what is there must be an id, without a hole above it, and end above an optional level."""
    assert prefix_scope(ids, DEEP) == deep
    assert prefix_scope(ids, HALF) == half


def test_without_optional_levels_it_is_complete_or_nothing() -> None:
    """On a platform of tenants only, both ways of judging are one."""
    for ids in ([TENANT], [TENANT.upper()], [], [None], [""], [TENANT, OTHER], list(PLATFORM)):
        assert prefix_scope(ids, FLAT) == complete_scope(ids, FLAT)
    assert prefix_scope([], ()) is None


def test_claims_are_absent_or_null() -> None:
    """A token that has no claim for a level, or null, is of those above; an empty text is a fault."""
    assert claimed_scope({"org": "acme", "ws": None}, DEEP) == ("acme",)
    assert claimed_scope({"org": "acme", "ws": "video", "tenant_id": TENANT.upper()}, DEEP) == ("acme", "video", TENANT)
    assert claimed_scope({"org": "acme", "ws": ""}, DEEP) is None
    assert claimed_scope({"ws": "video"}, DEEP) is None
    assert claimed_scope({"org": "acme", "tenant_id": TENANT}, DEEP) is None
    assert claimed_scope({"org": "acme", "ws": ["video"]}, DEEP) is None
    assert claimed_scope({"org": PLATFORM[0]}, DEEP) is None


@given(ids=st.lists(st.none() | st.sampled_from(["", " ", "acme", TENANT, *PLATFORM]) | st.integers(), max_size=5))
def test_what_comes_out_is_a_scope(ids: list[object]) -> None:
    """Never an empty one, never one with an empty id, never the platform's; and judging it again changes nothing."""
    for levels in (FLAT, DEEP, HALF):
        scope = prefix_scope(ids, levels)
        if scope is not None:
            assert 0 < len(scope) <= len(levels)
            assert all(scope)
            assert not set(PLATFORM) & set(scope)
            assert prefix_scope(scope, levels) == scope


@pytest.mark.parametrize(
    ("scope", "prefix", "lies"),
    [
        (("acme", "video"), ("acme",), True),
        (("acme",), ("acme",), True),
        (("acme",), ("acme", "video"), False),
        (("acme2",), ("acme",), False),
        (("acme",), (), False),
        ((), (), False),
        (("",), ("",), False),
        (PLATFORM, PLATFORM, True),
        ((*PLATFORM, "acme"), PLATFORM, False),
        (PLATFORM, (), False),
    ],
)
def test_within(scope: Scope, prefix: Scope, lies: bool) -> None:  # noqa: FBT001 # a table
    """Level by level; an empty prefix holds nothing, and the platform's only itself."""
    assert within(scope, prefix) is lies


def test_an_id_may_be_as_long_as_the_relay_takes() -> None:
    """256 characters, and not one more."""
    assert level_id("x" * 256, "string") == "x" * 256
    assert level_id("x" * 257, "string") is None


@pytest.mark.parametrize("foreign", ["g", "!", " ", "\n", "_", "."])
@pytest.mark.parametrize("at", range(36))
def test_every_character_of_a_uuid_counts(at: int, foreign: str) -> None:
    """One that is none of its digits, wherever it stands, makes it no id."""
    uuid = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
    assert level_id(uuid[:at] + foreign + uuid[at + 1 :], "uuid") is None
