"""Which keys of a JSON Web Key Set are taken."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.jwks_document import MOST_KEYS, read_jwks
from signalman.access.keys import algorithm_of
from tests.unit.access.key_sets import jwk, key_set
from tests.unit.access.tokens import PRIVATE, RSA_KEY, UNHURRIED, pem

ALL = ("RS256", "ES256", "EdDSA")


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("changes", [{}, {"use": ...}, {"alg": ...}, {"key_ops": ["verify"]}, {"x5t": "?"}], ids=str)
def test_a_key_of_each_kind(algorithm: str, changes: dict[str, Any]) -> None:
    """With its id and the algorithm of its kind; what a set may leave out may be missing."""
    (found,) = read_jwks(key_set(jwk(algorithm, **changes)), ALL)
    assert (found.kid, found.algorithm) == ("k1", algorithm)
    assert pem(found.key) == pem(PRIVATE[algorithm].public_key())


def test_a_key_without_an_id() -> None:
    """Is taken; it is for tokens that give none either."""
    (found,) = read_jwks(key_set(jwk(kid=None)), ALL)
    assert found.kid is None


SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 # it is refused
PRIVATE_JWK = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(RSA_KEY)) | {"use": "sig", "kid": "k1"}
PRIVATE_JWK["key_ops"] = ["sign", "verify"]
BAD = [
    jwk(use="enc"),
    jwk(use=None),
    jwk(use=["sig"]),
    jwk(alg="RS384"),
    jwk(alg="PS256"),
    jwk(alg="RSA-OAEP"),
    jwk(alg="HS256"),
    jwk(alg="none"),
    jwk(alg=None),
    jwk("ES256", alg="RS256"),
    jwk("ES256", alg="EdDSA"),
    jwk(key_ops=["encrypt"]),
    jwk(key_ops=[]),
    jwk(key_ops="verify"),
    jwk(kty="EC"),
    jwk(kty="rsa"),
    jwk(kty=...),
    jwk(kty=["RSA"]),
    jwk(crv="P-256"),
    jwk(kid=7),  # type: ignore[arg-type] # that is the point
    jwk(n=...),
    jwk(n=""),
    jwk(n="!"),
    jwk(n=7),
    jwk(e="AA"),
    jwk(key=SHORT),
    jwk("ES256", crv="P-384"),
    jwk("ES256", crv="secp256k1"),
    jwk("ES256", crv=...),
    jwk("ES256", x="AAAA"),
    jwk("ES256", y=jwk("ES256")["x"]),
    jwk("EdDSA", crv="Ed448"),
    jwk("EdDSA", crv="X25519"),
    jwk("EdDSA", x="AAAA"),
    jwk("EdDSA", key=ed448.Ed448PrivateKey.generate()),
    json.loads(jwt.get_algorithm_by_name("ES384").to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key())),
    PRIVATE_JWK,
    {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256", "kid": "k1", "use": "sig"},
    {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "RS256", "kid": "k1"},
    {},
    None,
    "key",
    [],
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_a_key_that_is_for_something_else(bad: Any) -> None:
    """Is passed over, and takes no other key down with it."""
    good = jwk("ES256", "good")
    assert [found.kid for found in read_jwks(key_set(bad, good, bad), ALL)] == ["good"]
    assert read_jwks(key_set(bad), (*ALL, "HS256")) == ()


@pytest.mark.parametrize("algorithm", ALL)
def test_only_configured_algorithms(algorithm: str) -> None:
    """A published key does not make its algorithm one that is taken."""
    published = key_set(*(jwk(each, each) for each in ALL))
    assert [found.algorithm for found in read_jwks(published, [algorithm])] == [algorithm]
    assert read_jwks(published, ["HS256"]) == ()


@pytest.mark.parametrize(
    "document",
    [b"", b"<html>", b"[]", b"7", b"null", b"{}", b'{"keys": {}}', b'{"keys": null}', b"\xff", b"[" * 100_000],
)
def test_a_document_that_is_no_key_set(document: bytes) -> None:
    """Is refused as a whole."""
    with pytest.raises(ValueError, match="is no"):
        read_jwks(document, ALL)


def test_a_set_without_keys_is_one() -> None:
    """A platform may withdraw all of its keys."""
    assert read_jwks(b'{"keys": []}', ALL) == ()


def test_a_set_of_too_many_keys() -> None:
    """Is refused: one token may be tried with many of them."""
    assert len(read_jwks(key_set(*[jwk()] * MOST_KEYS), ALL)) == MOST_KEYS
    with pytest.raises(ValueError, match="more than 64 keys"):
        read_jwks(key_set(*[jwk()] * (MOST_KEYS + 1)), ALL)


MEMBERS = ["kty", "use", "alg", "crv", "kid", "n", "e", "x", "y", "k", "d", "key_ops"]
VALUES = st.none() | st.integers() | st.text(max_size=12) | st.lists(st.text(max_size=4), max_size=2)


@UNHURRIED
@given(st.sampled_from(ALL), st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=3))
def test_any_changed_key_is_taken_or_passed_over(algorithm: str, changes: dict[str, Any]) -> None:
    """Nothing breaks, and what is taken is for the algorithm of its kind."""
    for found in read_jwks(key_set(jwk(algorithm) | changes), ALL):
        assert found.algorithm == algorithm_of(found.key)


@UNHURRIED
@given(st.binary(max_size=200))
def test_any_document_is_read_or_refused(document: bytes) -> None:
    """With nothing but a ValueError."""
    with pytest.raises(ValueError, match="is no"):
        read_jwks(document, ALL)
