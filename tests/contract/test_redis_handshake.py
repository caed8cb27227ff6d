"""How a Redis connection begins: passwords, TLS, Unix sockets, and servers that are not ready, or not Redis."""

import asyncio
import datetime as dt
import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis import Redis as BlockingClient
from redis.asyncio import Redis as Client
from structlog.testing import capture_logs

from tests.contract.channel_listening import (
    Heard,
    ScriptedRedis,
    array,
    as_redis,
    nothing,
    subscribe,
    subscribing,
    until,
)
from tests.servers import MissingServerError, Redis, find_redis_7, free_port

SECRET = "hunter2"


async def heard_through(url: str, *, publisher: str) -> list[bytes]:
    """Subscribe at *url*, and return what is heard of a message that is published at *publisher*."""
    heard = Heard()
    async with subscribing(url, heard) as subscriber, Client.from_url(publisher, protocol=2) as client:
        await subscribe(subscriber, [b"channel"])
        await client.publish("channel", b"x")
        await until(lambda: heard.messages)
    return heard.data(b"channel")


async def reason_of_loss(url: str) -> str:
    """Why the subscriber says that it cannot connect to *url*. Nothing it says holds the password."""
    heard = Heard()
    with capture_logs() as logs:
        async with subscribing(url, heard, silence_limit=1.0) as subscriber:
            await until(lambda: heard.losses)
            assert not subscriber.up
    assert SECRET not in str(logs)
    assert "127.0.0.1" not in str(logs)
    (entry,) = [entry for entry in logs if entry["event"] == "redis_lost"]
    return str(entry["reason"])


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Redis]:
    """A Redis with a password, another user, and a Unix socket."""
    try:
        server = Redis(tmp_path / "redis", config={"unixsocket": str(tmp_path / "socket")})
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with server:
        with BlockingClient.from_url(server.url) as client:
            client.acl_setuser("ann", enabled=True, passwords=[f"+{SECRET}2"], commands=["+@all"], channels=["*"])
            client.config_set("requirepass", SECRET)
        yield server


@pytest.mark.parametrize("who", [f":{SECRET}@", f"default:{SECRET}@", f"ann:{SECRET}2@"])
async def test_passwords_open_the_door(guarded: Redis, who: str) -> None:
    """The default user's password, alone or with the name, and that of a named user."""
    url = f"redis://{who}127.0.0.1:{guarded.port}/3"
    assert await heard_through(url, publisher=url) == [b"x"]


async def test_a_unix_socket_will_do(guarded: Redis) -> None:
    """A socket in the file system in place of host and port."""
    url = f"unix://:{SECRET}@{guarded.folder.parent}/socket"
    assert await heard_through(url, publisher=url) == [b"x"]


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("", "the server refuses (NOAUTH)"),
        (f":{SECRET}-not@", "the server refuses (WRONGPASS)"),
        (f"bob:{SECRET}@", "the server refuses (WRONGPASS)"),
    ],
)
async def test_a_wrong_password_is_said(guarded: Redis, who: str, reason: str) -> None:
    """Without a password, or with a wrong one, the log says so, and never the password."""
    assert await reason_of_loss(f"redis://{who}127.0.0.1:{guarded.port}") == reason


async def test_nobody_there() -> None:
    """A port that nobody listens on."""
    url = f"redis://:{SECRET}@127.0.0.1:{free_port()}"
    assert await reason_of_loss(url) == "could not connect (ConnectionRefusedError)"


def always(reply: bytes) -> Callable[[list[bytes]], bytes]:
    """A server that knows one answer."""
    return lambda _: reply


def in_reply_to(name: bytes, reply: bytes) -> Callable[[list[bytes]], bytes]:
    """A Redis that gives another reply to one command."""
    return lambda command: reply if command[0] == name else as_redis(command)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (always(b"-LOADING Redis is loading the dataset in memory\r\n"), "the server refuses (LOADING)"),
        (always(b"-ERR unknown command `AUTH`, with args beginning with: `hunter2`\r\n"), "the server refuses (ERR)"),
        (always(b"-hunter2\r\n"), "the server refuses"),
        (always(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "the server does not speak Redis"),
        (always(b"+OK\r\n"), "the server does not speak Redis"),
        (always(b"*1\r\n$4\r\nPONG\r\n"), "the server does not speak Redis"),
        (always(b""), "no answer within 1 s"),
        (in_reply_to(b"PING", b"+PONG\r\nnonsense\r\n"), "the server does not speak Redis"),
    ],
)
async def test_a_server_that_is_not_ready_or_not_redis(answer: Callable[[list[bytes]], bytes], reason: str) -> None:
    """Whatever a server says instead of a welcome is a failed attempt, of which the log gives the kind and no text."""
    async with ScriptedRedis(answer).serving() as server:
        assert await reason_of_loss(f"redis://:{SECRET}@127.0.0.1:{server.port}") == reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"-NOPERM this user has no permissions to access one of the channels\r\n", "the server refuses (NOPERM)"),
        (b"nonsense\r\n", "the server does not speak Redis"),
    ],
)
async def test_a_refused_subscription_is_a_loss(reply: bytes, reason: str) -> None:
    """A server that lets us in and takes no subscription is tried again, and the log says why."""
    heard = Heard()
    with capture_logs() as logs:
        async with (
            ScriptedRedis(in_reply_to(b"SUBSCRIBE", reply)).serving() as server,
            subscribing(server.url, heard) as subscriber,
        ):
            waiting = asyncio.create_task(subscriber.acknowledged(b"channel", nothing))
            await until(lambda: server.commands.count([b"SUBSCRIBE", b"channel"]) == 3)
            waiting.cancel()
            await asyncio.wait([waiting])
    assert [entry["reason"] for entry in logs if entry["event"] == "redis_lost"] == [reason]
    assert heard.losses == 1


async def test_nothing_is_delivered_after_a_loss() -> None:
    """What came in the same breath as the end of a connection, behind it, is not heard: the loss has been told, and a
    later message would hide it.
    """
    heard = Heard()
    heard_at_loss: list[int] = []
    heard.lost = lambda: heard_at_loss.append(len(heard.messages))  # type: ignore[method-assign]  # looks at the moment
    first, second = (array(b"message", b"channel", data) for data in (b"1", b"2"))
    async with ScriptedRedis(as_redis).serving() as server, subscribing(server.url, heard) as subscriber:
        await subscribe(subscriber, [b"channel"])
        server.say(first + b"-ERR the end\r\n" + second)
        await until(lambda: heard.restorations)
        assert heard.data(b"channel") == [b"1"]
        assert heard_at_loss == [1]
        server.say(second)
        await until(lambda: heard.data(b"channel") == [b"1", b"2"])


async def test_what_nobody_subscribed_is_not_heard() -> None:
    """Messages of a channel that was withdrawn, or never wanted, and replies of another form are passed over."""
    heard = Heard()
    async with ScriptedRedis(as_redis).serving() as server, subscribing(server.url, heard) as subscriber:
        await subscribe(subscriber, [b"channel", b"withdrawn"])
        subscriber.withdraw(b"withdrawn")
        for channel in (b"withdrawn", b"unknown", b"channel"):
            server.say(array(b"message", channel, b"x") + array(b"pmessage", b"*", channel, b"x") + b":1\r\n")
        await until(lambda: heard.messages)
    assert heard.messages == [(b"channel", b"x")]


async def test_commands_are_sent_together_and_are_not_too_long() -> None:
    """What is wanted in one turn of the loop goes out in one write, in commands of 500 channels at most; so it is after
    a reconnect, and when all of it is withdrawn.
    """
    heard = Heard()
    channels = [b"%d" % number for number in range(1_200)]
    async with ScriptedRedis(as_redis).serving() as server, subscribing(server.url, heard) as subscriber:
        await subscribe(subscriber, [b"warm-up"])

        def sizes(name: bytes) -> list[int]:
            return [len(command) - 1 for command in server.commands if command[0] == name]

        server.commands.clear()
        await subscribe(subscriber, channels)
        assert sizes(b"SUBSCRIBE") == [500, 500, 200]
        server.commands.clear()
        server.say(b"-ERR the end\r\n")
        await until(lambda: heard.restorations)
        assert sizes(b"SUBSCRIBE") == [500, 500, 201]
        for channel in channels:
            subscriber.withdraw(channel)
        await until(lambda: len(sizes(b"UNSUBSCRIBE")) == 3)
        assert sizes(b"UNSUBSCRIBE") == [500, 500, 200]
        assert max(server.reads) >= 3


class Authority:
    """A certificate authority, and a server's certificate from it, as files in *folder*."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.ca, self.certificate, self.key = (folder / name for name in ("ca.pem", "server.pem", "server.key"))
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("Test authority", ca_key, ca_key, "Test authority", authority=True)
        certificate = _certificate("server", key, ca_key, "Test authority", authority=False)
        self.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    authority: bool,
) -> x509.Certificate:
    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(called(name)).issuer_name(called(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    home = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return builder.add_extension(home, critical=False).sign(issuer_key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The authority that signed the certificate of `encrypted`."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def encrypted(tmp_path: Path, authority: Authority) -> Iterator[str]:
    """The encrypted port of a Redis, as host:port."""
    port = free_port()
    try:
        server = Redis(
            tmp_path / "redis",
            program=find_redis_7(),
            config={
                "tls-port": str(port),
                "tls-cert-file": str(authority.certificate),
                "tls-key-file": str(authority.key),
                "tls-ca-cert-file": str(authority.ca),
                "tls-auth-clients": "no",
            },
        )
    except MissingServerError as missing:
        pytest.skip(str(missing))
    with server:
        yield f"127.0.0.1:{port}"


def test_tls_with_an_authority_of_ones_own(encrypted: str, authority: Authority) -> None:
    """``rediss://`` with ``ssl_ca_certs`` encrypts, on either event loop."""
    url = f"rediss://{encrypted}?ssl_ca_certs={authority.ca}"
    for new_loop in (asyncio.new_event_loop, uvloop.new_event_loop):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            assert runner.run(heard_through(url, publisher=url)) == [b"x"]


async def test_an_unknown_authority_is_refused(encrypted: str, tmp_path: Path) -> None:
    """A certificate that nobody trusted has signed is a failed attempt, the system's trust or another file's."""
    stranger = Authority(tmp_path / "stranger")
    for trust in ("", f"?ssl_ca_certs={stranger.ca}"):
        assert await reason_of_loss(f"rediss://{encrypted}{trust}") == "could not connect (SSLCertVerificationError)"


async def test_plain_text_to_an_encrypted_port(encrypted: str) -> None:
    """A forgotten s in the URL is a failed attempt and not a wait."""
    assert await reason_of_loss(f"redis://{encrypted}") != "no answer within 1 s"
