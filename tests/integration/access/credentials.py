"""What each kind of person brings, in the states that are the credential's own."""

import hmac
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.integration.access.people import Person
from tests.integration.access.states import OTHER_TENANT
from tests.unit.access.make import SECRET
from tests.unit.access.tokens import PRIVATE, part, pem, segment

ISSUER, AUDIENCE = "https://platform.example", "signalman"
ACCOUNTS = {"all": "dev.account.with-everything", "less": "dev.account.with-little"}
"""What it may read → its token."""
PUBLISHED = rsa.generate_private_key(65537, 2048)
"""The key that stands in the JWKS and in no file."""
KEY_ID = "published"

_KEYS: dict[str, tuple[str, Any]] = {
    "jwt alone": ("HS256", SECRET),
    "HS256": ("HS256", SECRET),
    "RS256 file": ("RS256", PRIVATE["RS256"]),
    "ES256 file": ("ES256", PRIVATE["ES256"]),
    "EdDSA file": ("EdDSA", PRIVATE["EdDSA"]),
    "RS256 JWKS": ("RS256", PUBLISHED),
}
"""Kind → algorithm and key that its tokens are signed with."""
_OTHERS = {"HS256": "HS512", "RS256": "PS256", "ES256": "ES512", "EdDSA": "HS256"}
"""Algorithm → one that is not taken, or not with its key."""
_SIBLINGS: dict[str, Any] = {
    "HS256": SECRET[::-1],
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
"""Algorithm → somebody else's key for it."""


def credential(kind: str, state: str, person: Person) -> str:
    """What *person* brings. Where the state is one of the databases', a credential like any other."""
    if kind in _KEYS:
        return _jwt(kind, state, person)
    if kind == "account":
        return _account(state)
    made = _TEXTS[kind](person)
    if state == "wrong secret":
        return f"{person.key_id}.tfs_another-secret"
    return _tampered(made) if state == "tampered" else made


_TEXTS: dict[str, Callable[[Person], str]] = {
    "fw token": lambda person: person.fw_token,
    "split key": lambda person: person.split_key,
    "own token": lambda person: person.own_token,
    "ticket": lambda person: person.fw_token,
}
"""A ticket is bought with an API token, by who needs one in a state of its own."""


def _account(state: str) -> str:
    token = ACCOUNTS["less" if state == "shrunk grant" else "all"]
    return _tampered(token) if state == "tampered" else token


def _tampered(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def _jwt(kind: str, state: str, person: Person) -> str:
    algorithm, key = _KEYS[kind]
    claims = _claims(kind, state, person)
    signed = _signed(algorithm, key, claims)
    match state:
        case "tampered":
            head, _, signature = signed.split(".")
            return f"{head}.{part(claims | {'tenant_id': OTHER_TENANT})}.{signature}"
        case "unsigned":
            return f"{part({'alg': 'none', 'kid': KEY_ID})}.{part(claims)}."
        case "another's key":
            return _signed(algorithm, _SIBLINGS[algorithm], claims)
        case "wrong algorithm":
            return _signed(algorithm, key, claims, says=_OTHERS[algorithm])
        case "public key as HMAC":
            # The classic confusion: what everybody may know, used as the secret.
            public = pem((PRIVATE["RS256"] if algorithm == "HS256" else key).public_key())
            return _signed("HS256", public, claims)
        case _:
            return signed


def _signed(algorithm: str, key: Any, claims: dict[str, Any], *, says: str | None = None) -> str:
    """A token whose header *says* what it may not be signed with; then it is signed so, where the key allows that."""
    text = f"{part({'alg': says or algorithm, 'typ': 'JWT', 'kid': KEY_ID})}.{part(claims)}"
    if isinstance(key, str | bytes):
        secret = key.encode() if isinstance(key, str) else key
        return f"{text}.{segment(hmac.digest(secret, text.encode(), 'sha512' if says else 'sha256'))}"
    made_with = algorithm if algorithm == "EdDSA" else says or algorithm
    return f"{text}.{segment(jwt.get_algorithm_by_name(made_with).sign(text.encode(), key))}"


def _claims(kind: str, state: str, person: Person) -> dict[str, Any]:
    now = int(time.time())
    roles = {"shrunk grant": "viewer", "no grant": "nobody"} if kind == "jwt alone" else {}
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "user_id": person.user,
        "tenant_id": person.tenant,
        "role": roles.get(state, "owner"),
        "roles": [],
        "iat": now - 60,
        "exp": now + 600,
    }
    changes: dict[str, dict[str, Any]] = {
        "expired": {"exp": now - 30},
        "wrong audience": {"aud": "another service"},
        "no audience": {"aud": ...},
        "wrong issuer": {"iss": "https://elsewhere.example"},
        "no expiry": {"exp": ...},
        "lives too long": {"exp": now + 86_400 * 2},
        "not good yet": {"nbf": now + 300},
        "no tenant": {"tenant_id": ...},
    }
    return {name: value for name, value in (claims | changes.get(state, {})).items() if value is not ...}
