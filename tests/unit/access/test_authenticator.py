"""Accounts, API tokens and JWTs behind one door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.accounts import Account, Accounts
from signalman.access.authenticator import Authenticator
from signalman.access.jwt import JwtVerifier, mint
from signalman.access.tokens import ApiTokens, token_hash
from signalman.backends.memory_directory import MemoryDirectory, MemoryToken
from signalman.errors import BackendUnavailable, NotAuthenticated
from signalman.ports import TokenOwner
from signalman.principal import Principal
from tests.unit.access.make import NOW, ONE_LEVEL, OTHER, SECRET, TENANT, USER, owner

API_TOKEN = "fw_0000000000000000000000000000000000000000000000000000000000demo01"
ACCOUNT = Account(name="dev", token="dev.token.1", scope=(TENANT,), role="owner")


class Counting(MemoryDirectory):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.asked: list[str] = []

    async def find_token(self, sha256_hex: str) -> TokenOwner | None:
        """Count, then look."""
        self.asked.append(sha256_hex)
        return await super().find_token(sha256_hex)


@pytest.fixture
def directory() -> Counting:
    """Knows one token."""
    directory = Counting()
    directory.put(API_TOKEN, MemoryToken(owner=owner("streams:read", expires_at=NOW + 60)))
    return directory


@pytest.fixture
def authenticator(directory: Counting) -> Authenticator:
    """Takes all three kinds."""
    return Authenticator(
        jwt=JwtVerifier(SECRET, ONE_LEVEL), tokens=ApiTokens(directory), accounts=Accounts([ACCOUNT], ONE_LEVEL)
    )


async def refusal(authenticator: Authenticator, credential: str) -> NotAuthenticated:
    """How *credential* is refused; the text must not hold it."""
    with pytest.raises(NotAuthenticated) as refused:
        await authenticator.authenticate(credential, NOW)
    assert len(credential) < 8 or credential not in str(refused.value)
    return refused.value


def test_the_hash_is_the_platforms() -> None:
    """SHA-256 of the whole text; the value is the one in the platform's demo data."""
    assert token_hash(API_TOKEN) == "807a534c30fd84d3544bd6ee5f8b1c4426596a9c8c360b92caf7b667c25db8d8"


async def test_each_kind_becomes_its_principal(authenticator: Authenticator) -> None:
    """An account, an API token and a JWT are told apart by form, an account even where it looks like a JWT."""
    minted = mint(SECRET, ONE_LEVEL, user_id=USER, scope=(OTHER,), now=NOW)
    roles = frozenset({"owner"})
    assert await authenticator.authenticate(ACCOUNT.token, NOW) == Principal("account", "dev", (TENANT,), roles)
    assert await authenticator.authenticate(API_TOKEN, NOW) == Principal(
        "token", "t-1", (TENANT,), roles, permissions=frozenset({"streams:read"}), expires_at=NOW + 60
    )
    assert await authenticator.authenticate(minted, NOW) == Principal(
        "user", USER, (OTHER,), frozenset({"member"}), expires_at=int(NOW) + 900 + 10
    )


async def test_an_expired_jwt_is_told_so(authenticator: Authenticator) -> None:
    """A client then knows to fetch a new one."""
    minted = mint(SECRET, ONE_LEVEL, user_id=USER, scope=(TENANT,), now=NOW - 3600)
    assert (await refusal(authenticator, minted)).code == "token_expired"


@pytest.mark.parametrize(
    "credential",
    [
        "",
        " ",
        "x",
        "fw_",
        "fw_unknown",
        "dev.token.2",
        "dev.token.1 ",
        "a.b.c",
        "a.b.c.d",
        "\ud800",
        "fw_\u00e9",
        "a\x00b",
    ],
)
async def test_whatever_else_comes_is_refused(authenticator: Authenticator, credential: str) -> None:
    """With one code, which never repeats what came."""
    assert (await refusal(authenticator, credential)).code == "token_invalid"


@pytest.mark.parametrize(
    "credential", ["fw_", "FW_" + "0" * 64, "fw_a b", "fw_" + "0" * 198, "fw_\x7f", " " + API_TOKEN]
)
async def test_the_directory_is_not_asked_about_nonsense(
    authenticator: Authenticator, directory: Counting, credential: str
) -> None:
    """The form is checked before any lookup."""
    await refusal(authenticator, credential)
    assert directory.asked == []


async def test_the_directory_sees_hashes_only(authenticator: Authenticator, directory: Counting) -> None:
    """The token's text stays here."""
    await authenticator.authenticate(API_TOKEN, NOW)
    await refusal(authenticator, "fw_unknown")
    assert directory.asked == [token_hash(API_TOKEN), token_hash("fw_unknown")]


async def test_only_api_tokens_need_the_directory(authenticator: Authenticator, directory: Counting) -> None:
    """While it is away, that is said, which is not a refusal, and everybody else gets in."""
    directory.available = False
    with pytest.raises(BackendUnavailable):
        await authenticator.authenticate(API_TOKEN, NOW)
    minted = mint(SECRET, ONE_LEVEL, user_id=USER, scope=(TENANT,), now=NOW)
    assert (await authenticator.authenticate(ACCOUNT.token, NOW)).kind == "account"
    assert (await authenticator.authenticate(minted, NOW)).kind == "user"


@pytest.mark.parametrize("credential", [API_TOKEN, ACCOUNT.token, "a.b.c", "x"])
async def test_what_is_not_offered_takes_nobody(credential: str) -> None:
    """Without secret, directory and accounts, every credential is refused."""
    assert (await refusal(Authenticator(), credential)).code == "token_invalid"


@given(
    st.text(max_size=300) | st.text(max_size=300).map("fw_{}".format) | st.lists(st.text(), min_size=3).map(".".join)
)
async def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    """No credential makes the door break."""
    authenticator = Authenticator(
        jwt=JwtVerifier(SECRET, ONE_LEVEL),
        tokens=ApiTokens(MemoryDirectory()),
        accounts=Accounts([ACCOUNT], ONE_LEVEL),
    )
    await refusal(authenticator, text)


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
    ids=str,
)
def test_an_account_must_be_whole(changes: dict[str, object]) -> None:
    """A mistake is named when the process starts, by the account's name and without its token."""
    first = Account(name="first", token="first-token", scope=(OTHER,))
    fields: dict[str, object] = {"name": "second", "token": "second-token", "scope": (TENANT,)} | changes
    with pytest.raises(ValueError, match="account") as refused:
        Accounts([first, Account(**fields)], ONE_LEVEL)  # type: ignore[arg-type]  # wrong on purpose
    assert "-token" not in str(refused.value)


def test_an_accounts_scope_is_brought_into_its_one_form() -> None:
    """As written in a file, a UUID may have capitals."""
    principal = Accounts([Account(name="a", token="t", scope=(TENANT.upper(),))], ONE_LEVEL).find("t")
    assert principal is not None
    assert principal.scope == (TENANT,)
