"""What every directory promises, held against each of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from signalman.access.tokens import token_hash
from signalman.access_ports import Holder
from signalman.backends.memory_directory import MemoryAccount
from signalman.errors import BackendUnavailable
from signalman.notice import EVERYBODY, notice
from tests.contract.directories import (
    OPERATOR,
    Accounts,
    MemoryAccounts,
    PostgresAccounts,
    following,
    frameworks_directory,
    new_account,
    new_text,
    new_user,
)

NOBODY = "0" * 64


@pytest.fixture(params=["memory", "postgres"])
async def accounts(request: pytest.FixtureRequest) -> AsyncIterator[Accounts]:
    """Each directory, with the means to fill it."""
    if request.param == "memory":
        yield MemoryAccounts()
        return
    server = request.getfixturevalue("postgres")
    async with frameworks_directory(server.dsn("postgres")) as directory:
        yield PostgresAccounts(server, directory)


async def token(accounts: Accounts, account: MemoryAccount) -> Holder | None:
    """What is found of *account*, stored as a token of its own."""
    text = new_text()
    await accounts.put_tokens({text: account})
    return (await accounts.directory.tokens([token_hash(text)])).get(token_hash(text))


async def user(accounts: Accounts, account: MemoryAccount) -> Holder | None:
    """What is found of *account*, stored as a user."""
    await accounts.put_user(account)
    return (await accounts.directory.users([account.holder.id])).get(account.holder.id)


async def test_it_says_what_it_knows(accounts: Accounts) -> None:
    """FrameWorks has tokens and users; what a directory does not know it finds nothing of."""
    assert accounts.directory.knows >= {"tokens", "users"}
    assert await accounts.directory.keys(["tfk-0123456789abcdef"]) == {}


async def test_a_good_token_has_its_holder(accounts: Accounts) -> None:
    """Token, user, tenant, role and permissions are as the platform has them, and there is no end."""
    good = new_account()
    assert await token(accounts, good) == good.holder


@pytest.mark.parametrize("roles", [{"admin"}, {"admin", OPERATOR}])
async def test_a_good_user_is_found(accounts: Accounts, roles: set[str]) -> None:
    """With the role that it has now, and whether it runs the platform; no permission limits it."""
    good = new_user(roles=frozenset(roles))
    assert await user(accounts, good) == good.holder


@pytest.mark.parametrize("asked", ["", NOBODY, "' OR true --", "%", "x" * 10_000, "a\0b", "\ud800", "{a,b}", "NULL"])
async def test_an_unknown_id_is_not_found(accounts: Accounts, asked: str) -> None:
    """Nor is a text that can be no id at all, and those who are asked for together with it are found all the same."""
    text, good, person = new_text(), new_account(), new_user()
    await accounts.put_tokens({text: good})
    await accounts.put_user(person)
    assert await accounts.directory.tokens([asked, token_hash(text)]) == {token_hash(text): good.holder}
    assert await accounts.directory.users([asked, person.holder.id]) == {person.holder.id: person.holder}
    assert await accounts.directory.keys([asked]) == {}


async def test_nobody_asked_for_is_nobody_found(accounts: Accounts) -> None:
    """An empty list is not everybody."""
    await accounts.put_tokens({new_text(): new_account()})
    assert await accounts.directory.tokens([]) == {}
    assert await accounts.directory.users([]) == {}


async def test_the_text_is_not_the_digest(accounts: Accounts) -> None:
    """A token is not found by its own text or id, and a digest is not a token."""
    text, good = new_text(), new_account()
    await accounts.put_tokens({text: good})
    asked = [text, good.holder.id, token_hash(token_hash(text)), token_hash(text).upper()]
    assert await accounts.directory.tokens(asked) == {}


@pytest.mark.parametrize("flag", ["active", "user_active", "tenant_active"])
@pytest.mark.parametrize("value", [False, None])
async def test_every_flag_must_be_set(accounts: Accounts, flag: str, value: bool | None) -> None:  # noqa: FBT001 # a table
    """A token, user or tenant that is inactive, or whose flag is NULL, opens nothing."""
    changes: dict[str, Any] = {flag: value}
    assert await token(accounts, replace(new_account(), **changes)) is None
    if flag != "user_active":  # a user's own flag is `active`
        assert await user(accounts, replace(new_user(), **changes)) is None


@pytest.mark.parametrize(
    ("subscription", "good"), [(None, True), ("active", True), ("cancelled", True), ("suspended", False)]
)
async def test_only_suspension_shuts_a_tenant_out(
    accounts: Accounts,
    subscription: str | None,
    good: bool,  # noqa: FBT001 # a table
) -> None:
    """A tenant that has cancelled, or never subscribed, may read; one that is suspended may not."""
    api_token, person = (replace(each, subscription=subscription) for each in (new_account(), new_user()))
    assert await token(accounts, api_token) == (api_token.holder if good else None)
    assert await user(accounts, person) == (person.holder if good else None)


async def test_only_tenants_in_good_standing_are_told(accounts: Accounts) -> None:
    """Those that are active and not suspended, out of all that were asked for; nobody else, and nobody unasked."""
    good, inactive, suspended, unasked = (new_user() for _ in range(4))
    await accounts.put_user(good)
    await accounts.put_user(replace(inactive, tenant_active=False))
    await accounts.put_user(replace(suspended, subscription="suspended"))
    await accounts.put_user(unasked)
    asked = [each.holder.scope[0] for each in (good, inactive, suspended, new_user())]
    assert set(await accounts.directory.scopes([*asked, "", "\0"])) == {asked[0]}
    assert not set(await accounts.directory.scopes([]))


@pytest.mark.parametrize("seconds", [-1, -86_400])
async def test_an_expired_token_has_no_holder(accounts: Accounts, seconds: float) -> None:
    """From the moment of its expiry on."""
    assert await token(accounts, new_account(expires_at=time.time() + seconds)) is None


async def test_an_expiry_to_come_is_told(accounts: Accounts) -> None:
    """In Unix seconds, to the microsecond that the platform keeps."""
    expires_at = time.time() + 3600
    found = await token(accounts, new_account(expires_at=expires_at))
    assert found is not None
    assert found.expires_at == pytest.approx(expires_at, abs=2e-6)


async def test_thousands_are_asked_for_at_once(accounts: Accounts) -> None:
    """Of two thousand tokens of as many tenants exactly those that are good are found, each under its own digest."""
    bad: list[dict[str, Any]] = [
        {"active": False},
        {"active": None},
        {"user_active": False},
        {"tenant_active": None},
        {"subscription": "suspended"},
    ]
    tokens = {new_text(): replace(new_account(), **(bad[i // 2 % len(bad)] if i % 2 else {})) for i in range(2000)}
    await accounts.put_tokens(tokens)
    found = await accounts.directory.tokens([*map(token_hash, tokens), *(f"{i:064x}" for i in range(500))])
    assert found == {token_hash(text): each.holder for i, (text, each) in enumerate(tokens.items()) if i % 2 == 0}


async def test_one_tenant_has_many_tokens(accounts: Accounts) -> None:
    """Holders of the same scope do not stand in each other's way, however often they are asked for."""
    one = new_account()
    other = new_account(scope=one.holder.scope)
    texts = [new_text(), new_text()]
    await accounts.put_tokens({texts[0]: one, texts[1]: other})
    again = [token_hash(each) for each in (*texts, *texts)]
    assert await accounts.directory.tokens(again) == dict(zip(again, (one.holder, other.holder), strict=False))


async def test_many_ask_at_once(accounts: Accounts) -> None:
    """More than there are connections; each gets its own answer."""
    tokens = {new_text(): new_account() for _ in range(4)}
    await accounts.put_tokens(tokens)
    texts = list(tokens) * 25
    found = await asyncio.gather(*(accounts.directory.tokens([token_hash(text)]) for text in texts))
    assert found == [{token_hash(text): tokens[text].holder} for text in texts]


async def test_away_is_not_unknown(accounts: Accounts) -> None:
    """While the server is away a look-up fails, for good tokens and bad ones; afterwards it works at once, however
    often that happens.
    """
    text, good = new_text(), new_account()
    await accounts.put_tokens({text: good})
    await accounts.directory.ping()
    for _ in range(2):
        # Several connections lie idle when the server leaves.
        await asyncio.gather(*(accounts.directory.tokens([token_hash(text)]) for _ in range(8)))
        accounts.leave()
        for asked in (token_hash(text), NOBODY):
            with pytest.raises(BackendUnavailable) as away:
                await accounts.directory.tokens([asked])
            assert asked not in str(away.value)
        with pytest.raises(BackendUnavailable):
            await accounts.directory.users([good.holder.id])
        with pytest.raises(BackendUnavailable):
            await accounts.directory.ping()
        accounts.come_back()
        assert await accounts.directory.tokens([token_hash(text)]) == {token_hash(text): good.holder}
        await accounts.directory.ping()


async def test_a_restart_that_nobody_saw_hinders_nothing(accounts: Accounts) -> None:
    """Connections that died while they lay idle are replaced within the look-up that finds out."""
    text, good = new_text(), new_account()
    await accounts.put_tokens({text: good})
    await asyncio.gather(*(accounts.directory.tokens([token_hash(text)]) for _ in range(8)))
    accounts.leave()
    accounts.come_back()
    found = await asyncio.gather(*(accounts.directory.tokens([token_hash(text)]) for _ in range(8)))
    assert found == [{token_hash(text): good.holder}] * 8


async def test_changes_begin_with_everybody(accounts: Accounts) -> None:
    """Then what the database says of a token, a user and a scope is told, in its order."""
    ids = [new_account().holder.id for _ in range(3)]
    async with following(accounts.directory) as follower:
        assert await follower.next() == EVERYBODY
        await accounts.tell("token", ids[0])
        assert await follower.next() == notice("token", ids[0])
        await accounts.tell("user", ids[1])
        assert await follower.next() == notice("user", ids[1])
        await accounts.tell("scope", ids[2])
        assert await follower.next() == notice("scope", ids[2])
        await accounts.tell("scope", *ids)
        assert await follower.next() == notice("scope", *ids)


async def test_whoever_follows_is_told(accounts: Accounts) -> None:
    """Two who follow hear the same, and one who leaves takes nothing from the other."""
    async with following(accounts.directory) as stays:
        assert await stays.next() == EVERYBODY
        async with following(accounts.directory) as leaves:
            assert await leaves.next() == EVERYBODY
            await accounts.tell("token", "one")
            assert [await stays.next(), await leaves.next()] == [notice("token", "one")] * 2
        await accounts.tell("token", "other")
        assert await stays.next() == notice("token", "other")


async def test_a_server_that_was_away_concerns_everybody(accounts: Accounts) -> None:
    """What it said meanwhile is lost: once it is heard again, everybody is to be looked at; then it tells as before."""
    async with following(accounts.directory) as follower:
        assert await follower.next() == EVERYBODY
        accounts.leave()
        accounts.come_back()
        assert await follower.next() == EVERYBODY
        await accounts.tell("token", "after")
        assert await follower.next() == notice("token", "after")
