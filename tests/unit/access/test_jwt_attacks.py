"""JWTs: nothing but a configured algorithm with a key that was made for it opens anything."""

import hashlib
import hmac
import json
from itertools import product
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.access.make import SECRET, USER
from tests.unit.access.tokens import (
    EC_KEY,
    ED_KEY,
    PRIVATE,
    RSA_KEY,
    UNHURRIED,
    claims,
    hmac_verifier,
    part,
    pem,
    refusal,
    segment,
    sign,
    verified,
    verifier_of,
)

ALL = ("HS256", "RS256", "ES256", "EdDSA")
KEYS: dict[str, Any] = {"HS256": SECRET, **PRIVATE}


def hmac_signed(header: dict[str, Any], key: bytes) -> str:
    """A token that any key signs by HMAC, also one that a library refuses to sign with."""
    signed = f"{part(header)}.{part(claims())}"
    return f"{signed}.{segment(hmac.digest(key, signed.encode(), hashlib.sha256))}"


@pytest.mark.parametrize("algorithm", ALL)
def test_each_algorithm_with_its_key(algorithm: str) -> None:
    """What is configured is taken, with a key id or without."""
    for headers in (None, {"kid": "any"}):
        token = sign(claims(), key=KEYS[algorithm], algorithm=algorithm, headers=headers)
        assert verified(token, verifier_of(algorithm)).id == USER
        assert verified(token, verifier_of(*ALL)).id == USER


@pytest.mark.parametrize(("signed", "taken"), [pair for pair in product(ALL, ALL) if pair[0] != pair[1]])
def test_an_algorithm_that_is_not_configured_is_refused(signed: str, taken: str) -> None:
    """Though there is a key for it, and the signature is right."""
    token = sign(claims(), key=KEYS[signed], algorithm=signed)
    assert refusal(token, verifier_of(taken)).code == "token_invalid"


@pytest.mark.parametrize(("named", "signed"), [pair for pair in product(ALL, ALL) if pair[0] != pair[1]])
def test_a_signature_under_another_name_is_refused(named: str, signed: str) -> None:
    """The header names one configured algorithm, the signature is by the key of another."""
    head, body = part({"alg": named}), part(claims())
    algorithm = jwt.get_algorithm_by_name(signed)
    key = SECRET.encode() if signed == "HS256" else KEYS[signed]
    token = f"{head}.{body}.{segment(algorithm.sign(f'{head}.{body}'.encode(), key))}"
    assert refusal(token, verifier_of(*ALL)).code == "token_invalid"


def forms(algorithm: str) -> list[bytes]:
    """Every form in which an attacker may have the public key."""
    public = PRIVATE[algorithm].public_key()
    text = pem(public)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(public)
    return [text, text.strip(), text.replace(b"\n", b""), der, jwk.encode(), json.dumps(json.loads(jwk)).encode(), b""]


@pytest.mark.parametrize("algorithm", list(PRIVATE))
@pytest.mark.parametrize("taken", [ALL, ALL[1:]], ids=["with HS256", "without"])
def test_a_public_key_is_no_secret(algorithm: str, taken: tuple[str, ...]) -> None:
    """Everybody has it: a token signed by HMAC with it is worth nothing, whether HMAC is taken or not."""
    for key, named in product(forms(algorithm), ("HS256", "HS384", algorithm)):
        assert refusal(hmac_signed({"alg": named}, key), verifier_of(*taken)).code == "token_invalid"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_hmac_is_refused(algorithm: str) -> None:
    """The algorithm is ours to say, though the platform's own services take all three."""
    token = sign(claims(), key=SECRET.ljust(64, "\0"), algorithm=algorithm)
    assert refusal(token).code == refusal(token, verifier_of(*ALL)).code == "token_invalid"


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_another_algorithm_of_the_same_key_is_refused(algorithm: str) -> None:
    """An RSA key is for RS256 alone."""
    token = sign(claims(), key=RSA_KEY, algorithm=algorithm)
    assert refusal(token, verifier_of(*ALL)).code == "token_invalid"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", None, "HS1", "hs256", "HS256 ", ["HS256"], {"a": 1}, 7]
)
def test_the_header_does_not_choose_the_algorithm(algorithm: Any) -> None:
    """No signature, another's signature, or a right signature under a wrong name: all are refused."""
    head, body = part({"alg": algorithm, "typ": "JWT"}), part(claims())
    right = sign(claims()).rsplit(".", 1)[1]
    for signature, verifier in product(("", "c2ln", right), (hmac_verifier(), verifier_of(*ALL))):
        assert refusal(f"{head}.{body}.{signature}", verifier).code == "token_invalid"


def test_without_an_algorithm_there_is_none() -> None:
    """No default is filled in."""
    right = sign(claims()).rsplit(".", 1)[1]
    assert refusal(f"{part({'typ': 'JWT'})}.{part(claims())}.{right}").code == "token_invalid"


def test_a_viewers_playback_token_is_refused() -> None:
    """FrameWorks' tenants sign ES256 tokens for their viewers. They are no credential here: not where ES256 is not
    taken, and not where it is, for a tenant's key is not among those that are configured.
    """
    tenant_key = ec.generate_private_key(ec.SECP256R1())
    for headers in (None, {"kid": "tenant-key"}):
        playback = sign(claims(), key=tenant_key, algorithm="ES256", headers=headers)
        assert refusal(playback).code == "token_invalid"
        assert refusal(playback, verifier_of(*ALL)).code == "token_invalid"


@pytest.mark.parametrize("algorithm", list(PRIVATE))
def test_a_key_that_comes_with_the_token_is_not_believed(algorithm: str) -> None:
    """Neither a key in the header nor an address of one (RFC 8725 §3.10): only what is configured counts."""
    foreign: dict[str, Any] = {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    key = foreign[algorithm]
    jwk = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key())) | {"use": "sig", "kid": "mine"}
    der = segment(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    for headers in (
        {"jwk": jwk, "kid": "mine"},
        {"jku": "https://evil.example/jwks.json", "kid": "mine"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": [der], "x5t": "x"},
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'key"},
    ):
        token = sign(claims(), key=key, algorithm=algorithm, headers=headers)
        assert refusal(token, verifier_of(*ALL)).code == "token_invalid"


@pytest.mark.parametrize(
    "headers",
    [
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"b64": True},
        {"crit": ["x"], "x": 1},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": None},
        {"kid": 7},
        {"kid": ["a"]},
    ],
    ids=str,
)
def test_a_header_that_asks_for_more_is_refused(headers: dict[str, Any]) -> None:
    """Extensions that are not understood must be refused (RFC 7515 §4.1.11), though the signature is right."""
    assert refusal(hmac_signed({"alg": "HS256", **headers}, SECRET.encode())).code == "token_invalid"


@pytest.mark.parametrize("algorithm", list(PRIVATE))
def test_a_signature_is_whole(algorithm: str) -> None:
    """Cut, doubled, zeroed (CVE-2022-21449) or of another message, it is none."""
    token = sign(claims(), key=PRIVATE[algorithm], algorithm=algorithm)
    signed, _, signature = token.rpartition(".")
    other = sign(claims(role="admin"), key=PRIVATE[algorithm], algorithm=algorithm).rpartition(".")[2]
    for forged in (
        "",
        signature[:-8],
        signature * 2,
        other,
        segment(bytes(64)),
        segment(bytes(256)),
        segment(b"\x30\x00"),
    ):
        assert refusal(f"{signed}.{forged}", verifier_of(*ALL)).code == "token_invalid"


def test_an_encrypted_token_is_none() -> None:
    """Five parts, as RFC 7516 has them, are not ours."""
    head = part({"alg": "dir", "enc": "A256GCM"})
    assert refusal(f"{head}..{part(1)}.{part(2)}.{part(3)}").code == "token_invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def test_an_extension_is_refused_whatever_the_library_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the library refuses what it does not understand is not relied on, nor what it may understand some day."""
    token = sign(claims())
    assert verified(token).id == USER
    for extension in ({"crit": ["new"]}, {"b64": True}):
        header = {"alg": "HS256", **extension}
        with monkeypatch.context() as patched:
            patched.setattr("jwt.get_unverified_header", lambda _, header=header: header)
            assert refusal(token).code == "token_invalid"


FIELDS = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jku", "jwk", "x5c", "x5u", "zip", "cty"])
VERIFIER = verifier_of(*ALL)


@UNHURRIED
@given(st.dictionaries(FIELDS, JSON | st.sampled_from(ALL)), st.sampled_from(["", "c2ln", segment(bytes(64))]))
def test_any_header_is_refused_without_the_signature(header: dict[str, Any], signature: str) -> None:
    """Nothing in a header makes an unsigned token good, or breaks the check."""
    refusal(f"{part(header)}.{part(claims())}.{signature}", VERIFIER)


@UNHURRIED
@given(st.dictionaries(FIELDS.filter(lambda name: name != "alg"), JSON))
def test_any_header_with_the_right_signature(header: dict[str, Any]) -> None:
    """What is not understood is refused or without effect: the principal is the same."""
    token = hmac_signed({**header, "alg": "HS256"}, SECRET.encode())
    if {"crit", "b64"} & header.keys() or not isinstance(header.get("kid", ""), str):
        refusal(token, VERIFIER)
    else:
        assert verified(token, VERIFIER) == verified(sign(claims()))


def test_keys_of_one_kind_do_not_stand_in_for_another() -> None:
    """An Ed25519 signature under ES256, and the reverse, by keys that are both configured."""
    for key, own, named in ((ED_KEY, "EdDSA", "ES256"), (EC_KEY, "ES256", "EdDSA"), (RSA_KEY, "RS256", "ES256")):
        head, body = part({"alg": named}), part(claims())
        signature = segment(jwt.get_algorithm_by_name(own).sign(f"{head}.{body}".encode(), key))
        assert refusal(f"{head}.{body}.{signature}", VERIFIER).code == "token_invalid"
