"""Who may read what: the table of cases is the decision."""

from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.grants import grants, may_read, resolve_scope
from signalman.channel import ScopeLevel
from signalman.errors import Forbidden
from signalman.event import Scope
from signalman.principal import Grant, Principal
from tests.unit.access.make import ONE_LEVEL, OTHER, TENANT, THREE_LEVELS, catalog

ALL = {"streams", "system", "ai"}
NIL = "00000000-0000-0000-0000-000000000000"
DEEP = ("acme", "video", TENANT)


@dataclass(frozen=True)
class Case:
    """A principal, and the channels that it may read within its own scope."""

    what: str
    kind: Literal["user", "token", "account"]
    permissions: frozenset[str] | None
    scope: Scope
    channels: set[str]
    levels: tuple[ScopeLevel, ...] = field(default=ONE_LEVEL, repr=False)


def perms(*names: str) -> frozenset[str]:
    """Permissions of a token."""
    return frozenset(names)


CASES = [
    Case("a user reads all", "user", None, (TENANT,), ALL),
    Case("an account reads all", "account", None, (TENANT,), ALL),
    Case("an account with permissions reads what they open", "account", perms("read"), (TENANT,), {"streams"}),
    Case("a user with permissions reads what they open", "user", perms("read"), (TENANT,), {"streams"}),
    Case("a token needs one of several permissions", "token", perms("read"), (TENANT,), {"streams"}),
    Case("the other one will do", "token", perms("streams:read"), (TENANT,), {"streams"}),
    Case("two permissions open two", "token", perms("read", "infrastructure:read"), (TENANT,), {"streams", "system"}),
    Case("foreign permissions open nothing", "token", perms("billing:read", "streams:write"), (TENANT,), set()),
    Case("no wildcard", "token", perms("*", "streams:*", ""), (TENANT,), set()),
    Case("case counts", "token", perms("READ", "Streams:Read"), (TENANT,), set()),
    Case("a token without permissions", "token", perms(), (TENANT,), set()),
    Case("a token with permissions unknown", "token", None, (TENANT,), set()),
    Case("a user without scope", "user", None, (), set()),
    Case("a user with an empty level", "user", None, ("",), set()),
    Case("a user of the nil tenant", "user", None, (NIL,), set()),
    Case("a tenant that is no UUID", "user", None, ("*",), set()),
    Case("a tenant not in its one form", "user", None, (TENANT.upper(),), set()),
    Case("a level too many", "user", None, (TENANT, OTHER), set()),
    Case("a token without scope", "token", perms("read"), (), set()),
    Case("an account without scope", "account", None, (), set()),
    Case("three levels", "user", None, DEEP, ALL, THREE_LEVELS),
    Case("the narrowest level missing", "user", None, DEEP[:2], set(), THREE_LEVELS),
    Case("the narrowest level empty", "user", None, (*DEEP[:2], ""), set(), THREE_LEVELS),
    Case("the widest level empty", "user", None, ("", *DEEP[1:]), set(), THREE_LEVELS),
    Case("a level between empty", "user", None, ("acme", " ", TENANT), set(), THREE_LEVELS),
    Case("a scope without levels in the pack", "user", None, (), set(), ()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_table_of_grants(case: Case) -> None:
    """Each principal may read exactly the listed channels, within exactly its own scope."""
    principal = Principal(case.kind, "p", case.scope, permissions=case.permissions)
    granted = grants(principal, catalog(case.levels))
    assert granted == {Grant(name, case.scope) for name in case.channels}
    for name in ALL:
        assert may_read(granted, name, case.scope) is (name in case.channels)


@pytest.mark.parametrize(
    ("grant", "scope", "opens"),
    [
        ((TENANT,), (TENANT,), True),
        ((TENANT,), (OTHER,), False),
        ((TENANT,), (), False),
        ((), (TENANT,), False),
        ((), (), False),
        (("",), ("",), False),
        (("acme",), DEEP, True),
        (("acme", "video"), DEEP, True),
        (DEEP, DEEP, True),
        (DEEP, ("acme",), False),
        (DEEP, ("acme", "video"), False),
        (("acm",), DEEP, False),
        (("video",), DEEP, False),
        (("acme", ""), ("acme", "", TENANT), False),
        (("acme", "audio"), DEEP, False),
    ],
)
def test_a_grant_opens_what_lies_below_its_scope(grant: Scope, scope: Scope, opens: bool) -> None:  # noqa: FBT001 # a table
    """The grant's scope is a prefix, level by level, and an empty one opens nothing."""
    assert may_read({Grant("streams", grant)}, "streams", scope) is opens
    assert not may_read({Grant("streams", grant)}, "system", scope)


@pytest.mark.parametrize("requested", [None, [TENANT], [TENANT.upper()]])
def test_the_own_scope_is_had_by_asking_for_nothing_or_for_itself(requested: list[str] | None) -> None:
    """Both ways lead to the canonical scope."""
    assert resolve_scope(Principal("user", "p", (TENANT,)), requested, ONE_LEVEL) == (TENANT,)


@pytest.mark.parametrize(
    "requested", [[], [""], [OTHER], ["*"], [NIL], [TENANT, TENANT], [TENANT + " "], [f"{{{TENANT}}}"], ["x" * 9999]]
)
def test_whatever_else_is_asked_for_is_forbidden_in_the_same_words(requested: list[str]) -> None:
    """A refusal does not tell a foreign tenant from one that does not exist, and repeats nothing."""
    with pytest.raises(Forbidden) as refused:
        resolve_scope(Principal("user", "p", (TENANT,)), requested, ONE_LEVEL)
    assert refused.value.code == "forbidden"
    assert str(refused.value) == "This credential does not reach that scope (tenant); omit it to get your own."


@pytest.mark.parametrize("scope", [(), ("",), (NIL,)])
@pytest.mark.parametrize("requested", [None, [], [""], [TENANT]])
def test_a_principal_without_scope_gets_none(scope: Scope, requested: list[str] | None) -> None:
    """Nobody's scope cannot be filled in by a request."""
    with pytest.raises(Forbidden):
        resolve_scope(Principal("user", "p", scope), requested, ONE_LEVEL)


def test_a_wider_principal_names_the_rest() -> None:
    """With several levels, a request fills in what the principal's prefix leaves open, and must be complete."""
    wide = Principal("user", "p", ("acme",))
    assert resolve_scope(wide, list(DEEP), THREE_LEVELS) == DEEP
    for requested in (None, ["acme"], ["acme", "video"], ["acme", "video", ""], ["other", "video", TENANT]):
        with pytest.raises(Forbidden):
            resolve_scope(wide, requested, THREE_LEVELS)


IDS = st.lists(st.sampled_from(["", "acme", "video", TENANT, OTHER, NIL]), max_size=4)


@given(own=IDS, requested=st.none() | IDS, levels=st.sampled_from([ONE_LEVEL, THREE_LEVELS]))
def test_a_request_never_widens(own: list[str], requested: list[str] | None, levels: tuple[ScopeLevel, ...]) -> None:
    """Whatever is asked for, what comes out is complete, and begins with all of the principal's own scope."""
    try:
        scope = resolve_scope(Principal("user", "p", tuple(own)), requested, levels)
    except Forbidden:
        return
    assert own
    assert all(scope)
    assert len(scope) == len(levels)
    assert list(scope[: len(own)]) == own
