"""Configuration, pack and directory → who may connect."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from signalman.access.authenticator import Authenticator
from signalman.access_ports import Directory, Holder
from signalman.access_rules import TokenScheme
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from signalman.backends.memory_tickets import MemoryTickets
from signalman.catalog import default_folder
from signalman.catalog import load as load_catalog
from signalman.channel import Catalog
from signalman.compose.access import access
from signalman.config import load
from signalman.errors import ConfigError, NotAuthenticated
from signalman.metrics import Metrics
from tests.unit.access.make import SECRET, TENANT, USER, holder
from tests.unit.access.tokens import RSA_KEY, claims, pem, sign
from tests.unit.config.sample import written

PACK = load_catalog(default_folder("frameworks"))
DEMO = "fw_0000000000000000000000000000000000000000000000000000000000demo01"
STORED = PasswordHasher(memory_cost=2048, time_cost=1, parallelism=1).hash("s")
OPERATOR = "platform_operator"


@pytest.fixture
def directory() -> MemoryDirectory:
    """Knows one of each."""
    directory = MemoryDirectory()
    directory.put_token(DEMO, MemoryAccount(holder=holder("streams:read", roles=frozenset({OPERATOR}))))
    directory.put_key(MemoryAccount(holder=holder("streams:read", id="tfk-1", secret_hash=STORED)))
    directory.put_user(MemoryAccount(holder=Holder(USER, (TENANT,), frozenset({OPERATOR}))))
    return directory


def door(
    environ: dict[str, str] | None = None,
    directory: Directory | None = None,
    pack: Catalog = PACK,
    path: Path | None = None,
) -> Authenticator:
    """What is built out of these."""
    return access(load(path, environ or {}), pack, directory, MemoryTickets(), Metrics())


def jwt(key: object = SECRET, algorithm: str = "HS256") -> str:
    """A good one, by the real clock."""
    now = int(time.time())
    return sign(claims(iat=now, exp=now + 600), key=key, algorithm=algorithm)


async def taken(door: Authenticator, credential: str) -> bool:
    """Whether somebody is behind *credential*."""
    try:
        await door.authenticate(credential)
    except NotAuthenticated:
        return False
    return True


async def test_by_default_nobody_is_known() -> None:
    """No secret, no directory, no accounts: no way in."""
    for credential in (jwt(), DEMO, "tfk-1.s", "dev"):
        assert not await taken(door(), credential)


async def test_the_packs_tokens_are_those_that_are_taken(directory: MemoryDirectory) -> None:
    """FrameWorks' ``fw_…``, without its owner's rights over the platform; split ones where a pack has them."""
    found = await door({}, directory).authenticate(DEMO)
    assert (found.kind, found.operator) == ("token", False)
    assert not await taken(door({}, directory), "tfk-1.s")

    split = replace(PACK, access=replace(PACK.access, tokens=(TokenScheme("split", "tfk-"),)))
    assert await taken(door({}, directory, split), "tfk-1.s")
    assert not await taken(door({}, directory, split), "tfk-1.wrong")
    assert not await taken(door({}, directory, split), DEMO)
    assert not await taken(door({}, MemoryDirectory(knows=frozenset({"users"})), split), "tfk-1.s")


async def test_a_hash_that_needs_more_memory_than_allowed_opens_nothing(directory: MemoryDirectory) -> None:
    """`access.argon2_memory_kib` is in effect."""
    split = replace(PACK, access=replace(PACK.access, tokens=(TokenScheme("split", "tfk-"),)))
    environ = {"SIGNALMAN_ACCESS__ARGON2_MEMORY_KIB": "1024"}
    assert not await taken(door(environ, directory, split), "tfk-1.s")


async def test_people_come_by_the_shared_secret_or_by_a_published_key(
    directory: MemoryDirectory, tmp_path: Path
) -> None:
    """And by nothing else; their account decides, and configuration whether an operator is one."""
    shared = {"JWT_SECRET": SECRET}
    assert (await door(shared).authenticate(jwt())).roles == {"owner", OPERATOR}
    assert not (await door(shared, directory).authenticate(jwt())).operator
    operators = shared | {"SIGNALMAN_ACCESS__PLATFORM_OPERATORS": "true"}
    assert (await door(operators, directory).authenticate(jwt())).operator
    assert not await taken(door(shared, MemoryDirectory()), jwt())

    (tmp_path / "key.pem").write_bytes(pem(RSA_KEY.public_key()))
    public = written(tmp_path, f"[access]\njwt_algorithms = ['RS256']\njwt_public_keys = ['{tmp_path}/key.pem']\n")
    assert await taken(door(path=public), jwt(RSA_KEY, "RS256"))
    assert not await taken(door(path=public), jwt())


async def test_accounts_are_as_they_are_written(tmp_path: Path) -> None:
    """With role, permissions and the right to see the platform's own."""
    account = f"[[access.accounts]]\nname = 'dev'\ntoken = 'dev'\nscope = ['{TENANT}']\n"
    plain = await door(path=written(tmp_path, account)).authenticate("dev")
    assert (plain.roles, plain.permissions, plain.operator) == (frozenset({"member"}), None, False)
    more = account + "role = 'owner'\npermissions = ['streams:read']\noperator = true\n"
    full = await door(path=written(tmp_path, more)).authenticate("dev")
    assert (full.roles, full.permissions, full.operator) == (frozenset({"owner"}), frozenset({"streams:read"}), True)


def test_an_account_that_cannot_be_used_is_a_fault(tmp_path: Path) -> None:
    """Told as such, and without its token, where the pack was not asked before."""
    path = written(tmp_path, "[[access.accounts]]\nname = 'dev'\ntoken = 'tok-en'\nscope = ['x']\n")
    with pytest.raises(ConfigError, match=r"access\.accounts: account 'dev' needs a scope") as caught:
        door(path=path)
    assert "tok-en" not in str(caught.value)


async def test_tickets_are_good_for_as_long_as_configured() -> None:
    """`access.ticket_seconds` is in effect."""
    made = door({"JWT_SECRET": SECRET, "SIGNALMAN_ACCESS__TICKET_SECONDS": "7"})
    ticket, seconds = await made.issue_ticket(await made.authenticate(jwt()))
    assert seconds == 7.0
    assert await taken(made, ticket)
