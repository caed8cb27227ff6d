"""Keys: which are taken, and what each is good for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.keys import PublicKeys, SharedSecret, algorithm_of, public_keys, signing_key
from tests.unit.access.make import NOW, SECRET
from tests.unit.access.tokens import EC_KEY, ED_KEY, PRIVATE, RSA_KEY, UNHURRIED, at_once, pem


def certificate(key: Any, *, until: datetime) -> bytes:
    """A self-signed certificate of *key* in PEM form."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(until - timedelta(days=9)).not_valid_after(until)
    digest = None if key is ED_KEY else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("algorithm", list(PRIVATE))
def test_a_key_is_bound_to_its_algorithm(algorithm: str) -> None:
    """By its kind. Bare or in a certificate, whose dates do not count: whoever named the file said that it is good."""
    key = PRIVATE[algorithm]
    for text in (pem(key.public_key()), certificate(key, until=datetime(2020, 1, 1, tzinfo=UTC))):
        (read,) = public_keys(b"a comment\n" + text)
        assert algorithm_of(read) == algorithm
        assert pem(read) == pem(key.public_key())


def test_a_file_may_hold_several() -> None:
    """Old and new key beside each other, of different kinds, and each is found for its algorithm only."""
    files = PublicKeys(public_keys(b"".join(pem(key.public_key()) for key in PRIVATE.values())))
    for algorithm, key in PRIVATE.items():
        assert [pem(found) for found in at_once(files.find(algorithm, "any", NOW))] == [pem(key.public_key())]  # type: ignore[arg-type] # they are public keys
    assert at_once(files.find("HS256", None, NOW)) == []


def private(key: Any) -> bytes:
    """A private key in PEM form."""
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "holds no public key"),
        (b"-----BEGIN PUBLIC KEY-----", "holds no public key"),
        (SECRET.encode(), "holds no public key"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ a@b", "holds no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "not a readable public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "not a readable public key"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "not a readable"),
        (private(EC_KEY), "holds a private key"),
        (pem(EC_KEY.public_key()) + private(RSA_KEY), "holds a private key"),
        (pem(rsa.generate_private_key(65537, 1024).public_key()), "1024 bits; it needs at least 2048"),  # noqa: S505 # that is the point
        (pem(ec.generate_private_key(ec.SECP384R1()).public_key()), "neither RSA, nor"),
        (pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "neither RSA, nor"),
        (pem(ed448.Ed448PrivateKey.generate().public_key()), "neither RSA, nor"),  # type: ignore[arg-type] # that is the point
        (pem(x25519.X25519PrivateKey.generate().public_key()), "neither RSA, nor"),  # type: ignore[arg-type] # that is the point
        (pem(dsa.generate_private_key(2048).public_key()), "neither RSA, nor"),  # type: ignore[arg-type] # that is the point
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_used(text: bytes, reason: str) -> None:
    """Is refused with what to do about it, and nothing of it is repeated."""
    with pytest.raises(ValueError, match=reason) as refused:
        public_keys(text)
    assert not [line for line in text.decode().splitlines() if len(line) > 30 and line in str(refused.value)]


@UNHURRIED
@given(st.binary(max_size=300))
def test_any_bytes_are_keys_or_refused(text: bytes) -> None:
    """Nothing but a ValueError comes out of a file that is none."""
    for wrapped in (text, b"-----BEGIN PUBLIC KEY-----\n" + text + b"\n-----END PUBLIC KEY-----"):
        with pytest.raises(ValueError, match="holds"):
            public_keys(wrapped)


def test_a_secret_is_for_hs256_only() -> None:
    """Whatever else a token names."""
    keys = SharedSecret(SECRET)
    assert at_once(keys.find("HS256", "any", NOW)) == (SECRET.encode(),)
    for algorithm in ("RS256", "ES256", "EdDSA", "HS384", "none"):
        assert at_once(keys.find(algorithm, None, NOW)) == ()


@pytest.mark.parametrize("secret", ["", "change-me", "x" * 31])
def test_a_weak_secret_is_refused(secret: str) -> None:
    """HS256 is worth as much as its secret (RFC 7518 §3.2). The text does not repeat it."""
    with pytest.raises(ValueError, match="JWT secret") as refused:
        SharedSecret(secret)
    assert not secret or secret not in str(refused.value)


def test_32_bytes_are_enough() -> None:
    """And no fewer, unless that is allowed; none at all is no secret, whatever is allowed."""
    assert signing_key("x" * 32, allow_weak=False) == b"x" * 32
    assert signing_key("x", allow_weak=True) == b"x".ljust(32, b"\0")
    with pytest.raises(ValueError, match="is empty"):
        signing_key("", allow_weak=True)


def test_a_public_key_is_no_secret() -> None:
    """Everyone has it, so everyone could sign with it: in PEM form, as a certificate, as a JSON key."""
    public = RSA_KEY.public_key()
    texts = [
        pem(public).decode(),
        certificate(RSA_KEY, until=datetime(2030, 1, 1, tzinfo=UTC)).decode(),
        public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        jwt.get_algorithm_by_name("RS256").to_jwk(public),
    ]
    for text in texts:
        with pytest.raises(ValueError, match="public key"):
            signing_key(text, allow_weak=True)
