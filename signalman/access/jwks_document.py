"""A JSON Web Key Set (RFC 7517), read: which of its keys may check a token, and by what algorithm. Pure."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import jwt

from signalman.access.keys import PublicKey, usable

MOST_KEYS = 64
"""Keys of a document. Platforms have two or three."""

_ALGORITHMS: dict[tuple[str | None, str | None], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
"""``kty`` and ``crv`` → the algorithm that such a key is for (RFC 7518 §6, RFC 8037)."""


@dataclass(frozen=True, slots=True)
class JsonWebKey:
    """A public key of a set."""

    kid: str | None
    algorithm: str
    key: PublicKey


def read_jwks(document: bytes, algorithms: Collection[str]) -> tuple[JsonWebKey, ...]:
    """The keys of *document* that check one of *algorithms*.

    A key is passed over where it is for something else (``use`` other than ``sig``, ``key_ops`` without ``verify``,
    another ``alg``), symmetric, too short, broken, or there with its private part: whoever reads the document could
    sign with it. So one key that is not understood does not take the others down (RFC 7517 §5).

    Raises:
        ValueError: It is no key set, or has too many keys. Nothing of it is repeated.
    """
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(entries, list):
        raise ValueError("is no key set: it has no list 'keys'")  # noqa: TRY004 # a document that is wrong, not a call
    if len(entries) > MOST_KEYS:
        raise ValueError(f"has more than {MOST_KEYS} keys")
    found = (_read(entry, algorithms) for entry in entries if isinstance(entry, dict))
    return tuple(each for each in found if each is not None)


def _read(entry: dict[str, Any], algorithms: Collection[str]) -> JsonWebKey | None:
    kty, crv, kid = entry.get("kty"), entry.get("crv"), entry.get("kid")
    if not all(value is None or isinstance(value, str) for value in (kty, crv, kid)):
        return None
    algorithm = _ALGORITHMS.get((kty, crv))
    if algorithm is None or algorithm not in algorithms or not _is_for(algorithm, entry):
        return None
    try:
        # A private key is none of those that are usable.
        key = usable(jwt.PyJWK(entry, algorithm).key)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return JsonWebKey(kid, algorithm, key)


def _is_for(algorithm: str, entry: dict[str, Any]) -> bool:
    operations = entry.get("key_ops")
    return (
        entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) == algorithm
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )
