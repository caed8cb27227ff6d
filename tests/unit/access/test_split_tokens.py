"""Split tokens: whose they are, and whether they still are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.argon2_pool import Argon2Pool
from signalman.access.split_tokens import SplitTokens
from signalman.access_rules import TokenScheme
from signalman.backends.memory_directory import MemoryDirectory
from signalman.errors import BackendUnavailable, NotAuthenticated
from signalman.principal import Principal
from tests.unit.access.make import NOW, OTHER, TENANT, USER
from tests.unit.access.split_keys import HASHER, KEY, STORED, Counting, Recorded, account, made, refusal


@pytest.fixture
def directory() -> Counting:
    """Knows one key."""
    directory = Counting()
    directory.put_key(account())
    return directory


@pytest.fixture
def pool() -> Recorded:
    """Checks for real, and tells what."""
    return Recorded()


@pytest.fixture
def tokens(directory: Counting, pool: Recorded) -> SplitTokens:
    """Over that directory."""
    return made(directory, pool)


async def test_a_key_becomes_what_the_directory_says(tokens: SplitTokens, directory: Counting) -> None:
    """The directory sees the id, never the secret; the principal's key holds neither the secret nor its hash."""
    found = await tokens.authenticate(KEY, NOW)

    assert replace(found, key=None) == Principal(
        "token", "tfk-0123", (TENANT,), frozenset({"owner"}), frozenset({"logs:read"}), user_id=USER
    )
    assert directory.asked == [["tfk-0123"]]
    assert found.key is not None
    assert "the-secret" not in found.key
    assert STORED not in found.key
    assert tokens.made(found)


@pytest.mark.parametrize(
    "token",
    [
        "tfk-0123.tfs-wrong",
        "tfk-0123.tfs-the-secret-",
        "tfk-9999.tfs-the-secret",
        "tfk-0123",
        "tfk-0123.",
        "tfk-0123.tfs-",
        "tfk-.tfs-the-secret",
        "tfk-0123.the-secret",
        "tfk-0123tfs-the-secret",
        f"tfk-{'0' * 128}.tfs-the-secret",
        f"tfk-0123.tfs-{'0' * 256}",
        "fw_0123.tfs-the-secret",
        "",
    ],
)
async def test_every_refusal_has_the_same_words(tokens: SplitTokens, token: str) -> None:
    """Unknown id, wrong secret, malformed: nobody learns which from the answer."""
    assert (await refusal(tokens, token)).code == "token_invalid"


@pytest.mark.parametrize(
    "token",
    [
        "tfk-0123",
        "tfk-0123.tfs-",
        "tfk-.tfs-x",
        "tfk-0123.x",
        f"tfk-{'0' * 125}.tfs-x",
        f"tfk-0123.tfs-{'0' * 253}",
    ],
)
async def test_what_has_no_form_is_neither_looked_up_nor_checked(
    tokens: SplitTokens, directory: Counting, pool: Recorded, token: str
) -> None:
    """No half may be missing or too long; both have their prefixes."""
    await refusal(tokens, token)
    assert directory.asked == []
    assert pool.checked == []


async def test_an_id_and_a_secret_may_be_long(tokens: SplitTokens, directory: Counting) -> None:
    """128 and 256 characters, prefixes included."""
    await refusal(tokens, f"tfk-{'0' * 124}.tfs-{'0' * 252}")
    assert len(directory.asked) == 1


async def test_a_secret_that_was_replaced_is_worth_nothing(tokens: SplitTokens, directory: Counting) -> None:
    """What is remembered is about one hash: with another under the same id it does not count, and whoever is connected
    with the old secret is known to have lost it.
    """
    principal = await tokens.authenticate(KEY, NOW)
    directory.put_key(account(secret_hash=HASHER.hash("tfs-another")))

    assert await tokens.recheck([principal], NOW) == {principal: None}
    await refusal(tokens, KEY)
    assert (await tokens.authenticate("tfk-0123.tfs-another", NOW)).id == "tfk-0123"


async def test_all_are_looked_at_again_with_one_question(tokens: SplitTokens, directory: Counting) -> None:
    """Without a secret, which nobody has kept; changed, gone, and of another scope."""
    directory.put_key(account(id="tfk-4"))
    first, second = await tokens.authenticate(KEY, NOW), await tokens.authenticate("tfk-4.tfs-the-secret", NOW)
    directory.asked.clear()

    directory.put_key(account(permissions=frozenset(), expires_at=NOW + 9))
    directory.put_key(replace(account(id="tfk-4"), tenant_active=False))
    found = await tokens.recheck([first, second], NOW)
    assert found == {first: replace(first, permissions=frozenset(), expires_at=NOW + 9), second: None}
    assert directory.asked == [["tfk-0123", "tfk-4"]]

    directory.put_key(account(scope=(OTHER,)))
    assert await tokens.recheck([first], NOW) == {first: None}
    directory.put_key(account(expires_at=NOW))
    assert await tokens.recheck([first], NOW) == {first: None}


async def test_an_id_may_hold_what_divides_a_key(directory: Counting, tokens: SplitTokens) -> None:
    """It is asked for whole when its key is looked at again."""
    directory.put_key(account(id="tfk-a:b"))
    found = await tokens.authenticate("tfk-a:b.tfs-the-secret", NOW)
    assert await tokens.recheck([found], NOW) == {found: found}
    assert directory.asked == [["tfk-a:b"], ["tfk-a:b"]]


@pytest.mark.parametrize(
    "principal",
    [
        Principal("token", "t", (TENANT,)),
        Principal("token", "t", (TENANT,), key="a" * 64),
        Principal("token", "t", (TENANT,), key=f"tfk-1:{'g' * 32}"),
        Principal("token", "t", (TENANT,), key=f":{'a' * 32}"),
        Principal("token", "t", (TENANT,), key=f"tfk-1:{'a' * 31}\n"),
        Principal("token", "t", (TENANT,), key=f"tfk-1:{'a' * 31}!"),
        Principal("user", "t", (TENANT,), key=f"tfk-1:{'a' * 32}"),
    ],
    ids=range(7),
)
async def test_who_came_another_way_is_not_its_own(tokens: SplitTokens, principal: Principal) -> None:
    """A program whose key says an id and which secret it had, and nobody else; asked all the same, it finds nobody."""
    assert tokens.made(replace(principal, kind="token", key=f"tfk-1:{'a' * 32}"))
    assert not tokens.made(principal)
    assert await tokens.recheck([principal], NOW) == {principal: None}


async def test_a_key_whose_hash_is_gone_is_worth_nothing(tokens: SplitTokens, directory: Counting) -> None:
    """Also to who is connected with it."""
    principal = await tokens.authenticate(KEY, NOW)
    directory.put_key(account(secret_hash=None))
    assert await tokens.recheck([principal], NOW) == {principal: None}


@pytest.mark.parametrize(
    "changes", [{"scope": ()}, {"scope": ("no uuid",)}, {"expires_at": NOW}, {"expires_at": NOW - 1}], ids=range(4)
)
async def test_what_a_directory_should_not_have_said(pool: Recorded, changes: dict[str, object]) -> None:
    """A statement of a pack that returns a scope that is none, or forgets the expiry, opens nothing."""
    slow = MemoryDirectory(clock=lambda: NOW - 3600)
    slow.put_key(account(expires_at=NOW + 1))
    assert (await made(slow, pool).authenticate(KEY, NOW)).expires_at == NOW + 1
    slow.put_key(account(**changes))
    await refusal(made(slow, pool), KEY)


async def test_a_directory_that_is_away_refuses_nobody(
    tokens: SplitTokens, directory: Counting, pool: Recorded
) -> None:
    """That is said as what it is; nothing is computed meanwhile."""
    principal = await tokens.authenticate(KEY, NOW)
    directory.available = False
    pool.checked.clear()

    with pytest.raises(BackendUnavailable):
        await tokens.authenticate(KEY, NOW)
    with pytest.raises(BackendUnavailable):
        await tokens.recheck([principal], NOW)
    assert pool.checked == []


async def test_a_separator_may_stand_in_an_id(directory: Counting, pool: Recorded) -> None:
    """The secret begins behind the separator and its own prefix."""
    directory.put_key(account(id="k_a_b", secret_hash=HASHER.hash("s_c_s_d")))
    tokens = made(directory, pool, (TokenScheme("split", "k_", secret_prefix="s_", separator="_"),))

    assert (await tokens.authenticate("k_a_b_s_c_s_d", NOW)).id == "k_a_b"


def test_the_prefix_decides(tokens: SplitTokens) -> None:
    """What begins so is of this kind, however it goes on; what else begins is not."""
    assert tokens.takes("tfk-")
    assert not tokens.takes("fw_x.tfs-y")
    assert not tokens.takes("tfs-the-secret")


@given(st.text(max_size=50) | st.text(max_size=50).map("tfk-{}".format))
async def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    """No credential makes the door break."""
    with pytest.raises(NotAuthenticated):
        await made(MemoryDirectory(), Argon2Pool(threads=1, waiting=0)).authenticate(text, NOW)
