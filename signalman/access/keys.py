"""What JWTs may be signed with. Each key is bound to one algorithm by what kind of key it is, never by what a token
says (RFC 8725 §3.1, §3.2): a public key is no HMAC secret, and an RSA key checks no ES256.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

HMAC = "HS256"
MIN_SECRET_BYTES = 32
"""RFC 7518 §3.2: an HS256 key has at least the size of the hash."""
MIN_RSA_BITS = 2048
"""RFC 7518 §3.3."""

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
VerificationKey: TypeAlias = bytes | PublicKey

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class Keys(Protocol):
    """Somebody who has keys."""

    async def find(self, algorithm: str, kid: str | None, now: float) -> Sequence[VerificationKey]:
        """The keys that a token may be signed with, at *now* in Unix seconds; a bounded number of them.

        Args:
            algorithm: What the token says it is signed with; there are only keys of just that algorithm.
            kid: The key id that the token gives.
            now: Unix seconds.

        Raises:
            BackendUnavailable: The keys are somewhere that does not answer.
        """
        ...


class SharedSecret:
    """The secret that every service of the platform shares: HS256 and nothing else.

    Args:
        secret: As text; its UTF-8 is the key.
        allow_weak: Take a secret of fewer than 32 bytes, for development.

    Raises:
        ValueError: The secret is unusable. It is not repeated.
    """

    def __init__(self, secret: str, *, allow_weak: bool = False) -> None:
        self._key = signing_key(secret, allow_weak=allow_weak)

    async def find(self, algorithm: str, kid: str | None, now: float) -> Sequence[VerificationKey]:  # noqa: ARG002 # a secret has no id and no age
        """See `Keys.find`."""
        return (self._key,) if algorithm == HMAC else ()


class PublicKeys:
    """Keys out of PEM files. They have no ids: each of the algorithm is tried, whatever id a token gives.

    Args:
        keys: As `public_keys` has read them.
    """

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = [(algorithm_of(key), key) for key in keys]

    async def find(self, algorithm: str, kid: str | None, now: float) -> Sequence[VerificationKey]:  # noqa: ARG002 # a file's keys have no ids and no age
        """See `Keys.find`."""
        return [key for own, key in self._keys if own == algorithm]


def usable(key: object) -> PublicKey:
    """*key*, where it is of a kind that is taken.

    Raises:
        ValueError: It is not, or is too short.
    """
    if isinstance(key, RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise ValueError(f"holds an RSA key of {key.key_size} bits; it needs at least {MIN_RSA_BITS}")
        return key
    if isinstance(key, Ed25519PublicKey) or (isinstance(key, EllipticCurvePublicKey) and _is_p256(key)):
        return key
    raise ValueError("holds a key that is neither RSA, nor of the curve P-256, nor Ed25519")


def algorithm_of(key: PublicKey) -> str:
    """The one algorithm that a `usable` *key* checks."""
    if isinstance(key, RSAPublicKey):
        return "RS256"
    return "ES256" if isinstance(key, EllipticCurvePublicKey) else "EdDSA"


def public_keys(pem: bytes) -> tuple[PublicKey, ...]:
    """The public keys of a PEM file, bare or in certificates. Of a certificate only the key counts: whoever names the
    file says that it is good.

    Raises:
        ValueError: It holds no such key, or one that cannot be used, or a private one. Nothing of it is repeated.
    """
    found = tuple(_public_key(match.group(1).decode(), match.group()) for match in _BLOCK.finditer(pem))
    if not found:
        raise ValueError("holds no public key or certificate in PEM form")
    return found


def signing_key(secret: str, *, allow_weak: bool) -> bytes:
    """The HS256 key that *secret* is.

    Raises:
        ValueError: It is empty, a public key, or too short and not allowed to be. It is not repeated.
    """
    key = secret.encode("utf-8")
    if not key:
        raise ValueError("the JWT secret is empty")
    if len(key) < MIN_SECRET_BYTES and not allow_weak:
        raise ValueError(
            f"the JWT secret has {len(key)} bytes; HS256 needs at least {MIN_SECRET_BYTES} to be worth anything"
        )
    # HMAC fills a short key up with zeros itself (RFC 2104 §2): the same signature, without the library's warning.
    padded = key.ljust(MIN_SECRET_BYTES, b"\0")
    try:
        jwt.get_algorithm_by_name(HMAC).prepare_key(padded)
    except jwt.InvalidKeyError:
        raise ValueError("the JWT secret is a public key or certificate; HS256 needs a shared secret") from None
    return padded


def _public_key(label: str, block: bytes) -> PublicKey:
    if "PRIVATE" in label:
        raise ValueError("holds a private key, which only the platform may have; put its public key here")
    try:
        certificate = x509.load_pem_x509_certificate(block) if label == "CERTIFICATE" else None
        key = certificate.public_key() if certificate else load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("holds something that is not a readable public key or certificate") from None
    return usable(key)


def _is_p256(key: EllipticCurvePublicKey) -> bool:
    return isinstance(key.curve, SECP256R1)
