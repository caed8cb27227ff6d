"""Public keys out of a document that a real server publishes."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from signalman.access.jwks import Jwks
from signalman.access.jwt import JwtVerifier
from signalman.backends.jwks_fetch import MOST_BYTES, JwksFetch
from signalman.errors import BackendUnavailable, NotAuthenticated
from tests.integration.key_server import KeyServer
from tests.unit.access.key_sets import jwk, key_set
from tests.unit.access.make import NOW, ONE_LEVEL, USER
from tests.unit.access.tokens import CLAIMS, RSA_KEY, claims, sign

KEEP, PAUSE = 300.0, 10.0


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    """Publishes one key, ``k1``."""
    async with KeyServer(key_set(jwk())) as server:
        yield server


def verifier(server: KeyServer) -> JwtVerifier:
    """Takes RS256 with the keys that *server* publishes."""
    keys = Jwks(JwksFetch(server.url, timeout=1), ["RS256"], keep=KEEP, pause=PAUSE)
    return JwtVerifier({"RS256": [keys]}, ONE_LEVEL, CLAIMS)


def token(kid: str | None = "k1", key: object = RSA_KEY) -> str:
    """A good token, signed by *key*."""
    return sign(claims(exp=int(NOW) + 80_000), key=key, algorithm="RS256", headers={"kid": kid} if kid else None)


async def test_a_rotation(server: KeyServer) -> None:
    """A token of a new key is taken at once, with one request; the old key is gone with the document that had it."""
    check = verifier(server)
    assert (await check.verify(token(), NOW)).id == USER
    server.document = key_set(jwk(kid="k2"))
    assert (await check.verify(token("k2"), NOW + PAUSE)).id == USER
    with pytest.raises(NotAuthenticated):
        await check.verify(token(), NOW + PAUSE)
    assert len(server.requests) == 2


async def test_an_outage(server: KeyServer) -> None:
    """Known keys go on working; of an unknown one nobody says that it is bad; and at the end it is taken."""
    check = verifier(server)
    await check.verify(token(), NOW)
    await server.stop()
    now = NOW + KEEP
    assert (await check.verify(token(), now)).id == USER
    with pytest.raises(BackendUnavailable) as away:
        await check.verify(token("k2"), now)
    assert str(server.port) not in str(away.value)
    server.document = key_set(jwk(kid="k2"))
    await server.start()
    assert (await check.verify(token("k2"), now + PAUSE)).id == USER


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("hang", "does not answer in time"),
        ("drip", "does not answer in time"),
        ("endless", "is larger than"),
        ("redirect", "status 302"),
        ("cut", "cannot be reached"),
        ("404 Not Found", "status 404"),
        ("503 Busy", "status 503"),
        ("204 No Content", "status 204"),
        ("nonsense", "cannot be reached"),
    ],
)
async def test_a_server_that_behaves_badly(server: KeyServer, behaviour: str, reason: str) -> None:
    """Costs one bounded request, is followed nowhere, and leaves the keys that were there as they are."""
    server.document = key_set(jwk()).ljust(2000)
    check = verifier(server)
    await check.verify(token(), NOW)
    server.behaviour = behaviour
    with pytest.raises(BackendUnavailable, match=reason) as refused:
        await JwksFetch(server.url, timeout=0.5)()
    assert server.url not in str(refused.value)
    assert (await check.verify(token(), NOW + KEEP)).id == USER
    assert len(server.requests) == 3


async def test_an_answer_of_just_too_many_bytes(server: KeyServer) -> None:
    """The bound holds to the byte, whatever the length says."""
    fetch = JwksFetch(server.url)
    server.document = key_set(jwk()).ljust(MOST_BYTES)
    assert await fetch() == server.document
    server.document += b" "
    with pytest.raises(BackendUnavailable, match="larger"):
        await fetch()


async def test_nothing_is_unpacked(server: KeyServer) -> None:
    """A server that packs although it was asked not to gets nowhere: a small answer cannot become a large one."""
    server.behaviour = "gzip"
    check = verifier(server)
    with pytest.raises(BackendUnavailable):
        await check.verify(token(), NOW)
    assert "Accept-Encoding: identity" in server.requests[0]


async def test_a_request_carries_nothing_of_ours(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credential and no cookie, whatever tokens say; and it goes to where it was sent, past any proxy."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await verifier(server).verify(token(), NOW)
    (request,) = server.requests
    assert request.startswith("GET /jwks.json HTTP/1.1\r\n")
    assert not [name for name in ("authorization", "cookie", "k1", USER) if name in request.lower()]


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server for ``localhost`` needs, and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "ca.pem", folder / "key.pem"
    public.write_bytes(signed.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return context, public


async def test_tls(tmp_path: Path) -> None:
    """The configured authority vouches for the server; without it, and for another name, nothing is read."""
    context, ca_file = certificate(tmp_path)
    async with KeyServer(key_set(jwk()), tls=context) as server:
        assert await JwksFetch(server.url, ca_file=str(ca_file))() == server.document
        for url, trusted in ((server.url, ""), (server.url.replace("localhost", "127.0.0.1"), str(ca_file))):
            with pytest.raises(BackendUnavailable, match="cannot be reached"):
                await JwksFetch(url, ca_file=trusted)()


def test_a_file_of_authorities_that_holds_none(tmp_path: Path) -> None:
    """Is told when it is read, and not when the first token comes."""
    (tmp_path / "ca.pem").write_text("nothing")
    for file in ("ca.pem", "missing.pem"):
        with pytest.raises(OSError):
            JwksFetch("https://localhost/", ca_file=str(tmp_path / file))
