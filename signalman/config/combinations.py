"""What is wrong with settings that are each right by themselves."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from signalman.access.keys import HMAC, MIN_SECRET_BYTES, algorithm_of, public_keys
from signalman.catalog.findings import Key
from signalman.config.model import Config

LATE_SECONDS = 10
"""A replay looks so much further back for deletions that later changes must not undo (`signalman.gateway.late`)."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Settings that do not go together."""

    keys: tuple[Key, ...]
    """All settings involved, the one to mend first."""
    reason: str


def conflicts(config: Config) -> Iterator[Conflict]:
    """Everything in *config* that cannot work together."""
    yield from _tls(config)
    yield from _sasl(config)
    yield from _secret(config)
    yield from _algorithms(config)
    yield from _without_keys(config)
    yield from _public_keys(config)
    yield from _accounts(config)
    yield from _cookie(config)
    yield from _pauses(config)
    yield from _files(config)
    yield from _history(config)


def _history(config: Config) -> Iterator[Conflict]:
    if config.history.seconds < config.snapshot.replay_floor_seconds + LATE_SECONDS:
        yield Conflict(
            (("history", "seconds"), ("snapshot", "replay_floor_seconds")),
            f"must be {LATE_SECONDS} s more than snapshot.replay_floor_seconds, or no snapshot is ever up to date",
        )


def _tls(config: Config) -> Iterator[Conflict]:
    for section, name, value, tls in (
        ("kafka", "ca_file", config.kafka.ca_file, config.kafka.tls),
        ("kafka", "certificate_file", config.kafka.certificate_file, config.kafka.tls),
        ("clickhouse", "ca_file", config.clickhouse.ca_file, config.clickhouse.tls),
    ):
        if value and not tls:
            yield Conflict(((section, name), (section, "tls")), f"has no effect unless {section}.tls is true")
    files = ("kafka", "certificate_file"), ("kafka", "key_file")
    if config.kafka.certificate_file and not config.kafka.key_file:
        yield Conflict(files, "needs kafka.key_file beside it")
    if config.kafka.key_file and not config.kafka.certificate_file:
        yield Conflict(files[::-1], "needs kafka.certificate_file beside it")


def _sasl(config: Config) -> Iterator[Conflict]:
    kafka = config.kafka
    mechanism = ("kafka", "sasl_mechanism")
    for name, value in (
        ("sasl_username", kafka.sasl_username),
        ("sasl_password", kafka.sasl_password.get_secret_value()),
    ):
        if kafka.sasl_mechanism and not value:
            yield Conflict((mechanism, ("kafka", name)), f"needs kafka.{name} beside it")
        if value and not kafka.sasl_mechanism:
            yield Conflict((("kafka", name), mechanism), "has no effect unless kafka.sasl_mechanism is set")


def _secret(config: Config) -> Iterator[Conflict]:
    secret = config.access.jwt_secret.get_secret_value()
    length = len(secret.encode())
    if secret.startswith(("-----BEGIN", "ssh-")):
        yield Conflict((("access", "jwt_secret"),), "is a key file's text; HS256 needs the platform's shared secret")
    if 0 < length < MIN_SECRET_BYTES and not config.access.allow_weak_secret:
        yield Conflict(
            (("access", "jwt_secret"), ("access", "allow_weak_secret")),
            f"is shorter than {MIN_SECRET_BYTES} bytes and can be guessed; "
            "where the platform leaves no choice, access.allow_weak_secret = true accepts it",
        )


def _algorithms(config: Config) -> Iterator[Conflict]:
    access = config.access
    listed, secret = ("access", "jwt_algorithms"), ("access", "jwt_secret")
    public = [algorithm for algorithm in access.jwt_algorithms if algorithm != HMAC]
    sources = [name for name in ("jwt_public_keys", "jwks_url") if getattr(access, name)]
    has_secret = bool(access.jwt_secret.get_secret_value())
    if has_secret and HMAC not in access.jwt_algorithms:
        yield Conflict((secret, listed), f"has no effect unless access.jwt_algorithms lists {HMAC}")
    # HS256 alone and without a secret is the default, and means that no JWTs are taken.
    if public and HMAC in access.jwt_algorithms and not has_secret:
        yield Conflict((listed, secret), f"lists {HMAC}, which needs access.jwt_secret")
    if public and not sources:
        yield Conflict((listed,), f"lists {', '.join(public)}, which needs access.jwt_public_keys or access.jwks_url")
    for name in sources if not public else ():
        reason = "has no effect unless access.jwt_algorithms lists RS256, ES256 or EdDSA"
        yield Conflict((("access", name), listed), reason)


def _without_keys(config: Config) -> Iterator[Conflict]:
    access = config.access
    if access.jwks_ca_file and not access.jwks_url:
        yield Conflict(
            (("access", "jwks_ca_file"), ("access", "jwks_url")), "has no effect unless access.jwks_url is set"
        )
    if not (access.jwt_secret.get_secret_value() or access.jwt_public_keys or access.jwks_url):
        for name in ("jwt_issuers", "jwt_audiences"):
            if getattr(access, name):
                yield Conflict((("access", name),), "has no effect: there is no key for JWTs")


def _public_keys(config: Config) -> Iterator[Conflict]:
    for at, path in enumerate(config.access.jwt_public_keys):
        keys: tuple[Key, ...] = ("access", "jwt_public_keys", at), ("access", "jwt_algorithms")
        try:
            found = {algorithm_of(key) for key in public_keys(Path(path).read_bytes())}
        except FileNotFoundError:
            yield Conflict(keys, "there is no such file")
        except OSError as error:
            yield Conflict(keys, f"cannot be read: {error.strerror}")
        except ValueError as error:
            yield Conflict(keys, str(error))
        else:
            for algorithm in sorted(found.difference(config.access.jwt_algorithms)):
                yield Conflict(keys, f"holds a key for {algorithm}, which access.jwt_algorithms does not list")


def _cookie(config: Config) -> Iterator[Conflict]:
    if config.access.cookie and not config.gateway.allowed_origins:
        yield Conflict(
            (("access", "cookie"), ("gateway", "allowed_origins")),
            "needs gateway.allowed_origins beside it: a cookie counts for pages of these origins only",
        )


def _pauses(config: Config) -> Iterator[Conflict]:
    limits = config.limits
    if limits.failure_longest_pause_seconds < limits.failure_pause_seconds:
        yield Conflict(
            (("limits", "failure_longest_pause_seconds"), ("limits", "failure_pause_seconds")),
            "must not be shorter than limits.failure_pause_seconds, which is the first pause",
        )


def _accounts(config: Config) -> Iterator[Conflict]:
    accounts = config.access.accounts
    for noun, values in (
        ("name", [account.name for account in accounts]),
        ("token", [account.token.get_secret_value() for account in accounts]),
    ):
        if any(times > 1 for times in Counter(values).values()):
            yield Conflict((("access", "accounts"),), f"two accounts have the same {noun}")


def _files(config: Config) -> Iterator[Conflict]:
    for section, name, value in (
        ("kafka", "ca_file", config.kafka.ca_file),
        ("kafka", "certificate_file", config.kafka.certificate_file),
        ("kafka", "key_file", config.kafka.key_file),
        ("clickhouse", "ca_file", config.clickhouse.ca_file),
        ("access", "jwks_ca_file", config.access.jwks_ca_file),
    ):
        if value and not Path(value).is_file():
            yield Conflict(((section, name),), "there is no such file")
