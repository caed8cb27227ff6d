"""Configuration and pack → the check of JWTs."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from signalman.access.jwks import Jwks
from signalman.access.jwt import JwtVerifier
from signalman.access.keys import HMAC, Keys, PublicKey, PublicKeys, SharedSecret, algorithm_of, public_keys
from signalman.backends.jwks_fetch import JwksFetch
from signalman.channel import Catalog
from signalman.config import Config
from signalman.errors import ConfigError, Fault


def jwt_verifier(config: Config, pack: Catalog) -> JwtVerifier | None:
    """What checks JWTs; None where configuration has no key for any.

    Raises:
        ConfigError: A secret or a file of keys cannot be used, with all such faults.
    """
    faults: list[Fault] = []
    sources = _sources(config, faults)
    if faults:
        raise ConfigError(faults)
    if not any(sources.values()):
        return None
    access = config.access
    return JwtVerifier(
        sources,
        pack.levels,
        pack.access.claims,
        issuers=access.jwt_issuers,
        audiences=access.jwt_audiences,
        leeway=access.jwt_leeway_seconds,
        max_lifetime=access.jwt_max_lifetime_seconds,
    )


def _sources(config: Config, faults: list[Fault]) -> dict[str, list[Keys]]:
    """Algorithm → who has keys for it. What is at hand comes before what has to be fetched."""
    asymmetric: list[Keys] = [*_files(config, faults), *_published(config, faults)]
    secret = _secret(config, faults)
    return {algorithm: secret if algorithm == HMAC else asymmetric for algorithm in config.access.jwt_algorithms}


def _secret(config: Config, faults: list[Fault]) -> list[Keys]:
    secret = config.access.jwt_secret.get_secret_value()
    if not secret:
        return []
    try:
        return [SharedSecret(secret, allow_weak=config.access.allow_weak_secret)]
    except ValueError as error:
        faults.append(Fault("configuration", "access.jwt_secret", str(error)))
        return []


def _files(config: Config, faults: list[Fault]) -> Iterator[PublicKeys]:
    keys: list[PublicKey] = []
    for at, path in enumerate(config.access.jwt_public_keys):
        try:
            read = public_keys(Path(path).read_bytes())
            _all_wanted(read, config)
        except OSError as error:
            faults.append(Fault(path, f"access.jwt_public_keys[{at}]", f"cannot be read: {error.strerror}"))
        except ValueError as error:
            faults.append(Fault(path, f"access.jwt_public_keys[{at}]", str(error)))
        else:
            keys.extend(read)
    if keys:
        yield PublicKeys(keys)


def _all_wanted(keys: tuple[PublicKey, ...], config: Config) -> None:
    unused = {algorithm_of(key) for key in keys}.difference(config.access.jwt_algorithms)
    if unused:
        raise ValueError(f"holds a key for {', '.join(sorted(unused))}, which access.jwt_algorithms does not list")


def _published(config: Config, faults: list[Fault]) -> Iterator[Jwks]:
    access = config.access
    if not access.jwks_url:
        return
    try:
        fetch = JwksFetch(access.jwks_url, ca_file=access.jwks_ca_file)
    except OSError as error:
        broken = isinstance(error, ssl.SSLError)
        reason = "holds no certificate in PEM form" if broken else f"cannot be read: {error.strerror}"
        faults.append(Fault(access.jwks_ca_file, "access.jwks_ca_file", reason))
        return
    algorithms = [each for each in access.jwt_algorithms if each != HMAC]
    yield Jwks(fetch, algorithms, keep=access.jwks_keep_seconds, pause=access.jwks_pause_seconds)
