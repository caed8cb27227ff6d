"""JWTs that are made here."""

from contextlib import nullcontext
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.warnings import InsecureKeyLengthWarning

from signalman.access.jwt import JwtVerifier
from signalman.access.keys import SharedSecret
from signalman.access.mint import mint
from signalman.access_rules import Claims
from signalman.channel import ScopeLevel
from tests.unit.access.make import NOW, ONE_LEVEL, SECRET, TENANT, USER
from tests.unit.access.tokens import CLAIMS, UNHURRIED, claims, hmac_verifier, refusal, sign, verified

OPTIONAL = (ScopeLevel("organization", "string", "org"), ScopeLevel("workspace", "string", "ws", optional=True))


def read(token: str) -> dict[str, Any]:
    """The claims of *token*."""
    return jwt.decode(token, options={"verify_signature": False})


def test_a_minted_token_is_the_platforms() -> None:
    """It has the pack's claims, in whole seconds, and is good for as long as asked."""
    token = mint(SECRET, ONE_LEVEL, CLAIMS, user_id=USER, scope=(TENANT,), now=NOW, lifetime=60, role="viewer")
    now = int(NOW)
    assert read(token) == {
        "user_id": USER,
        "tenant_id": TENANT,
        "role": "viewer",
        "roles": [],
        "iat": now,
        "exp": now + 60,
    }
    assert verified(token).roles == {"viewer"}
    assert refusal(token, now=NOW + 70).code == "token_expired"


def test_what_is_not_said_is_the_usual() -> None:
    """A member, for a quarter of an hour, with HS256, and with no secret that is too short."""
    token = mint(SECRET, ONE_LEVEL, CLAIMS, user_id=USER, scope=(TENANT,), now=NOW)
    made = read(token)
    assert (made["role"], made["exp"] - made["iat"]) == ("member", 900)
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    with pytest.raises(ValueError, match="at least 32"):
        mint("short", ONE_LEVEL, CLAIMS, user_id=USER, scope=(TENANT,), now=NOW)


def test_a_minted_token_is_taken_where_the_same_is_configured() -> None:
    """With other claims, an issuer, an audience, permissions, and a scope that ends at an optional level."""
    names = Claims("sub", ("groups",), "permissions")
    verifier = hmac_verifier(levels=OPTIONAL, names=names, issuers=("us",), audiences=("signalman",))
    common: dict[str, Any] = {"user_id": "u", "now": NOW, "issuer": "us", "audience": "signalman"}
    token = mint(SECRET, OPTIONAL, names, scope=("acme",), role="admin", permissions=["logs:read"], **common)
    principal = verified(token, verifier)
    assert (principal.id, principal.scope) == ("u", ("acme",))
    assert (principal.roles, principal.permissions) == (frozenset({"admin"}), frozenset({"logs:read"}))


@UNHURRIED
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=31))
def test_a_weak_secret_works_where_it_is_allowed(secret: str) -> None:
    """For development, with the signature that any other library makes, and without a warning."""
    verifier = JwtVerifier({"HS256": [SharedSecret(secret, allow_weak=True)]}, ONE_LEVEL, CLAIMS)
    minted = mint(secret, ONE_LEVEL, CLAIMS, user_id=USER, scope=(TENANT,), now=NOW, allow_weak=True)
    assert verified(minted, verifier).id == USER
    with pytest.warns(InsecureKeyLengthWarning) if len(secret.encode()) < 32 else nullcontext():
        foreign = sign(claims(), key=secret.encode())
    assert verified(foreign, verifier).id == USER


@pytest.mark.parametrize("scope", [(), ("demo",), (TENANT, TENANT), (TENANT, ""), ("",)])
def test_nothing_is_minted_for_a_scope_that_is_none(scope: tuple[str, ...]) -> None:
    """The mistake shows when the token is made, with the levels that are wanted."""
    with pytest.raises(ValueError, match=r"tenant \(uuid\)"):
        mint(SECRET, ONE_LEVEL, CLAIMS, user_id=USER, scope=scope, now=NOW)
    with pytest.raises(ValueError, match=r"organization \(string\), workspace \(string\)$"):
        mint(SECRET, OPTIONAL, CLAIMS, user_id=USER, scope=(), now=NOW)
