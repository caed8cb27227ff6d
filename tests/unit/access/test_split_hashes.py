"""Split tokens: the directory's hash of a secret, checked slowly and remembered shortly."""

from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from signalman.access.argon2_hash import cost_of
from signalman.access.argon2_pool import Argon2Pool
from signalman.access.split_tokens import SplitTokens
from signalman.errors import Limited
from tests.unit.access.make import NOW
from tests.unit.access.split_keys import KEY, MEMORY_KIB, STORED, Counting, Recorded, account, made, refusal


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


class Full(Argon2Pool):
    """Has no room."""

    async def fits(self, secret: str, stored: str) -> bool:
        """Refuse."""
        raise Limited("overloaded", f"{secret and stored and ''}full", limit="argon2_waiting", retry_after=1.0)


async def test_too_many_checks_are_said_to_be_that(directory: Counting) -> None:
    """Not that the key is wrong; and the same for one that is known and one that is not."""
    tokens = made(directory, Full(threads=1, waiting=0))
    for key in (KEY, "tfk-0123.tfs-x", "tfk-9999.tfs-x"):
        with pytest.raises(Limited, match="full"):
            await tokens.authenticate(key, NOW)
