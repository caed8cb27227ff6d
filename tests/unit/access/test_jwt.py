"""JWTs: what is taken, and every way of tampering that is not."""

import base64
import json
import math
from contextlib import nullcontext
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.warnings import InsecureKeyLengthWarning

from signalman.access.jwt import JwtVerifier, mint
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from tests.unit.access.make import NOW, ONE_LEVEL, OTHER, SECRET, TENANT, THREE_LEVELS, USER

HOUR = 3600


def claims(**changes: Any) -> dict[str, Any]:
    """FrameWorks' claims, with *changes*; ``...`` leaves one out."""
    now = int(NOW)
    full = {
        "user_id": USER,
        "tenant_id": TENANT,
        "email": "demo@frameworks.network",
        "role": "owner",
        "roles": ["owner", "platform_operator"],
        "auth_time": now - 60,
        "iat": now - 60,
        "exp": now + 840,
    }
    return {name: value for name, value in (full | changes).items() if value is not ...}


def sign(payload: object, *, key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None) -> str:
    """Any JSON value as a signed token."""
    return jwt.PyJWS().encode(json.dumps(payload).encode(), key, algorithm, headers)


def part(value: object) -> str:
    """One segment of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refusal(token: str, verifier: JwtVerifier | None = None, now: float = NOW) -> NotAuthenticated:
    """How *token* is refused; its text must not hold any part of the token."""
    with pytest.raises(NotAuthenticated) as refused:
        (verifier or JwtVerifier(SECRET, ONE_LEVEL)).verify(token, now)
    assert refused.value.__cause__ is None
    assert not [piece for piece in token.split(".") if len(piece) > 8 and piece in str(refused.value)]
    assert USER not in str(refused.value)
    return refused.value


def test_a_token_of_the_platform_is_taken() -> None:
    """Its claims become a principal, with all roles, no permissions, and an end."""
    principal = JwtVerifier(SECRET, ONE_LEVEL, leeway=10).verify(sign(claims()), NOW)
    assert principal.kind == "user"
    assert principal.id == USER
    assert principal.scope == (TENANT,)
    assert principal.roles == {"owner", "platform_operator"}
    assert principal.permissions is None
    assert principal.expires_at == int(NOW) + 840 + 10


@pytest.mark.parametrize("roles", [..., None, []])
def test_roles_may_be_missing(roles: Any) -> None:
    """Go writes an empty list as null; the role alone counts then."""
    verifier = JwtVerifier(SECRET, ONE_LEVEL)
    assert verifier.verify(sign(claims(roles=roles)), NOW).roles == {"owner"}
    assert verifier.verify(sign(claims(roles=roles, role="")), NOW).roles == frozenset()


def test_the_tenant_is_brought_into_its_one_form() -> None:
    """Feeds are named by lower-case UUIDs, whatever the token has."""
    assert JwtVerifier(SECRET, ONE_LEVEL).verify(sign(claims(tenant_id=TENANT.upper())), NOW).scope == (TENANT,)


def test_scope_claims_come_from_the_pack() -> None:
    """With other levels, other claims are read, in the pack's order."""
    verifier = JwtVerifier(SECRET, THREE_LEVELS)
    assert verifier.verify(sign(claims(org="acme", ws="video")), NOW).scope == ("acme", "video", TENANT)
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
    *({"roles": value} for value in ("owner", {"a": 1}, ["owner", 7], [["owner"]], ["a\x00"])),
    *({"role": value} for value in (7, ["owner"], "x" * 300)),
    {"aud": "somebody else"},
    {"aud": ["viewer"]},
    {"sub": 7},
    {"exp": int(NOW) + 25 * HOUR},
]


@pytest.mark.parametrize("changes", BAD_CLAIMS, ids=str)
def test_a_claim_that_is_not_right_is_refused(changes: dict[str, Any]) -> None:
    """Though the signature is right."""
    assert refusal(sign(claims(**changes))).code == "token_invalid"


def test_time_is_the_callers() -> None:
    """A token is good until its expiry and the leeway, to the moment; then it has expired, which is told apart."""
    verifier = JwtVerifier(SECRET, ONE_LEVEL, leeway=10)
    token = sign(claims(exp=1000, iat=900, nbf=900, auth_time=1))
    assert verifier.verify(token, 890).expires_at == 1010
    assert verifier.verify(token, 1009.9).expires_at == 1010
    assert refusal(token, verifier, 1010).code == "token_expired"
    assert refusal(token, verifier, NOW).code == "token_expired"
    assert refusal(token, verifier, 889.9).code == "token_invalid"


def test_a_lifetime_has_a_bound() -> None:
    """A token that would be good for years is not taken: it could never be taken back."""
    verifier = JwtVerifier(SECRET, ONE_LEVEL, leeway=0, max_lifetime=HOUR)
    assert verifier.verify(sign(claims(exp=1000 + HOUR, iat=1000)), 1000).expires_at == 1000 + HOUR
    refused = refusal(sign(claims(exp=1001 + HOUR, iat=1000)), verifier, 1000)
    assert (refused.code, str(refused)) == ("token_invalid", "The token is good for longer than 1 hours.")


def test_a_forged_token_is_not_told_that_it_has_expired() -> None:
    """The signature is judged before any claim."""
    assert refusal(sign(claims(exp=1), key="x" * 32)).code == "token_invalid"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_hmac_is_refused(algorithm: str) -> None:
    """The algorithm is ours to say, though the platform's own services take all three."""
    assert refusal(sign(claims(), key=SECRET.ljust(64, "\0"), algorithm=algorithm)).code == "token_invalid"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", None, "HS1", "hs256", ["HS256"], {"a": 1}, 7]
)
def test_the_header_does_not_choose_the_algorithm(algorithm: Any) -> None:
    """No signature, another's signature, or a right signature under a wrong name: all are refused."""
    head, body = part({"alg": algorithm, "typ": "JWT"}), part(claims())
    right = sign(claims()).rsplit(".", 1)[1]
    for signature in ("", "c2ln", right):
        assert refusal(f"{head}.{body}.{signature}").code == "token_invalid"


def test_a_viewers_playback_token_is_refused() -> None:
    """ES256 tokens, which tenants sign for viewers, are none of ours, nor are RS256's."""
    tenant_key = ec.generate_private_key(ec.SECP256R1())
    assert refusal(sign(claims(), key=tenant_key, algorithm="ES256")).code == "token_invalid"
    rsa_key = rsa.generate_private_key(65537, 2048)
    assert refusal(sign(claims(), key=rsa_key, algorithm="RS256")).code == "token_invalid"


@pytest.mark.parametrize(
    "headers",
    [{"crit": ["b64"], "b64": False}, {"b64": False}, {"crit": ["x"], "x": 1}, {"crit": []}, {"kid": 7}],
    ids=str,
)
def test_a_header_that_asks_for_more_is_refused(headers: dict[str, Any]) -> None:
    """Extensions that are not understood must be refused (RFC 7515 §4.1.11)."""
    head, body = part({"alg": "HS256", **headers}), part(claims())
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), SECRET.encode())
    token = f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert refusal(token).code == "token_invalid"


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


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_any_claims_are_taken_or_refused(changes: dict[str, Any]) -> None:
    """Whoever holds the secret can sign what they like; nothing but a principal of one tenant or a refusal results."""
    try:
        principal = JwtVerifier(SECRET, ONE_LEVEL).verify(sign(claims() | changes), NOW)
    except NotAuthenticated:
        return
    assert principal.scope == (str(changes.get("tenant_id", TENANT)).lower(),)


@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jku", "jwk", "x5c", "zip"]), JSON))
def test_any_header_is_refused_without_the_signature(header: dict[str, Any]) -> None:
    """Nothing in a header makes an unsigned token good, or breaks the check."""
    refusal(f"{part(header)}.{part(claims())}.c2ln")


@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_is_refused(text: str) -> None:
    """Nothing but a refusal comes out, surrogates included."""
    refusal(text)
    refusal(f"{text}.{text}.{text}")


@pytest.mark.parametrize("secret", ["", "change-me", "x" * 31])
def test_a_weak_secret_is_refused(secret: str) -> None:
    """HS256 is worth as much as its secret (RFC 7518 §3.2). The text does not repeat it."""
    with pytest.raises(ValueError, match="JWT secret") as refused:
        JwtVerifier(secret, ONE_LEVEL)
    assert not secret or secret not in str(refused.value)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_a_weak_secret_works_where_it_is_allowed(secret: str) -> None:
    """For development, with the signature that any other library makes, and without a warning."""
    verifier = JwtVerifier(secret, ONE_LEVEL, allow_weak_secret=True)
    minted = mint(secret, ONE_LEVEL, user_id=USER, scope=(TENANT,), now=NOW, allow_weak_secret=True)
    assert verifier.verify(minted, NOW).id == USER
    with pytest.warns(InsecureKeyLengthWarning) if len(secret.encode()) < 32 else nullcontext():
        foreign = sign(claims(), key=secret.encode())
    assert verifier.verify(foreign, NOW).id == USER


def test_a_public_key_is_no_secret() -> None:
    """Everyone has it, so everyone could sign with it."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ValueError, match="public key"):
        JwtVerifier(pem.decode(), ONE_LEVEL)


@pytest.mark.parametrize(
    ("levels", "leeway", "lifetime"),
    [((), 0, 1), (ONE_LEVEL, -1, 1), (ONE_LEVEL, 0, 0)],
    ids=["levels", "leeway", "life"],
)
def test_a_verifier_needs_sense(levels: tuple[ScopeLevel, ...], leeway: float, lifetime: float) -> None:
    """Without levels every token would be of every scope."""
    with pytest.raises(ValueError, match="verifier"):
        JwtVerifier(SECRET, levels, leeway=leeway, max_lifetime=lifetime)


def test_a_minted_token_is_the_platforms() -> None:
    """It has the platform's claims, in whole seconds, and is good for as long as asked."""
    token = mint(SECRET, ONE_LEVEL, user_id=USER, scope=(TENANT,), now=NOW, lifetime=60, role="viewer", email="a@b.c")
    assert jwt.decode(token, options={"verify_signature": False}) == {
        "user_id": USER,
        "tenant_id": TENANT,
        "email": "a@b.c",
        "role": "viewer",
        "roles": [],
        "auth_time": int(NOW),
        "iat": int(NOW),
        "exp": int(NOW) + 60,
    }
    assert JwtVerifier(SECRET, ONE_LEVEL).verify(token, NOW).roles == {"viewer"}
    assert refusal(token, now=NOW + 70).code == "token_expired"


def test_nothing_is_minted_for_a_scope_that_is_none() -> None:
    """The mistake shows when the token is made, with the levels that are wanted."""
    with pytest.raises(ValueError, match=r"tenant \(uuid\)"):
        mint(SECRET, ONE_LEVEL, user_id=USER, scope=("demo",), now=NOW)
