"""Split tokens: the directory's hash of a secret, checked slowly and remembered shortly."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from signalman.access.argon2_hash import cost_of
from signalman.access.argon2_pool import Argon2Pool
from signalman.access.split_tokens import SplitTokens
from signalman.access.verdicts import Verdicts
from signalman.access_ports import Holder
from signalman.access_rules import TokenScheme
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from signalman.errors import BackendUnavailable, Limited, NotAuthenticated
from signalman.principal import Principal
from tests.unit.access.make import NOW, ONE_LEVEL, OTHER, TENANT, USER, holder

SCHEMES = (TokenScheme("split", "tfk-", secret_prefix="tfs-"), TokenScheme("hashed", "fw_"))
KEY = "tfk-0123.tfs-the-secret"
MEMORY_KIB = 128
HASHER = PasswordHasher(memory_cost=64, time_cost=1, parallelism=1)
STORED = HASHER.hash("tfs-the-secret")


class Counting(MemoryDirectory):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: NOW)
        self.asked: list[list[str]] = []

    async def keys(self, ids: Collection[str]) -> Mapping[str, Holder]:
        """Note, then look."""
        self.asked.append(sorted(ids))
        return await super().keys(ids)


class Recorded(Argon2Pool):
    """Remembers what was really checked."""

    def __init__(self) -> None:
        super().__init__(threads=1, waiting=1)
        self.checked: list[tuple[str, str]] = []

    async def fits(self, secret: str, stored: str) -> bool:
        """Note, then check."""
        self.checked.append((secret, stored))
        return await super().fits(secret, stored)


def account(**changes: object) -> MemoryAccount:
    """A good key."""
    return MemoryAccount(holder=holder("logs:read", **({"id": "tfk-0123", "secret_hash": STORED} | changes)))


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


def made(directory: MemoryDirectory, pool: Argon2Pool, schemes: tuple[TokenScheme, ...] = SCHEMES) -> SplitTokens:
    """Over *directory*; what was found is remembered for a minute that does not pass."""
    verdicts = Verdicts(keep_seconds=60.0, clock=lambda: 0.0)
    return SplitTokens(schemes, directory, ONE_LEVEL, pool=pool, verdicts=verdicts, memory_kib=MEMORY_KIB)


async def refusal(tokens: SplitTokens, token: str) -> NotAuthenticated:
    """How *token* is refused."""
    with pytest.raises(NotAuthenticated) as refused:
        await tokens.authenticate(token, NOW)
    assert str(refused.value) == "The API token is unknown, revoked or expired, or its owner blocked."
    return refused.value


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


async def test_an_unknown_id_costs_what_a_known_one_costs(tokens: SplitTokens, pool: Recorded) -> None:
    """A check of nobody's hash is made, with the parameters of the platform's own, so that time tells nothing; and it
    is remembered in the same way.
    """
    await tokens.authenticate(KEY, NOW)
    for _ in range(2):
        await refusal(tokens, "tfk-9999.tfs-x")
        await refusal(tokens, "tfk-0123.tfs-x")

    (_, known), (_, nobodys), (_, again) = pool.checked
    assert (known, again) == (STORED, STORED)
    assert nobodys != STORED
    assert cost_of(nobodys) == cost_of(STORED)


async def test_before_any_key_is_known_nobodys_is_of_the_usual_cost(tokens: SplitTokens, pool: Recorded) -> None:
    """But of no more memory than configuration allows."""
    await refusal(tokens, "tfk-9999.tfs-x")
    cost = cost_of(pool.checked[0][1])
    assert cost is not None
    assert (cost.memory_kib, cost.passes) == (MEMORY_KIB, 3)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "tfs-the-secret",
        "c5a1f5d5" * 8,
        STORED.replace("argon2id", "argon2i"),
        PasswordHasher(memory_cost=MEMORY_KIB + 8, time_cost=1, parallelism=1).hash("tfs-the-secret"),
    ],
    ids=["none", "empty", "the secret", "a digest", "argon2i", "too much memory"],
)
async def test_a_hash_that_is_not_checked_opens_nothing(
    directory: Counting, tokens: SplitTokens, pool: Recorded, stored: str | None
) -> None:
    """No hash, no Argon2id, more memory than allowed: the right secret does not help, the log says why without either,
    and the answer takes its time all the same.
    """
    directory.put_key(account(secret_hash=stored))
    with capture_logs() as logs:
        await refusal(tokens, KEY)

    assert [(entry["event"], entry["key"]) for entry in logs] == [("key_hash_refused", "tfk-0123")]
    assert "the-secret" not in str(logs)
    assert [secret for secret, _ in pool.checked] == ["tfs-the-secret"]
    assert pool.checked[0][1] != stored


async def test_a_check_is_remembered_and_the_standing_asked(
    tokens: SplitTokens, directory: Counting, pool: Recorded
) -> None:
    """The second time nothing is computed; but a key that has been revoked meanwhile is refused at once."""
    for _ in range(3):
        await tokens.authenticate(KEY, NOW)
    assert len(pool.checked) == 1

    directory.put_key(replace(account(), active=False))
    await refusal(tokens, KEY)
    assert len(directory.asked) == 4


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


class Full(Argon2Pool):
    """Has no room."""

    async def fits(self, secret: str, stored: str) -> bool:
        """Refuse."""
        raise Limited("overloaded", f"{secret and stored and ''}full", limit="argon2_waiting", retry_after=1.0)


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
        Principal("user", "t", (TENANT,), key=f"tfk-1:{'a' * 32}"),
    ],
    ids=range(5),
)
async def test_who_came_another_way_is_not_its_own(tokens: SplitTokens, principal: Principal) -> None:
    """A program whose key says an id and which secret it had, and nobody else; asked all the same, it finds nobody."""
    assert tokens.made(replace(principal, kind="token", key=f"tfk-1:{'a' * 32}"))
    assert not tokens.made(principal)
    assert await tokens.recheck([principal], NOW) == {principal: None}


async def test_the_most_memory_may_be_needed(directory: Counting, tokens: SplitTokens) -> None:
    """A hash whose check takes just as much as is allowed is checked."""
    hasher = PasswordHasher(memory_cost=MEMORY_KIB, time_cost=1, parallelism=1)
    directory.put_key(account(secret_hash=hasher.hash("tfs-the-secret")))
    assert (await tokens.authenticate(KEY, NOW)).id == "tfk-0123"


class Yes(Argon2Pool):
    """Finds that everything fits."""

    async def fits(self, secret: str, stored: str) -> bool:
        """It does."""
        return True


@pytest.mark.parametrize("stored", [None, "", "tfs-the-secret"])
async def test_what_fits_nobodys_hash_opens_nothing(directory: Counting, stored: str | None) -> None:
    """Neither a key that is not there, nor one without a hash that may be checked."""
    tokens = made(directory, Yes(threads=1, waiting=0))
    assert (await tokens.authenticate("tfk-0123.tfs-any", NOW)).id == "tfk-0123"
    await refusal(tokens, "tfk-9999.tfs-any")
    directory.put_key(account(secret_hash=stored))
    await refusal(tokens, "tfk-0123.tfs-any")


async def test_a_key_whose_hash_is_gone_is_worth_nothing(tokens: SplitTokens, directory: Counting) -> None:
    """Also to who is connected with it."""
    principal = await tokens.authenticate(KEY, NOW)
    directory.put_key(account(secret_hash=None))
    assert await tokens.recheck([principal], NOW) == {principal: None}


async def test_too_many_checks_are_said_to_be_that(directory: Counting) -> None:
    """Not that the key is wrong; and the same for one that is known and one that is not."""
    tokens = made(directory, Full(threads=1, waiting=0))
    for key in (KEY, "tfk-0123.tfs-x", "tfk-9999.tfs-x"):
        with pytest.raises(Limited, match="full"):
            await tokens.authenticate(key, NOW)


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
