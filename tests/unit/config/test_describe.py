"""Secrets stay secret."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.config import Config, describe, load

SECRETS = {
    "KAFKA_SASL_PASSWORD": "secret-kafka",
    "SIGNALMAN_KAFKA__KEY_PASSWORD": "secret-key",
    "REDIS_URL": "redis://user:secret-redis@redis.internal:6379/2?password=secret-query",
    "CLICKHOUSE_PASSWORD": "secret-clickhouse",
    "DATABASE_URL": "postgresql://u:secret-pg@a:5433,b:5433/x?sslmode=require",
    "JWT_SECRET": "secret-jwt-of-more-than-thirty-two-bytes",
    "SERVICE_TOKEN": "secret-service",
    "SIGNALMAN_CHANNELS__PSEUDONYM_KEY": "secret-pseudonyms",
}
CONFIG = load(
    None,
    {**SECRETS, "SIGNALMAN_KAFKA__SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "u"},
    {("access", "accounts"): ("-", [{"name": "dev", "token": "secret-account", "scope": ["t"]}])},
)


def test_secrets_never_print() -> None:
    """Neither `repr`, nor `str`, nor a dump, nor the description shows any secret."""
    shown = [repr(CONFIG), str(CONFIG), str(CONFIG.model_dump()), CONFIG.model_dump_json(), *describe(CONFIG)]

    assert not [text for text in shown if "secret-" in text]


def test_what_is_no_secret_is_shown() -> None:
    """Host and path of a URL are there, and that a secret is set."""
    document = tomllib.loads("\n".join(describe(CONFIG)))

    assert document["redis"]["url"] == "redis://********@redis.internal:6379/2?********"
    assert document["directory"]["url"] == "postgresql://********@a:5433,b:5433/x?********"
    assert document["access"]["jwt_secret"] == "********"
    assert document["access"]["accounts"] == [
        {"name": "dev", "token": "********", "scope": ["t"], "role": "member", "operator": False}
    ]  # fmt: skip
    assert document["clickhouse"]["host"] == "localhost"


def test_the_description_of_the_defaults_is_the_defaults() -> None:
    """The description is TOML that means the same configuration, where no secret is set."""
    text = "\n".join(describe(Config()))

    assert Config.model_validate(tomllib.loads(text)) == Config()


def test_topics_are_described() -> None:
    """A table by name is written as one."""
    lines = describe(load(None, {"ANALYTICS_KAFKA_TOPIC": "a.b"}))

    assert 'topics = { analytics = "a.b" }' in lines


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret-/x@host/0",
        "redis://:secret-?x@host/0",
        "redis://u:p@secret-@host",
        "redis://secret- space",
        "rediss://host/0#secret-",
        "redis://host/0?password=secret-@x",
    ],
)
def test_a_strange_url_is_hidden_whole(url: str) -> None:
    """A password with characters that a URL does not allow is no way to be shown."""
    assert "secret-" not in "\n".join(describe(load(None, {"REDIS_URL": url})))


@given(st.text(st.sampled_from("abX0:/@?#[]%. "), min_size=0, max_size=12))
def test_no_password_in_a_url_is_shown(password: str) -> None:
    """Whatever a password looks like, its text is not in the description."""
    marked = f"q{password}q"
    assert marked not in "\n".join(describe(load(None, {"REDIS_URL": f"redis://user:{marked}@host:1/0"})))
