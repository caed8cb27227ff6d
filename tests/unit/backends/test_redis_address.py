"""Where a Redis is, read from its URL."""

import ssl
from pathlib import Path

import pytest

from signalman.backends.redis_address import RedisAddress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", RedisAddress()),
        ("redis://redis", RedisAddress(host="redis")),
        ("redis://[::1]:6380/2", RedisAddress(host="::1", port=6380, database=2)),
        ("redis://host:1?db=3", RedisAddress(host="host", port=1, database=3)),
        ("redis://:pa%23ss%40word@host", RedisAddress(host="host", password="pa#ss@word")),
        ("redis://ann:word@host", RedisAddress(host="host", username="ann", password="word")),
        ("redis://host?socket_timeout=3&health_check_interval=2", RedisAddress(host="host")),
        ("unix://:word@/run/redis.sock?db=1", RedisAddress(path="/run/redis.sock", password="word", database=1)),
    ],
)
def test_urls(url: str, address: RedisAddress) -> None:
    """The forms that the documentation of Redis gives, with what is encoded decoded."""
    assert RedisAddress.parse(url) == address


def test_tls_checks_the_server() -> None:
    """``rediss://`` checks certificate and name unless the URL says otherwise."""
    strict = RedisAddress.parse("rediss://host").tls
    lax = RedisAddress.parse("rediss://host?ssl_cert_reqs=none").tls
    assert strict is not None
    assert lax is not None
    assert (strict.check_hostname, strict.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert (lax.check_hostname, lax.verify_mode) == (False, ssl.CERT_NONE)
    assert RedisAddress.parse("redis://host").tls is None


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret#word@host:6379/0",
        "redis://:secret/word@host",
        "http://secret",
        "redis://host:secret",
        "redis://host?db=secret",
        "rediss://host?ssl_cert_reqs=secret",
        "rediss://host?ssl_ca_certs=/secret",
        "rediss://host?ssl_secret=1",
        "",
    ],
)
def test_an_unusable_url_is_refused(url: str) -> None:
    """What cannot be understood is refused without repeating any of it, the cause included."""
    with pytest.raises(ValueError, match="Redis URL") as caught:
        RedisAddress.parse(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    """At once, and not at the first connection."""
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ValueError, match="Redis URL"):
        RedisAddress.parse(f"rediss://host?ssl_ca_certs={tmp_path}/ca.pem")


def test_nothing_shows_the_password() -> None:
    """Addresses may end up in a traceback."""
    assert "secret" not in repr(RedisAddress.parse("rediss://ann:secret@host"))


def test_another_node_of_the_cluster() -> None:
    """Has the same credentials and trust, and is equal to itself however it was found."""
    seed = RedisAddress.parse("rediss://ann:word@seed:1/0")
    node = seed.at("10.0.0.1", 6379)
    assert (node.host, node.port, node.username, node.password, node.tls) == (
        "10.0.0.1",
        6379,
        "ann",
        "word",
        seed.tls,
    )
    assert len({node, seed.at("other", 5).at("10.0.0.1", 6379)}) == 1
