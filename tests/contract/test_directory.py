"""What every directory promises, held against each of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from signalman.access.tokens import token_hash
from signalman.backends.postgres import FrameworksDirectory
from signalman.errors import BackendUnavailable
from tests.contract.directories import Accounts, MemoryAccounts, PostgresAccounts, new_text, new_token


@pytest.fixture(params=["memory", "postgres"])
async def accounts(request: pytest.FixtureRequest) -> AsyncIterator[Accounts]:
    """Each directory, with the means to fill it."""
    if request.param == "memory":
        yield MemoryAccounts()
        return
    server = request.getfixturevalue("postgres")
    async with FrameworksDirectory(server.dsn("whatever")) as directory:
        yield PostgresAccounts(server, directory)


async def test_a_good_token_has_its_owner(accounts: Accounts) -> None:
    """Token, user, tenant, role and permissions are as the platform has them, and there is no end."""
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    assert await accounts.directory.find_token(token_hash(text)) == token.owner


@pytest.mark.parametrize("text", ["", "0" * 64, "' OR true --", "%", "x" * 10_000])
async def test_an_unknown_hash_has_none(accounts: Accounts, text: str) -> None:
    """Nor has a text that is no hash at all."""
    await accounts.put(new_text(), new_token())
    assert await accounts.directory.find_token(text) is None


async def test_the_text_is_not_the_hash(accounts: Accounts) -> None:
    """A token is not found by its own text, and a hash is not a token."""
    text = new_text()
    await accounts.put(text, new_token())
    assert await accounts.directory.find_token(text) is None
    assert await accounts.directory.find_token(token_hash(token_hash(text))) is None


@pytest.mark.parametrize("flag", ["active", "user_active", "tenant_active"])
@pytest.mark.parametrize("value", [False, None])
async def test_every_flag_must_be_set(accounts: Accounts, flag: str, value: bool | None) -> None:  # noqa: FBT001 # a table
    """A token, user or tenant that is inactive, or whose flag is NULL, opens nothing."""
    text, token = new_text(), new_token()
    changes: dict[str, bool | None] = {flag: value}
    await accounts.put(text, replace(token, **changes))  # type: ignore[arg-type]  # the names are above
    assert await accounts.directory.find_token(token_hash(text)) is None


@pytest.mark.parametrize(
    ("subscription", "good"), [(None, True), ("active", True), ("cancelled", True), ("suspended", False)]
)
async def test_only_suspension_shuts_a_tenant_out(
    accounts: Accounts,
    subscription: str | None,
    good: bool,  # noqa: FBT001 # a table
) -> None:
    """A tenant that has cancelled, or never subscribed, may read; one that is suspended may not."""
    text, token = new_text(), new_token()
    await accounts.put(text, replace(token, subscription=subscription))
    assert await accounts.directory.find_token(token_hash(text)) == (token.owner if good else None)


@pytest.mark.parametrize("seconds", [-1, -86_400])
async def test_an_expired_token_has_no_owner(accounts: Accounts, seconds: float) -> None:
    """From the moment of its expiry on."""
    text = new_text()
    await accounts.put(text, new_token(expires_at=time.time() + seconds))
    assert await accounts.directory.find_token(token_hash(text)) is None


async def test_an_expiry_to_come_is_told(accounts: Accounts) -> None:
    """In Unix seconds, to the microsecond that the platform keeps."""
    text, token = new_text(), new_token(expires_at=time.time() + 3600)
    await accounts.put(text, token)
    found = await accounts.directory.find_token(token_hash(text))
    assert found is not None
    assert found.expires_at == pytest.approx(token.owner.expires_at, abs=2e-6)


async def test_many_ask_at_once(accounts: Accounts) -> None:
    """More than there are connections; each gets its own answer."""
    tokens = {new_text(): new_token() for _ in range(4)}
    for text, token in tokens.items():
        await accounts.put(text, token)
    texts = list(tokens) * 25
    found = await asyncio.gather(*(accounts.directory.find_token(token_hash(text)) for text in texts))
    assert found == [tokens[text].owner for text in texts]


async def test_away_is_not_unknown(accounts: Accounts) -> None:
    """While the server is away a lookup fails, for good tokens and bad ones; afterwards it works at once, however often
    that happens.
    """
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    await accounts.directory.ping()
    for _ in range(2):
        # Several connections lie idle when the server leaves.
        await asyncio.gather(*(accounts.directory.find_token(token_hash(text)) for _ in range(8)))
        accounts.leave()
        for asked in (token_hash(text), "0" * 64):
            with pytest.raises(BackendUnavailable) as away:
                await accounts.directory.find_token(asked)
            assert text not in str(away.value)
        with pytest.raises(BackendUnavailable):
            await accounts.directory.ping()
        accounts.come_back()
        assert await accounts.directory.find_token(token_hash(text)) == token.owner
        await accounts.directory.ping()


async def test_a_restart_that_nobody_saw_hinders_nothing(accounts: Accounts) -> None:
    """Connections that died while they lay idle are replaced within the lookup that finds out."""
    text, token = new_text(), new_token()
    await accounts.put(text, token)
    await asyncio.gather(*(accounts.directory.find_token(token_hash(text)) for _ in range(8)))
    accounts.leave()
    accounts.come_back()
    found = await asyncio.gather(*(accounts.directory.find_token(token_hash(text)) for _ in range(8)))
    assert found == [token.owner] * 8
