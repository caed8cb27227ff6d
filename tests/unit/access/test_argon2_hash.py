"""Which stored hashes are checked at all."""

import pytest
from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import hash_secret, verify_secret

from signalman.access.argon2_hash import MOST_LANES, MOST_PASSES, USUAL, Cost, cost_of, nobodys

SALT, DIGEST = "c29tZSBzYWx0", "c29tZSBkaWdlc3Qgb2YgMzIgYnl0ZXMuLi4uLi4uLi4"


def stored(kind: str = "argon2id", version: str = "v=19", parameters: str = "m=64,t=1,p=1", rest: str = "") -> str:
    """A hash in PHC form."""
    return f"${kind}${version}${parameters}${rest or f'{SALT}${DIGEST}'}"


def test_the_cost_is_read() -> None:
    """As the library itself writes it, with its own defaults and with a platform's."""
    assert cost_of(PasswordHasher(memory_cost=128, time_cost=2, parallelism=4).hash("x")) == Cost(128, 2, 4)
    assert cost_of(stored(parameters="m=65536,t=3,p=1")) == USUAL
    assert cost_of(stored(parameters=f"m=128,t={MOST_PASSES},p={MOST_LANES}")) == Cost(128, MOST_PASSES, MOST_LANES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "argon2id",
        "sha256hex" * 7,
        stored("argon2i"),
        stored("argon2d"),
        stored("bcrypt"),
        stored(version="v=16"),
        stored(version="v=20"),
        stored(parameters="t=1,m=64,p=1"),
        stored(parameters="m=64,t=1,p=1,keyid=x"),
        stored(parameters="m=064,t=1,p=1"),
        stored(parameters="m=-64,t=1,p=1"),
        stored(parameters="m=64,t=0,p=1"),
        stored(parameters="m=64,t=1,p=0"),
        stored(parameters="m=31,t=1,p=4"),
        stored(parameters="m=64,t=1,p=9"),
        stored(parameters=f"m=64,t={MOST_PASSES + 1},p=1"),
        stored(parameters=f"m=4096,t=1,p={MOST_LANES + 1}"),
        stored(parameters="m=99999999999,t=1,p=1"),
        stored(rest=SALT),
        stored(rest=f"{SALT}$"),
        stored(rest=f"c2FsdA${DIGEST}"),
        stored(rest=f"{'A' * 87}${DIGEST}"),
        stored(rest=f"{SALT}$c2hvcnQ"),
        stored(rest=f"{SALT}${'A' * 87}"),
        stored(rest=f"{SALT}=${DIGEST}"),
        stored() + "\n",
        stored() + "\0",
        " " + stored(),
    ],
)
def test_another_hash_is_not_checked(text: str) -> None:
    """Another function, another version, parameters beyond their ceilings or in another order, what is no hash."""
    assert cost_of(text) is None


def test_nobodys_hash_is_checked_like_any_other() -> None:
    """The library takes it, at its cost, and no secret fits; no two are the same."""
    made = nobodys(Cost(64, 1, 1))
    assert cost_of(made) == Cost(64, 1, 1)
    with pytest.raises(VerifyMismatchError):
        verify_secret(made.encode(), b"secret", Type.ID)
    assert made != nobodys(Cost(64, 1, 1))
    assert [len(part) for part in made.split("$")[4:]] == [22, 43]


def test_what_is_taken_the_library_can_check() -> None:
    """The form allows nothing that the library itself would not read."""
    real = hash_secret(b"secret", b"x" * 8, time_cost=1, memory_cost=64, parallelism=1, hash_len=16, type=Type.ID)
    assert cost_of(real.decode()) is not None
    assert verify_secret(real, b"secret", Type.ID)
