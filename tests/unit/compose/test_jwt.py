"""Configuration → the check of JWTs."""

import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from signalman.access.jwt import JwtVerifier
from signalman.access_rules import AccessRules
from signalman.channel import Catalog
from signalman.compose.jwt import jwt_verifier
from signalman.config import Config
from signalman.errors import ConfigError, Fault, NotAuthenticated
from tests.unit.access.make import ONE_LEVEL, SECRET, USER
from tests.unit.access.tokens import CLAIMS, EC_KEY, ED_KEY, PRIVATE, claims, pem, refusal, sign, verified

NOW = time.time()


def verifier(**access: Any) -> JwtVerifier | None:
    """What this configuration makes, for a pack whose user stands in ``user_id``."""
    pack = Catalog("test", "Test", ONE_LEVEL, {}, {}, frozenset(), access=AccessRules(claims=CLAIMS))
    return jwt_verifier(Config.model_validate({"access": access}), pack)


def faults(**access: Any) -> list[Fault]:
    """What is wrong with this configuration."""
    with pytest.raises(ConfigError) as refused:
        verifier(**access)
    return refused.value.faults


def current(**changes: Any) -> dict[str, Any]:
    """Claims that are good now."""
    return claims(iat=int(NOW), exp=int(NOW) + 600, **changes)


def test_without_any_key_there_is_no_check() -> None:
    """No JWT is taken then, instead of any."""
    assert verifier() is None
    assert verifier(jwt_algorithms=["RS256", "ES256", "HS256"]) is None


def test_the_shared_secret() -> None:
    """Signs HS256, which is what is taken unless configured otherwise."""
    check = verifier(jwt_secret=SECRET)
    assert verified(sign(current()), check, NOW).id == USER
    assert refusal(sign(current(), key=EC_KEY, algorithm="ES256"), check, NOW).code == "token_invalid"


def test_a_secret_without_its_algorithm_signs_nothing(tmp_path: Path) -> None:
    """Where HS256 is not listed, knowing the secret is worth nothing."""
    (tmp_path / "key.pem").write_bytes(pem(EC_KEY.public_key()))
    check = verifier(jwt_secret=SECRET, jwt_algorithms=["ES256"], jwt_public_keys=[str(tmp_path / "key.pem")])
    assert verified(sign(current(), key=EC_KEY, algorithm="ES256"), check, NOW).id == USER
    assert refusal(sign(current()), check, NOW).code == "token_invalid"


def test_files_of_keys(tmp_path: Path) -> None:
    """Several, of several kinds, beside the secret."""
    for name, key in PRIVATE.items():
        (tmp_path / name).write_bytes(pem(key.public_key()))
    check = verifier(
        jwt_secret=SECRET,
        jwt_algorithms=["HS256", *PRIVATE],
        jwt_public_keys=[str(tmp_path / name) for name in PRIVATE],
    )
    assert verified(sign(current()), check, NOW).id == USER
    for algorithm, key in PRIVATE.items():
        assert verified(sign(current(), key=key, algorithm=algorithm), check, NOW).id == USER


def test_the_other_settings_reach_the_check() -> None:
    """Issuers, audiences, leeway and lifetime."""
    check = verifier(
        jwt_secret=SECRET,
        jwt_issuers=["us"],
        jwt_audiences=["signalman"],
        jwt_leeway_seconds=5,
        jwt_max_lifetime_seconds=700,
    )
    good = current(iss="us", aud="signalman")
    assert verified(sign(good), check, NOW).expires_at == int(NOW) + 605
    for bad in ({"iss": "x"}, {"aud": "x"}, {"exp": int(NOW) + 800}, {"exp": int(NOW) - 6}):
        with pytest.raises(NotAuthenticated):
            verified(sign(good | bad), check, NOW)


def test_a_secret_that_cannot_be_used() -> None:
    """Is a fault under its setting, and is not repeated."""
    (fault,) = faults(jwt_secret="too short")
    assert fault.key == "access.jwt_secret"
    assert "too short" not in str(fault)
    assert verifier(jwt_secret="too short", allow_weak_secret=True)


def test_all_files_that_cannot_be_used_are_told_at_once(tmp_path: Path) -> None:
    """Each with its path, its place in the setting, and the reason."""
    short = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 # it is refused
    texts = {"ok": pem(EC_KEY.public_key()), "short": pem(short), "none": b"x", "ed": pem(ED_KEY.public_key())}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    paths = [str(tmp_path / name) for name in ("missing", "ok", "short", "none", "ed", ".")]
    found = faults(jwt_secret="short", jwt_algorithms=["HS256", "RS256", "ES256"], jwt_public_keys=paths)
    told = {fault.file: f"{fault.key}: {fault.reason}" for fault in found}
    assert told.pop("configuration").startswith("access.jwt_secret: ")
    assert told == {
        paths[0]: "access.jwt_public_keys[0]: cannot be read: No such file or directory",
        paths[2]: "access.jwt_public_keys[2]: holds an RSA key of 1024 bits; it needs at least 2048",
        paths[3]: "access.jwt_public_keys[3]: holds no public key or certificate in PEM form",
        paths[4]: "access.jwt_public_keys[4]: holds a key for EdDSA, which access.jwt_algorithms does not list",
        paths[5].removesuffix("/."): "access.jwt_public_keys[5]: cannot be read: Is a directory",
    }


def test_authorities_for_the_published_keys(tmp_path: Path) -> None:
    """A file that holds none is told at the start."""
    (tmp_path / "ca.pem").write_text("nothing")
    for name, reason in (("ca.pem", "holds no certificate in PEM"), ("missing", "No such file")):
        (fault,) = faults(
            jwt_algorithms=["RS256"], jwks_url="https://id.example/jwks", jwks_ca_file=str(tmp_path / name)
        )
        assert (fault.file, fault.key) == (str(tmp_path / name), "access.jwks_ca_file")
        assert reason in fault.reason


def test_published_keys_are_a_key() -> None:
    """An address alone is enough for there to be a check."""
    assert verifier(jwt_algorithms=["RS256"], jwks_url="https://id.example/jwks") is not None
