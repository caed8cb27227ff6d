"""Static accounts."""

import pytest

from signalman.access.accounts import Account, Accounts
from signalman.channel import ScopeLevel
from signalman.errors import NotAuthenticated
from signalman.principal import Principal
from tests.unit.access.make import NOW, ONE_LEVEL, OTHER, TENANT

ACCOUNT = Account(name="dev", token="dev.token.1", scope=(TENANT,), role="owner")


async def test_an_account_becomes_its_principal() -> None:
    """With role, permissions and the right to see the platform's own as configuration says, and no more than that."""
    full = Account(name="op", token="op", scope=(OTHER,), role="r", permissions=frozenset({"a:read"}), operator=True)
    accounts = Accounts([ACCOUNT, full], ONE_LEVEL)

    assert await accounts.authenticate(ACCOUNT.token, NOW) == Principal(
        "account", "dev", (TENANT,), frozenset({"owner"})
    )
    assert await accounts.authenticate("op", NOW) == Principal(
        "account", "op", (OTHER,), frozenset({"r"}), frozenset({"a:read"}), operator=True
    )


async def test_another_token_is_nobodys() -> None:
    """It is not taken, and refused all the same."""
    accounts = Accounts([ACCOUNT], ONE_LEVEL)
    assert accounts.takes(ACCOUNT.token)
    assert not accounts.takes("dev.token.2")
    with pytest.raises(NotAuthenticated) as refused:
        await accounts.authenticate("dev.token.2", NOW)
    assert refused.value.code == "token_invalid"


async def test_who_is_connected_is_looked_at_in_this_configuration() -> None:
    """At another gateway, where a ticket was issued, it may be another: there is no such account, or elsewhere."""
    there = await Accounts([ACCOUNT], ONE_LEVEL).authenticate(ACCOUNT.token, NOW)
    richer = Account(name="dev", token="other", scope=(TENANT,), role="admin")
    moved = Account(name="dev", token="other", scope=(OTHER,))

    assert await Accounts([ACCOUNT], ONE_LEVEL).recheck([there], NOW) == {there: there}
    found = (await Accounts([richer], ONE_LEVEL).recheck([there], NOW))[there]
    assert found is not None
    assert found.roles == {"admin"}
    assert await Accounts([moved], ONE_LEVEL).recheck([there], NOW) == {there: None}
    assert await Accounts([], ONE_LEVEL).recheck([there], NOW) == {there: None}


def test_only_accounts_are_its_own() -> None:
    """Also where somebody else has the same id."""
    accounts = Accounts([ACCOUNT], ONE_LEVEL)
    assert accounts.made(Principal("account", "x", (TENANT,)))
    assert not accounts.made(Principal("user", "dev", (TENANT,)))


def test_accounts_keep_no_token() -> None:
    """Neither an account's text form nor what is kept of it holds the token."""
    assert ACCOUNT.token not in repr(ACCOUNT)
    assert ACCOUNT.token not in repr(vars(Accounts([ACCOUNT], ONE_LEVEL)))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"token": ""},
        {"token": "has space"},
        {"token": " leading"},
        {"token": "\u00e9"},
        {"scope": ()},
        {"scope": ("",)},
        {"scope": ("demo",)},
        {"scope": (TENANT, TENANT)},
        {"name": "first"},
        {"token": "first-token"},
    ],
    ids=range(11),
)
def test_an_account_must_be_whole(changes: dict[str, object]) -> None:
    """A mistake is named when the process starts, by the account's name and without its token."""
    first = Account(name="first", token="first-token", scope=(OTHER,))
    fields: dict[str, object] = {"name": "second", "token": "second-token", "scope": (TENANT,)} | changes
    with pytest.raises(ValueError, match="account") as refused:
        Accounts([first, Account(**fields)], ONE_LEVEL)  # type: ignore[arg-type]  # wrong on purpose
    assert "-token" not in str(refused.value)


def test_a_scope_that_is_wanted_is_told() -> None:
    """Level by level, with what each looks like."""
    levels = (*ONE_LEVEL, ScopeLevel("room", "string", "room"))
    with pytest.raises(ValueError, match=r"account 'dev' needs a scope: tenant \(uuid\), room \(string\)$"):
        Accounts([ACCOUNT], levels)


def test_an_accounts_scope_is_brought_into_its_one_form() -> None:
    """As written in a file, a UUID may have capitals."""
    principal = Accounts([Account(name="a", token="t", scope=(TENANT.upper(),))], ONE_LEVEL).find("t")
    assert principal is not None
    assert principal.scope == (TENANT,)
