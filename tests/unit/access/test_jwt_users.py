"""People with a JWT, and what the platform's accounts say about them now."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest

from signalman.access.jwt_users import JwtUsers
from signalman.access_ports import Holder
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from signalman.channel import ScopeLevel
from signalman.errors import BackendUnavailable, NotAuthenticated
from signalman.principal import Principal
from tests.unit.access.make import NOW, ONE_LEVEL, OTHER, TENANT, USER
from tests.unit.access.tokens import claims, hmac_verifier, sign

OPERATOR = "platform_operator"
TWO_LEVELS = (ScopeLevel("tenant", "uuid", "tenant_id"), ScopeLevel("team", "string", "team", optional=True))


class Counting(MemoryDirectory):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.asked: list[list[str]] = []

    async def users(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """Note, then look."""
        self.asked.append(sorted(ids))
        return await super().users(ids)


def account(**changes: object) -> MemoryAccount:
    """A good user."""
    fields: dict[str, object] = {"id": USER, "scope": (TENANT,), "roles": frozenset({"viewer"})}
    return MemoryAccount(holder=Holder(**fields | changes))  # type: ignore[arg-type]  # tests know the fields


@pytest.fixture
def directory() -> Counting:
    """Knows one user."""
    directory = Counting()
    directory.put_user(account())
    return directory


def users(
    directory: MemoryDirectory | None, *, role: str | None = None, levels: tuple[ScopeLevel, ...] = ONE_LEVEL
) -> JwtUsers:
    """Over *directory*, for FrameWorks' tokens."""
    return JwtUsers(hmac_verifier(levels=levels), directory, levels, operator_role=role)


def knowing_tokens(**changes: Any) -> MemoryDirectory:
    """A directory that knows no users, only that there is a token of the tenant."""
    directory = MemoryDirectory(knows=frozenset({"tokens"}), clock=lambda: NOW)
    directory.put_token("fw_one", replace(account(), **changes))
    return directory


async def test_a_jwt_stands_on_its_own_where_nobody_knows_users() -> None:
    """Without a directory, and with one that knows only tokens; looked at again, it is the same."""
    for directory in (None, knowing_tokens()):
        found = await users(directory).authenticate(sign(claims()), NOW)
        assert found == Principal(
            "user",
            USER,
            (TENANT,),
            frozenset({"owner", OPERATOR}),
            expires_at=int(NOW) + 840 + 10,
            user_id=USER,
            key=USER,
        )
        assert await users(directory).recheck([found], NOW) == {found: found}


@pytest.mark.parametrize("changes", [{"tenant_active": False}, {"subscription": "suspended"}])
async def test_a_suspended_tenant_has_no_users_even_where_nobody_knows_users(changes: dict[str, Any]) -> None:
    """Whose tenant is not in good standing is not let in, and whoever is in is sent away."""
    found = await users(knowing_tokens()).authenticate(sign(claims()), NOW)
    with pytest.raises(NotAuthenticated):
        await users(knowing_tokens(**changes)).authenticate(sign(claims()), NOW)
    assert await users(knowing_tokens(**changes)).recheck([found], NOW) == {found: None}


async def test_the_directory_counts_not_the_claims(directory: Counting) -> None:
    """Its roles and permissions, whatever the token says; the expiry stays the token's."""
    directory.put_user(account(permissions=frozenset({"a:read"}), expires_at=NOW + 86_400))
    found = await users(directory).authenticate(sign(claims()), NOW)

    assert found.roles == {"viewer"}
    assert found.permissions == frozenset({"a:read"})
    assert found.expires_at == int(NOW) + 840 + 10
    assert directory.asked == [[USER]]


@pytest.mark.parametrize(
    "known",
    [
        None,
        replace(account(), active=False),
        replace(account(), tenant_active=False),
        replace(account(), subscription="suspended"),
        account(scope=(OTHER,)),
        account(scope=()),
        account(scope=("",)),
        account(scope=(TENANT, TENANT)),
    ],
    ids=str,
)
async def test_who_is_not_good_is_refused(known: MemoryAccount | None) -> None:
    """Unknown, blocked, of another tenant or of none: in the same words; and nobody who is connected goes on."""
    directory, good = MemoryDirectory(clock=lambda: NOW), await users(None).authenticate(sign(claims()), NOW)
    if known:
        directory.put_user(known)

    with pytest.raises(NotAuthenticated) as refused:
        await users(directory).authenticate(sign(claims()), NOW)
    assert (refused.value.code, str(refused.value)) == (
        "token_invalid",
        "The token's user or tenant is unknown or blocked.",
    )
    assert await users(directory).recheck([good], NOW) == {good: None}


async def test_a_bad_jwt_is_not_looked_up(directory: Counting) -> None:
    """The directory is asked only about who proved who he is."""
    for bad, code in ((sign(claims(), key="x" * 32), "token_invalid"), (sign(claims(exp=1)), "token_expired")):
        with pytest.raises(NotAuthenticated) as refused:
            await users(directory).authenticate(bad, NOW)
        assert refused.value.code == code
    assert directory.asked == []


async def test_a_claim_may_narrow_and_never_widen() -> None:
    """Who is known for a tenant may come for a team of it; who is known for a team may not come for the tenant."""
    directory = MemoryDirectory(clock=lambda: NOW)
    directory.put_user(account(scope=(TENANT.upper(),)))
    door = users(directory, levels=TWO_LEVELS)
    assert (await door.authenticate(sign(claims(team="blue")), NOW)).scope == (TENANT, "blue")

    directory.put_user(account(scope=(TENANT, "blue")))
    assert (await door.authenticate(sign(claims(team="blue")), NOW)).scope == (TENANT, "blue")
    for wider in (claims(), claims(team="red")):
        with pytest.raises(NotAuthenticated):
            await door.authenticate(sign(wider), NOW)


async def test_an_operator_is_one_by_the_directory_and_by_configuration(directory: Counting) -> None:
    """Whose token says operator and whose account does not is none; nobody is where configuration names no role."""
    token = sign(claims())
    assert not (await users(directory, role=OPERATOR).authenticate(token, NOW)).operator
    directory.put_user(account(roles=frozenset({OPERATOR})))
    operator = await users(directory, role=OPERATOR).authenticate(token, NOW)
    assert operator.operator
    assert not (await users(directory, role=None).authenticate(token, NOW)).operator
    assert (await users(None, role=OPERATOR).authenticate(token, NOW)).operator

    directory.put_user(account(roles=frozenset({"viewer"})))
    found = (await users(directory, role=OPERATOR).recheck([operator], NOW))[operator]
    assert found is not None
    assert not found.operator


async def test_all_are_looked_at_again_with_one_question(directory: Counting) -> None:
    """Two tokens of one user are one question; each keeps its own expiry, and takes over what has changed."""
    door = users(directory)
    first = await door.authenticate(sign(claims()), NOW)
    second = await door.authenticate(sign(claims(exp=int(NOW) + 60)), NOW)
    directory.put_user(account(roles=frozenset({"admin"})))
    directory.asked.clear()

    found = await door.recheck([first, second], NOW)

    assert found == {each: replace(each, roles=frozenset({"admin"})) for each in (first, second)}
    assert directory.asked == [[USER]]


async def test_a_directory_that_is_away_refuses_nobody(directory: Counting) -> None:
    """That is said as what it is: neither taken nor refused."""
    principal = await users(directory).authenticate(sign(claims()), NOW)
    directory.available = False
    with pytest.raises(BackendUnavailable):
        await users(directory).authenticate(sign(claims()), NOW)
    with pytest.raises(BackendUnavailable):
        await users(directory).recheck([principal], NOW)


def test_what_looks_like_a_jwt_is_taken() -> None:
    """Three parts; and only people are its own."""
    assert users(None).takes("a.b.c")
    assert not users(None).takes("a.b")
    assert not users(None).takes("a.b.c.d")
    assert users(None).made(Principal("user", USER, (TENANT,)))
    assert not users(None).made(Principal("token", USER, (TENANT,)))
