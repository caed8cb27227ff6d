"""What slow checks have found, remembered; and equal ones made once."""

import asyncio
import gc

import pytest

from signalman.access.verdicts import Verdicts


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now


class Check:
    """A check that ends when it is told to, and counts how often it began."""

    def __init__(self, *, found: bool = True) -> None:
        self.found = found
        self.begun = 0
        self.go = asyncio.Event()

    async def __call__(self) -> bool:
        """Wait, then say what was found."""
        self.begun += 1
        await self.go.wait()
        return self.found

    def let_go(self) -> "Check":
        """Make it end at once."""
        self.go.set()
        return self


@pytest.fixture
def clock() -> Clock:
    """A clock of the test."""
    return Clock()


@pytest.fixture
def verdicts(clock: Clock) -> Verdicts:
    """Remembers for ten seconds, three of each kind."""
    return Verdicts(keep_seconds=10.0, clock=clock, most=3)


@pytest.mark.parametrize("found", [True, False])
async def test_a_result_is_remembered_for_its_time(verdicts: Verdicts, clock: Clock, found: bool) -> None:  # noqa: FBT001
    """Success and failure alike; after that the check is made again."""
    check = Check(found=found).let_go()

    assert await verdicts.of(("a", "b"), check) is found
    clock.now += 9.9
    assert await verdicts.of(("a", "b"), check) is found
    assert check.begun == 1
    clock.now += 0.1
    assert await verdicts.of(("a", "b"), check) is found
    assert check.begun == 2


async def test_what_was_found_last_counts(verdicts: Verdicts, clock: Clock) -> None:
    """A failure that is remembered no more does not come back beside a success, nor the other way round."""
    await verdicts.of(("a",), Check(found=False).let_go())
    clock.now += 10
    await verdicts.of(("a",), Check(found=True).let_go())

    assert await verdicts.of(("a",), Check(found=False).let_go()) is True


async def test_checks_that_differ_are_not_mixed_up(verdicts: Verdicts) -> None:
    """Not even where their parts are the same letters, cut elsewhere."""
    assert await verdicts.of(("ab", "c"), Check(found=True).let_go()) is True
    for other in (("a", "bc"), ("abc",), ("ab", "c", ""), ("1:ab", "c")):
        assert await verdicts.of(other, Check(found=False).let_go()) is False


async def test_nothing_is_remembered_for_no_time(clock: Clock) -> None:
    """`argon2_keep_seconds = 0` checks each time."""
    verdicts, check = Verdicts(keep_seconds=0.0, clock=clock), Check().let_go()
    for _ in range(2):
        assert await verdicts.of(("a",), check)
    assert check.begun == 2


async def test_who_guesses_pushes_out_nobody_who_is_known(verdicts: Verdicts) -> None:
    """Failures are bounded in number, and have a room of their own."""
    known = Check().let_go()
    await verdicts.of(("known",), known)
    for guess in range(50):
        await verdicts.of((str(guess),), Check(found=False).let_go())
    await verdicts.of(("known",), known)
    assert known.begun == 1

    first, last = Check(found=False).let_go(), Check(found=False).let_go()
    await verdicts.of(("0",), first)
    await verdicts.of(("49",), last)
    assert (first.begun, last.begun) == (1, 0)


async def test_the_oldest_is_forgotten_first(verdicts: Verdicts, clock: Clock) -> None:
    """As many as there is room for are remembered, and what was found again is not old."""
    checks = {name: Check().let_go() for name in "abcd"}

    async def ask(*names: str) -> list[int]:
        for name in names:
            await verdicts.of((name,), checks[name])
        return [check.begun for check in checks.values()]

    assert await ask("a", "b", "c", "a", "b", "c") == [1, 1, 1, 0]
    clock.now += 10
    assert await ask("b") == [1, 2, 1, 0]
    assert await ask("c", "a") == [2, 2, 2, 0]
    clock.now += 5
    assert await ask("d") == [2, 2, 2, 1]
    assert await ask("a", "c") == [2, 2, 2, 1]
    assert await ask("b") == [2, 3, 2, 1]


async def test_equal_checks_at_one_time_are_one(verdicts: Verdicts) -> None:
    """A thousand connections with one key after a restart cost one check."""
    check = Check()
    waiting = [asyncio.create_task(verdicts.of(("a",), check)) for _ in range(20)]
    await asyncio.sleep(0)
    check.let_go()

    assert await asyncio.gather(*waiting) == [True] * 20
    assert check.begun == 1


async def test_one_who_goes_away_fails_nobody(verdicts: Verdicts) -> None:
    """Also not when it is the one for whom the check was begun; and what it finds is remembered."""
    check = Check()
    first, second = (asyncio.create_task(verdicts.of(("a",), check)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    check.let_go()

    assert await second is True
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await verdicts.of(("a",), check) is True
    assert check.begun == 1


async def test_a_check_that_fails_is_not_remembered(verdicts: Verdicts) -> None:
    """Whoever waits gets the error; the next to ask has it tried again. If all have gone, nothing complains."""
    unretrieved: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unretrieved.append(context))
    go = asyncio.Event()

    async def broken() -> bool:
        await go.wait()
        raise RuntimeError("no room")

    gone = asyncio.create_task(verdicts.of(("a",), broken))
    await asyncio.sleep(0)
    gone.cancel()
    go.set()
    await asyncio.gather(gone, return_exceptions=True)
    await asyncio.sleep(0)
    gc.collect()  # what nobody looked at is told of when it goes
    assert unretrieved == []
    with pytest.raises(RuntimeError):
        await verdicts.of(("a",), broken)

    assert await verdicts.of(("a",), Check().let_go()) is True


async def test_no_secret_is_kept(verdicts: Verdicts) -> None:
    """What is remembered is an HMAC under a key of this process: another process's is another."""
    await verdicts.of(("id", "a secret"), Check().let_go())
    other = Verdicts(keep_seconds=10.0, clock=lambda: 0.0)
    await other.of(("id", "a secret"), Check().let_go())

    assert "a secret" not in repr(vars(verdicts))
    assert list(vars(verdicts)["_known"][True]) != list(vars(other)["_known"][True])
