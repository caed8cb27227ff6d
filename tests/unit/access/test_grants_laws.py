"""Laws of the decision who may read what, over principals, packs and requests at random."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.grants import grants, may_read, resolve_scope
from signalman.access.scope import complete_scope, prefix_scope
from signalman.channel import Catalog, ScopeLevel
from signalman.errors import Forbidden
from signalman.event import PLATFORM, Scope
from signalman.principal import Grant, Principal
from tests.unit.access.world import CHANNELS, DEEP, FLAT, OTHER, TENANT, by_segments, catalog

IDS = ["", " ", "acme", "video", TENANT, OTHER, TENANT.upper(), "00000000-0000-0000-0000-000000000000", *PLATFORM]
NAMES = ["owner", "viewer", "guest", "platform_operator"]
PERMISSIONS = ["read", "streams:read", "system:read", "streams:*", "*:read", "*", ""]

scopes = st.lists(st.sampled_from(IDS), max_size=4).map(tuple)
names = st.frozensets(st.sampled_from(NAMES))
held = st.frozensets(st.sampled_from(PERMISSIONS))
packs = st.sampled_from([catalog(FLAT), catalog(DEEP), by_segments(FLAT), by_segments(DEEP)])
principals = st.builds(
    Principal,
    kind=st.sampled_from(["user", "token", "account"]),
    id=st.just("p"),
    scope=scopes,
    roles=names,
    permissions=st.none() | held,
    operator=st.booleans(),
)
sound = st.builds(
    lambda principal, scope: replace(principal, scope=scope),
    principals,
    st.sampled_from([(TENANT,), ("acme",), ("acme", "video"), ("acme", "video", TENANT)]),
)
"""Principals whose scope is one of some pack."""


def reads(granted: frozenset[Grant]) -> set[tuple[str, Scope]]:
    """Everything that *granted* opens, of what there is to ask for."""
    asked: list[Scope] = [(), ("",), (TENANT,), (OTHER,), ("acme", "video", TENANT), ("acme", "audio", OTHER), PLATFORM]
    return {(name, scope) for name in CHANNELS for scope in asked if may_read(granted, name, scope)}


def resolved(principal: Principal, requested: list[str] | None, levels: tuple[ScopeLevel, ...]) -> Scope | None:
    """What a request leads to; None where it is refused."""
    try:
        return resolve_scope(principal, requested, levels)
    except Forbidden:
        return None


@given(principal=principals | sound, requested=st.none() | scopes.map(list), pack=packs)
def test_a_request_never_widens(principal: Principal, requested: list[str] | None, pack: Catalog) -> None:
    """Whatever is asked for, what comes out is complete and within the principal's own scope, or an operator's
    platform.
    """
    scope = resolved(principal, requested, pack.levels)
    if scope is None:
        return
    if scope == PLATFORM:
        assert principal.operator
        assert requested == list(PLATFORM)
        return
    assert complete_scope(scope, pack.levels) == scope
    assert principal.scope
    assert scope[: len(principal.scope)] == principal.scope


@given(principal=sound, requested=scopes.map(list), pack=packs)
def test_asking_gives_nothing_that_not_asking_withholds(
    principal: Principal, requested: list[str], pack: Catalog
) -> None:
    """A request reaches what the grants open anyway: it adds no channel and no scope."""
    scope = resolved(principal, requested, pack.levels)
    granted = grants(principal, pack)
    for name in CHANNELS:
        if scope is not None and may_read(granted, name, scope):
            assert any(each.channel == name and scope[: len(each.scope)] == each.scope for each in granted)


@given(principal=sound, pack=packs, roles=names, more=held)
def test_more_is_never_less(principal: Principal, pack: Catalog, roles: frozenset[str], more: frozenset[str]) -> None:
    """Further roles, and further permissions where there are any, take nothing away."""
    before = reads(grants(principal, pack))
    assert before <= reads(grants(replace(principal, roles=principal.roles | roles), pack))
    if principal.permissions is not None:
        assert before <= reads(grants(replace(principal, permissions=principal.permissions | more), pack))
    assert before <= reads(grants(replace(principal, operator=True), pack))


@given(granted=st.frozensets(st.builds(Grant, st.sampled_from(CHANNELS), scopes)), gone=st.integers(0, 5))
def test_a_grant_that_goes_opens_nothing(granted: frozenset[Grant], gone: int) -> None:
    """Fewer grants never open more."""
    fewer = frozenset(sorted(granted, key=repr)[gone:])
    assert reads(fewer) <= reads(granted)


@given(principal=sound, pack=packs, names=st.sets(st.sampled_from(CHANNELS)))
def test_a_channel_that_asks_for_nothing_is_nobodys(principal: Principal, pack: Catalog, names: set[str]) -> None:
    """Emptied lists of roles and permissions close a channel; they never open one."""
    closed = {
        name: replace(each, roles=frozenset(), permissions=frozenset()) if name in names else each
        for name, each in pack.channels.items()
    }
    after = reads(grants(principal, replace(pack, channels=closed)))
    assert after <= reads(grants(principal, pack))
    assert not any(name in names and scope != PLATFORM for name, scope in after)


@given(principal=principals, pack=packs)
def test_nothing_without_a_scope(principal: Principal, pack: Catalog) -> None:
    """Whose scope is not one of the pack's, in its one form, has no grant at all."""
    if prefix_scope(principal.scope, pack.levels) != principal.scope:
        assert grants(principal, pack) == frozenset()


MUTATIONS: dict[str, Callable[[Principal], Principal]] = {
    "no scope": lambda one: replace(one, scope=()),
    "an empty id first": lambda one: replace(one, scope=("", *one.scope[1:])),
    "an empty id last": lambda one: replace(one, scope=(*one.scope[:-1], "")),
    "an id that is no text": lambda one: replace(one, scope=(*one.scope[:-1], _wrong(None))),
    "a level too many": lambda one: replace(one, scope=(*one.scope, *one.scope, *one.scope, *one.scope)),
    "a list for a scope": lambda one: replace(one, scope=_wrong(list(one.scope))),
    "the platform for a scope": lambda one: replace(one, scope=PLATFORM),
    "no role and no permission": lambda one: replace(one, roles=frozenset(), permissions=frozenset(), operator=False),
    "a kind that is none": lambda one: replace(one, kind=_wrong("service")),
    "no kind": lambda one: replace(one, kind=_wrong("")),
}
"""What no sound authenticator makes of a principal."""


def _wrong(value: object) -> Any:
    return value


@pytest.mark.parametrize("name", MUTATIONS)
@given(principal=sound, pack=packs)
def test_every_broken_field_fails_closed(name: str, principal: Principal, pack: Catalog) -> None:
    """A principal with one field broken reads nothing, whatever its other fields say."""
    broken = MUTATIONS[name](principal)
    assert grants(broken, pack) == frozenset()


@given(principal=sound, pack=packs, flag=st.sampled_from(["true", 1, "no", [0]]))
def test_an_operator_is_one_by_true_alone(principal: Principal, pack: Catalog, flag: object) -> None:
    """A flag that is anything else, as a careless authenticator might set it, opens nothing."""
    careless = replace(principal, operator=_wrong(flag))
    assert grants(careless, pack) == grants(replace(principal, operator=False), pack)
