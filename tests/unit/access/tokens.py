"""JWTs of every kind, and verifiers of them."""

import base64
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import settings

from signalman.access.jwt import JwtVerifier
from signalman.access.keys import PublicKey, PublicKeys, SharedSecret
from signalman.access_rules import Claims
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from signalman.principal import Principal
from tests.unit.access.make import NOW, ONE_LEVEL, SECRET, TENANT, USER

T = TypeVar("T")

UNHURRIED = settings(deadline=None)
"""A machine that is busy with something else makes no test of these fail."""

CLAIMS = Claims("user_id", ("role", "roles"))
"""FrameWorks'."""

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
PRIVATE: dict[str, Any] = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}
"""Algorithm → the key that the platform signs with."""


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
    return segment(json.dumps(value).encode())


def segment(value: bytes) -> str:
    """Bytes as they stand in a token."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def pem(key: PublicKey) -> bytes:
    """A public key as platforms hand it out."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hmac_verifier(
    secret: str = SECRET, levels: tuple[ScopeLevel, ...] = ONE_LEVEL, names: Claims = CLAIMS, **settings: Any
) -> JwtVerifier:
    """As FrameWorks needs it."""
    return JwtVerifier({"HS256": [SharedSecret(secret)]}, levels, names, **settings)


def verifier_of(*algorithms: str, secret: str = SECRET, **settings: Any) -> JwtVerifier:
    """Takes these algorithms, though it has keys for all."""
    files = PublicKeys([key.public_key() for key in PRIVATE.values()])
    sources = {each: [SharedSecret(secret) if each == "HS256" else files] for each in algorithms}
    return JwtVerifier(sources, ONE_LEVEL, CLAIMS, **settings)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of *work*, which must have nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits")


def verified(token: str, verifier: JwtVerifier | None = None, now: float = NOW) -> Principal:
    """Who *token* speaks for."""
    return at_once((verifier or hmac_verifier()).verify(token, now))


def refusal(token: str, verifier: JwtVerifier | None = None, now: float = NOW) -> NotAuthenticated:
    """How *token* is refused; its text must not hold any part of the token."""
    with pytest.raises(NotAuthenticated) as refused:
        verified(token, verifier, now)
    assert refused.value.__cause__ is None
    assert not [piece for piece in token.split(".") if len(piece) > 8 and piece in str(refused.value)]
    assert USER not in str(refused.value)
    return refused.value
