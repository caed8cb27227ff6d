"""Who may read what: the table of cases is the decision."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import pytest

from signalman.access.grants import grants, may_read, resolve_scope
from signalman.channel import Catalog
from signalman.errors import Forbidden
from signalman.event import PLATFORM, Scope
from signalman.principal import Grant, Principal
from tests.unit.access.world import CHANNELS, DEEP, FLAT, OTHER, TENANT, by_segments, catalog

NIL = "00000000-0000-0000-0000-000000000000"
SYSTEM = "00000000-0000-0000-0000-000000000001"

OWN: Scope = (TENANT,)
ALIEN: Scope = (OTHER,)
DEEPEST: Scope = ("acme", "video", TENANT)


def words(text: str | None) -> frozenset[str] | None:
    """A list as a text of words."""
    return None if text is None else frozenset(text.split())


def user(roles: str, permissions: str | None = None, scope: Scope = OWN, *, operator: bool = False) -> Principal:
    """A person."""
    return Principal("user", "u", scope, frozenset(roles.split()), words(permissions), operator=operator)


def token(permissions: str | None, roles: str = "owner", scope: Scope = OWN, *, operator: bool = False) -> Principal:
    """A program."""
    return Principal("token", "t", scope, frozenset(roles.split()), words(permissions), operator=operator)


def account(roles: str, permissions: str | None = None, scope: Scope = OWN, *, operator: bool = False) -> Principal:
    """One of the configuration's own."""
    return Principal("account", "a", scope, frozenset(roles.split()), words(permissions), operator=operator)


class Case(NamedTuple):
    """Who, which channel, which scope: whether it may be read, and why."""

    who: Principal
    channel: str
    scope: Scope
    reads: bool
    why: str


CASES = [
    # People, by role.
    Case(user("owner"), "streams", OWN, True, "one of the channel's roles"),
    Case(user("viewer"), "streams", OWN, True, "the other one will do"),
    Case(user("viewer guest"), "streams", OWN, True, "further roles do no harm"),
    Case(user("owner"), "system", OWN, True, "the only role"),
    Case(user("viewer"), "system", OWN, False, "not that role"),
    Case(user("guest"), "streams", OWN, False, "no such role"),
    Case(user("Owner"), "streams", OWN, False, "case counts"),
    Case(user(""), "streams", OWN, False, "no role at all"),
    Case(user("owner viewer"), "nobody", OWN, False, "a channel without roles is nobody's"),
    Case(user("owner"), "unheard", OWN, False, "there is no such channel"),
    # People to whom the platform gives permissions, too.
    Case(user("owner", "read"), "streams", OWN, True, "role and permission"),
    Case(user("owner", "system:read"), "streams", OWN, False, "a role without the permission"),
    Case(user("guest", "read"), "streams", OWN, False, "a permission without the role"),
    Case(user("owner", ""), "streams", OWN, False, "an empty list of permissions opens nothing"),
    Case(user("owner", ""), "nobody", OWN, False, "nothing asked for is nothing met"),
    # Accounts are like people.
    Case(account("owner"), "streams", OWN, True, "by role"),
    Case(account("member"), "streams", OWN, False, "not by another one"),
    Case(account("owner", "read"), "streams", OWN, True, "role and permission"),
    Case(account("owner", "read"), "system", OWN, False, "limited to what its permissions open"),
    Case(account("owner", ""), "streams", OWN, False, "limited to nothing"),
    # Programs, by permission alone.
    Case(token("read"), "streams", OWN, True, "one of the channel's permissions"),
    Case(token("streams:read"), "streams", OWN, True, "the other one"),
    Case(token("billing:read read"), "streams", OWN, True, "among others"),
    Case(token("read", roles=""), "streams", OWN, True, "no role is asked of it"),
    Case(token("read", roles="owner"), "system", OWN, False, "its user's role opens nothing to it"),
    Case(token("billing:read streams:write"), "streams", OWN, False, "others' permissions"),
    Case(token("READ Streams:Read"), "streams", OWN, False, "case counts"),
    Case(token("* streams:* *:read"), "streams", OWN, False, "no wildcards, unless the platform has them"),
    Case(token(""), "streams", OWN, False, "without any"),
    Case(token(None), "streams", OWN, False, "permissions unknown"),
    Case(token("streams:read system:read read"), "nobody", OWN, False, "a channel without permissions is no token's"),
    # Whose it is.
    Case(user("owner"), "streams", ALIEN, False, "another tenant's"),
    Case(token("read"), "streams", ALIEN, False, "another tenant's, for a program"),
    Case(account("owner"), "streams", ALIEN, False, "another tenant's, for an account"),
    Case(user("owner"), "streams", (), False, "nobody's"),
    Case(user("owner"), "streams", ("",), False, "an empty id"),
    Case(user("owner"), "streams", (TENANT, TENANT), True, "below its own, if there were such a feed"),
    Case(user("owner", scope=()), "streams", OWN, False, "who has no scope has nothing"),
    Case(user("owner", scope=()), "streams", (), False, "nor what has none"),
    Case(user("owner", scope=("",)), "streams", ("",), False, "an empty level"),
    Case(user("owner", scope=(NIL,)), "streams", (NIL,), False, "the id of nothing"),
    Case(user("owner", scope=("*",)), "streams", ("*",), False, "no id"),
    Case(user("owner", scope=(TENANT.upper(),)), "streams", (TENANT.upper(),), False, "not in its one form"),
    Case(user("owner", scope=(TENANT, OTHER)), "streams", (TENANT, OTHER), False, "a level too many"),
    Case(token("read", scope=()), "streams", OWN, False, "a program without scope"),
    Case(account("owner", scope=()), "streams", OWN, False, "an account without scope"),
    Case(user("owner", scope=(SYSTEM,)), "streams", (SYSTEM,), True, "the platform's tenant is one like any"),
    # What belongs to no tenant.
    Case(user("", operator=True), "system", PLATFORM, True, "an operator, whatever his role"),
    Case(user("owner"), "system", PLATFORM, False, "no operator"),
    Case(user("platform_operator"), "system", PLATFORM, False, "a role is not enough: configuration has its say"),
    Case(user("owner", operator=True), "streams", PLATFORM, False, "the channel tells nothing of the platform"),
    Case(user("", operator=True), "system", OWN, False, "to run the platform opens nothing of a tenant"),
    Case(user("", operator=True), "system", ALIEN, False, "nor of another one"),
    Case(user("owner", operator=True), "system", OWN, True, "beside what his role opens"),
    Case(user("", "system:read", operator=True), "system", PLATFORM, True, "with the permission, where he has any"),
    Case(user("", "read", operator=True), "system", PLATFORM, False, "permissions limit him as well"),
    Case(account("", operator=True), "system", PLATFORM, True, "an account may"),
    Case(token("system:read", operator=True), "system", PLATFORM, False, "a program never does"),
    Case(user("owner", scope=(), operator=True), "system", PLATFORM, False, "an operator without scope"),
    Case(user("owner", scope=PLATFORM), "system", PLATFORM, False, "it is no tenant to belong to"),
    Case(user("owner", scope=PLATFORM, operator=True), "system", PLATFORM, False, "not for an operator either"),
    Case(user("owner", operator=True), "system", (*PLATFORM, TENANT), False, "nothing lies below it"),
]

WIDE = [
    Case(user("owner", scope=DEEPEST), "streams", DEEPEST, True, "complete"),
    Case(user("owner", scope=DEEPEST), "streams", ("acme", "video", OTHER), False, "the tenant beside"),
    Case(user("owner", scope=("acme", "video")), "streams", DEEPEST, True, "a tenant of its workspace"),
    Case(user("owner", scope=("acme", "video")), "streams", ("acme", "audio", TENANT), False, "another workspace"),
    Case(user("owner", scope=("acme",)), "streams", DEEPEST, True, "a tenant of its organization"),
    Case(user("owner", scope=("acme",)), "streams", ("acme2", "video", TENANT), False, "a name that begins alike"),
    Case(token("read", scope=("acme",)), "streams", DEEPEST, True, "a program's the same"),
    Case(user("owner", scope=()), "streams", DEEPEST, False, "nothing is not everything"),
    Case(user("owner", scope=("acme", "")), "streams", ("acme", "", TENANT), False, "an empty id is not an absent one"),
    Case(user("owner", scope=("acme", "", TENANT)), "streams", ("acme", "", TENANT), False, "nor in the midst"),
    Case(user("owner", scope=("", "video", TENANT)), "streams", ("", "video", TENANT), False, "nor at the top"),
    Case(user("owner", scope=("acme", " ")), "streams", ("acme", " ", TENANT), False, "a blank is no id"),
    Case(user("owner", scope=("@platform",)), "system", PLATFORM, False, "the name of the platform is no id"),
    Case(user("owner", scope=("acme", "@platform")), "system", ("acme", "@platform"), False, "at no level"),
    Case(user("", scope=("acme",), operator=True), "system", PLATFORM, True, "an operator with a wide scope"),
]

SEGMENTS = [
    Case(token("streams:*"), "streams", OWN, True, "any action"),
    Case(token("*:read"), "system", OWN, True, "any resource"),
    Case(token("*"), "system", OWN, False, "one segment is not two"),
    Case(token("streams:wri*"), "streams", OWN, False, "a star is a whole segment"),
    Case(user("owner", "*:read"), "system", OWN, True, "people with permissions, too"),
    Case(user("viewer", "*:*"), "system", OWN, False, "and the role all the same"),
    Case(user("", "system:*", operator=True), "system", PLATFORM, True, "operators, too"),
]


def tabled(cases: Iterable[Case], pack: Catalog) -> list[object]:
    """*cases* for pytest, each named by its reason."""
    return [pytest.param(pack, case, id=f"{case.who.kind}: {case.why}") for case in cases]


@pytest.mark.parametrize(
    ("pack", "case"),
    [*tabled(CASES, catalog()), *tabled(WIDE, catalog(DEEP)), *tabled(SEGMENTS, by_segments())],
)
def test_the_table(pack: Catalog, case: Case) -> None:
    """Each line is one answer of the decision, with its reason."""
    assert may_read(grants(case.who, pack), case.channel, case.scope) is case.reads


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_grants_are_of_its_own_scope_or_the_platform(case: Case) -> None:
    """A grant names a channel of the pack, and the very scope of the principal, or the platform for an operator."""
    for grant in grants(case.who, catalog()):
        assert grant.channel in CHANNELS
        assert grant.scope == case.who.scope or (grant.scope == PLATFORM and case.who.operator)


@pytest.mark.parametrize("absent", [("acme",), ("acme", "video")])
def test_a_level_that_is_not_optional_must_be_there(absent: Scope) -> None:
    """Where a platform does not say that credentials may stop there, one that does opens nothing."""
    strict = tuple(level.__class__(level.name, level.type, level.claim) for level in DEEP)
    assert grants(user("owner", scope=absent), catalog(strict)) == frozenset()
    with pytest.raises(Forbidden):
        resolve_scope(user("owner", scope=absent), DEEPEST, strict)


@pytest.mark.parametrize(
    ("grant", "scope", "opens"),
    [
        ((TENANT,), (TENANT,), True),
        ((TENANT,), (OTHER,), False),
        ((TENANT,), (), False),
        ((), (TENANT,), False),
        ((), (), False),
        (("",), ("",), False),
        (("acme",), DEEPEST, True),
        (("acme", "video"), DEEPEST, True),
        (DEEPEST, DEEPEST, True),
        (DEEPEST, ("acme",), False),
        (DEEPEST, ("acme", "video"), False),
        (("acm",), DEEPEST, False),
        (("video",), DEEPEST, False),
        (("acme", ""), ("acme", "", TENANT), False),
        (("acme", "audio"), DEEPEST, False),
        (PLATFORM, PLATFORM, True),
        (PLATFORM, (TENANT,), False),
        (PLATFORM, (*PLATFORM, TENANT), False),
        ((TENANT,), PLATFORM, False),
    ],
)
def test_a_grant_opens_what_lies_below_its_scope(grant: Scope, scope: Scope, opens: bool) -> None:  # noqa: FBT001 # a table
    """The grant's scope is a prefix, level by level; an empty one opens nothing, the platform's itself alone."""
    assert may_read({Grant("streams", grant)}, "streams", scope) is opens
    assert not may_read({Grant("streams", grant)}, "system", scope)


@pytest.mark.parametrize("requested", [None, [TENANT], [TENANT.upper()]])
def test_the_own_scope_is_had_by_asking_for_nothing_or_for_itself(requested: list[str] | None) -> None:
    """Both ways lead to the canonical scope."""
    assert resolve_scope(user("owner"), requested, FLAT) == OWN


REFUSED = "This credential does not reach that scope (tenant); omit it to get your own."


@pytest.mark.parametrize(
    "requested",
    [
        [],
        [""],
        [OTHER],
        ["*"],
        [NIL],
        [TENANT, TENANT],
        [TENANT + " "],
        [f"{{{TENANT}}}"],
        ["x" * 9999],
        list(PLATFORM),
        [*PLATFORM, TENANT],
    ],
)
def test_whatever_else_is_asked_for_is_forbidden_in_the_same_words(requested: list[str]) -> None:
    """A refusal does not tell a foreign tenant from none, or from the platform, and repeats nothing."""
    with pytest.raises(Forbidden) as refused:
        resolve_scope(user("owner"), requested, FLAT)
    assert refused.value.code == "forbidden"
    assert str(refused.value) == REFUSED


@pytest.mark.parametrize("scope", [(), ("",), (NIL,), (TENANT.upper(),), PLATFORM])
@pytest.mark.parametrize("requested", [None, [], [""], [TENANT], list(PLATFORM)])
@pytest.mark.parametrize("operator", [False, True])
def test_a_principal_without_scope_gets_none(scope: Scope, requested: list[str] | None, *, operator: bool) -> None:
    """Nobody's scope cannot be filled in by a request, and an operator without one asks for nothing either."""
    with pytest.raises(Forbidden):
        resolve_scope(user("owner", scope=scope, operator=operator), requested, FLAT)


@pytest.mark.parametrize("levels", [FLAT, DEEP])
def test_an_operator_asks_for_the_platform_by_name(levels: tuple[object, ...]) -> None:
    """By its name alone; without a request he gets his own scope, like everybody."""
    operator = user("", scope=OWN if levels == FLAT else DEEPEST, operator=True)
    known = FLAT if levels == FLAT else DEEP
    assert resolve_scope(operator, list(PLATFORM), known) == PLATFORM
    assert resolve_scope(operator, None, known) == operator.scope
    for requested in ([*PLATFORM, TENANT], [TENANT, *PLATFORM], ["@Platform"]):
        with pytest.raises(Forbidden):
            resolve_scope(operator, requested, known)
    with pytest.raises(Forbidden):
        resolve_scope(token("system:read", scope=operator.scope, operator=True), list(PLATFORM), known)


def test_a_wider_principal_names_the_rest() -> None:
    """With several levels, a request fills in what the principal's prefix leaves open, and must be complete."""
    wide = user("owner", scope=("acme",))
    assert resolve_scope(wide, list(DEEPEST), DEEP) == DEEPEST
    for requested in (["acme"], ["acme", "video"], ["acme", "video", ""], ["other", "video", TENANT]):
        with pytest.raises(Forbidden, match="does not reach that scope"):
            resolve_scope(wide, requested, DEEP)


def test_a_wider_principal_is_told_to_choose() -> None:
    """Who reaches several scopes and names none has none of his own to be given."""
    with pytest.raises(
        Forbidden, match=r"several scopes; name one in full \(organization, workspace, tenant\)"
    ) as refused:
        resolve_scope(user("owner", scope=("acme", "video")), None, DEEP)
    assert refused.value.code == "forbidden"


def test_a_channel_tells_of_the_platform_by_any_of_its_events() -> None:
    """Those who run the platform read it, whatever else it tells."""
    pack = catalog()
    [seen] = pack.channels["system"].events.values()
    events = {"other": replace(seen, name="other", platform=False), "seen": seen}
    for each in (events, dict(reversed(events.items()))):
        mixed = replace(pack, channels={"system": replace(pack.channels["system"], events=each)})
        operator = user("nobody", scope=(TENANT,), operator=True)
        assert grants(operator, mixed) == {Grant("system", PLATFORM)}
