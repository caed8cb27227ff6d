"""What is wrong with settings that are each right by themselves."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from signalman.access.jwt import MIN_SECRET_BYTES
from signalman.config.model import Config

Key = tuple[str, ...]

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
    yield from _accounts(config)
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
    ):
        if value and not Path(value).is_file():
            yield Conflict(((section, name),), "there is no such file")
