"""JWTs: what their claims must say, and what becomes of them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access_rules import Claims
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from tests.unit.access.make import NOW, ONE_LEVEL, OTHER, TENANT, THREE_LEVELS, USER
from tests.unit.access.tokens import UNHURRIED, claims, hmac_verifier, refusal, sign, verified

HOUR = 3600


def test_a_token_of_the_platform_is_taken() -> None:
    """Its claims become a principal, with all roles, no permissions, and an end."""
    principal = verified(sign(claims()), hmac_verifier(leeway=10))
    assert principal.kind == "user"
    assert principal.id == USER
    assert principal.scope == (TENANT,)
    assert principal.roles == {"owner", "platform_operator"}
    assert principal.permissions is None
    assert principal.user_id == principal.key == USER
    assert not principal.operator
    assert principal.expires_at == int(NOW) + 840 + 10


@pytest.mark.parametrize("roles", [..., None, []])
def test_roles_may_be_missing(roles: Any) -> None:
    """Go writes an empty list as null; the role alone counts then."""
    verifier = hmac_verifier()
    assert verified(sign(claims(roles=roles)), verifier).roles == {"owner"}
    assert verified(sign(claims(roles=roles, role="")), verifier).roles == frozenset()


@pytest.mark.parametrize(
    ("names", "given", "roles"),
    [
        (("role",), {"role": "owner"}, {"owner"}),
        (("role",), {"role": ["owner", "viewer"]}, {"owner", "viewer"}),
        (("roles",), {"roles": "owner"}, {"owner"}),
        (("roles",), {"role": "owner", "roles": ...}, set()),
        (("roles", "groups"), {"roles": ["a"], "groups": "b"}, {"a", "b"}),
        ((), {}, set()),
    ],
)
def test_role_claims_come_from_the_pack(names: tuple[str, ...], given: dict[str, Any], roles: set[str]) -> None:
    """Each that the pack names may hold one role or several, all of them count, and no other claim does."""
    verifier = hmac_verifier(names=Claims("user_id", names))
    assert verified(sign(claims(**given)), verifier).roles == roles


def test_the_user_claim_comes_from_the_pack() -> None:
    """Where the pack says `sub`, whatever else names a user does not."""
    verifier = hmac_verifier(names=Claims())
    assert verified(sign(claims(sub="u-7")), verifier).id == "u-7"
    assert str(refusal(sign(claims()), verifier)) == "The token has no usable claim 'sub'."


@pytest.mark.parametrize(
    ("permissions", "held"),
    [
        (["logs:read", "a"], frozenset({"logs:read", "a"})),
        ("logs:read", frozenset({"logs:read"})),
        ([], frozenset()),
        (None, frozenset()),
        (..., frozenset()),
    ],
)
def test_permissions_where_the_pack_has_a_claim_for_them(permissions: Any, held: frozenset[str]) -> None:
    """A token that is silent about them has none, not all; without such a claim, people have no limit."""
    token = sign(claims(permissions=permissions))
    assert verified(token, hmac_verifier(names=Claims("user_id", (), "permissions"))).permissions == held
    assert verified(token).permissions is None


@pytest.mark.parametrize("permissions", [7, {"logs:read": True}, ["logs:read", 7], [["logs:read"]], [""]])
def test_malformed_permissions_are_refused(permissions: Any) -> None:
    """Half of a list is not taken for all of it."""
    verifier = hmac_verifier(names=Claims("user_id", (), "permissions"))
    assert refusal(sign(claims(permissions=permissions)), verifier).code == "token_invalid"


@pytest.mark.parametrize(
    ("issuers", "issuer", "taken"),
    [
        ((), ..., True),
        ((), "https://id.example", True),
        (("https://id.example", "b"), "https://id.example", True),
        (("https://id.example",), ..., False),
        (("https://id.example",), None, False),
        (("https://id.example",), "", False),
        (("https://id.example",), "https://id.example/", False),
        (("https://id.example",), "https://id", False),
        (("https://id.example",), ["https://id.example"], False),
    ],
)
def test_issuers_are_configured(issuers: tuple[str, ...], issuer: Any, taken: bool) -> None:  # noqa: FBT001 # a table
    """Exactly one of them, where there are any."""
    verifier, token = hmac_verifier(issuers=issuers), sign(claims(iss=issuer))
    assert verified(token, verifier).id == USER if taken else refusal(token, verifier).code == "token_invalid"


@pytest.mark.parametrize(
    ("audiences", "audience", "taken"),
    [
        ((), ..., True),
        ((), None, True),
        ((), "signalman", False),
        ((), [], True),  # it names nobody
        (("signalman",), "signalman", True),
        (("signalman", "b"), ["x", "b"], True),
        (("signalman",), ..., False),
        (("signalman",), None, False),
        (("signalman",), "signal", False),
        (("signalman",), [], False),
        (("signalman",), ["viewer"], False),
        (("signalman",), {"signalman": 1}, False),
        (("signalman",), ["signalman", 7], False),
    ],
)
def test_audiences_are_configured(audiences: tuple[str, ...], audience: Any, taken: bool) -> None:  # noqa: FBT001 # a table
    """Without one configured we have no name, and a token for somebody by name is not for us."""
    verifier, token = hmac_verifier(audiences=audiences), sign(claims(aud=audience))
    assert verified(token, verifier).id == USER if taken else refusal(token, verifier).code == "token_invalid"


def test_the_tenant_is_brought_into_its_one_form() -> None:
    """Feeds are named by lower-case UUIDs, whatever the token has."""
    assert verified(sign(claims(tenant_id=TENANT.upper()))).scope == (TENANT,)


def test_scope_claims_come_from_the_pack() -> None:
    """With other levels, other claims are read, in the pack's order."""
    verifier = hmac_verifier(levels=THREE_LEVELS)
    assert verified(sign(claims(org="acme", ws="video")), verifier).scope == ("acme", "video", TENANT)
    for missing in ({"org": "acme"}, {"ws": "video"}, {"org": "", "ws": "video"}, {"org": "acme", "ws": None}):
        assert refusal(sign(claims(**missing)), verifier).code == "token_invalid"


@pytest.mark.parametrize(
    "tenant",
    [
        ...,
        None,
        "",
        " ",
        "*",
        "demo",
        0,
        True,
        [TENANT],
        {"id": TENANT},
        TENANT + " ",
        "\n" + TENANT,
        f"urn:uuid:{TENANT}",
        TENANT.replace("-", ""),
        "00000000-0000-0000-0000-000000000000",
        TENANT.replace("0", "\u0660"),
    ],
)
def test_without_a_tenant_nobody_is_known(tenant: Any) -> None:
    """A missing, empty, nil or malformed tenant is refused, never read as every tenant."""
    refused = refusal(sign(claims(tenant_id=tenant)))
    assert (refused.code, "tenant_id" in str(refused)) == ("token_invalid", True)


BAD_CLAIMS = [
    *({"user_id": value} for value in (..., None, "", " ", 7, ["x"], "a\nb", "\ud800", "x" * 300)),
    *({"exp": value} for value in (..., None, "1787000840", True, [1], math.nan, math.inf, -1, 10**400, 1e300)),
    *({"iat": value} for value in (int(NOW) + 60, "now", True, math.nan, -1)),
    *({"nbf": value} for value in (int(NOW) + 60, "now", 10**30)),
    *({"roles": value} for value in ({"a": 1}, ["owner", 7], [["owner"]], ["a\x00"], ["owner", ""], ["owner", None])),
    *({"role": value} for value in (7, True, [7], "x" * 300)),
    {"aud": "somebody else"},
    {"aud": ["viewer"]},
    {"sub": 7},
    {"exp": int(NOW) + 25 * HOUR},
]


@pytest.mark.parametrize("changes", BAD_CLAIMS, ids=range(len(BAD_CLAIMS)))
def test_a_claim_that_is_not_right_is_refused(changes: dict[str, Any]) -> None:
    """Though the signature is right."""
    assert refusal(sign(claims(**changes))).code == "token_invalid"


def test_a_forged_token_is_not_told_that_it_has_expired() -> None:
    """The signature is judged before any claim."""
    assert refusal(sign(claims(exp=1), key="x" * 32)).code == "token_invalid"


@pytest.mark.parametrize("payload", [None, [], "text", 7, True, [["tenant_id", TENANT]]])
def test_a_payload_that_is_no_object_is_refused(payload: object) -> None:
    """Signed or not, it holds no claims."""
    assert refusal(sign(payload)).code == "token_invalid"


def test_parts_of_two_tokens_make_none() -> None:
    """A payload does not go with another's signature."""
    mine, yours = sign(claims()).split("."), sign(claims(tenant_id=OTHER)).split(".")
    assert refusal(".".join([mine[0], yours[1], mine[2]])).code == "token_invalid"
    assert refusal(".".join([mine[0], mine[1], yours[2]])).code == "token_invalid"
    for token in (".".join(mine[:2]), ".".join(mine[:2]) + ".", ".".join(mine) + ".x", "..", "a.b.c", ""):
        assert refusal(token).code == "token_invalid"


TOKEN = sign(claims())


@UNHURRIED
@given(st.integers(0, len(TOKEN) - 2), st.characters(codec="ascii"))
def test_one_changed_character_is_enough(index: int, character: str) -> None:
    """Wherever it is, but for the last one, which has bits that base64 does not use."""
    changed = TOKEN[:index] + character + TOKEN[index + 1 :]
    if changed != TOKEN:
        assert refusal(changed).code == "token_invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["user_id", "tenant_id", "role", "roles", "exp", "iat", "nbf", "aud", "iss", "sub", "jti"])


@UNHURRIED
@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_any_claims_are_taken_or_refused(changes: dict[str, Any]) -> None:
    """Whoever holds the secret can sign what they like; nothing but a principal of one tenant or a refusal results."""
    try:
        principal = verified(sign(claims() | changes))
    except NotAuthenticated:
        return
    assert principal.scope == (str(changes.get("tenant_id", TENANT)).lower(),)


@UNHURRIED
@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_is_refused(text: str) -> None:
    """Nothing but a refusal comes out, surrogates included."""
    refusal(text)
    refusal(f"{text}.{text}.{text}")


@pytest.mark.parametrize(
    ("levels", "leeway", "lifetime"),
    [((), 0, 1), (ONE_LEVEL, -1, 1), (ONE_LEVEL, 0, 0)],
    ids=["levels", "leeway", "life"],
)
def test_a_verifier_needs_sense(levels: tuple[ScopeLevel, ...], leeway: float, lifetime: float) -> None:
    """Without levels every token would be of every scope."""
    with pytest.raises(ValueError, match="verifier"):
        hmac_verifier(levels=levels, leeway=leeway, max_lifetime=lifetime)


def test_what_a_token_lacks_is_told_by_the_names_of_the_claims() -> None:
    """Of all levels, so that whoever issues tokens can mend them."""
    names = ", ".join(level.claim for level in THREE_LEVELS)
    refused = refusal(sign(claims()), hmac_verifier(levels=THREE_LEVELS))
    assert str(refused) == f"The token does not say whose events it is for (claims: {names})."
