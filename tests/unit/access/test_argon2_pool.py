"""Threads that check Argon2id hashes."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from signalman.access import argon2_pool
from signalman.access.argon2_pool import Argon2Pool
from signalman.errors import Limited

STORED = PasswordHasher(memory_cost=64, time_cost=1, parallelism=1).hash("the secret")


class Held:
    """Stands in for the library: a check ends when the test lets it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.at_once = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, stored: bytes, secret: bytes, kind: object) -> bool:
        """Wait until let go."""
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.go.wait(timeout=30)
        with self._lock:
            self.at_once -= 1
        return bool(stored and secret and kind)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Checks that wait for the test."""
    held = Held()
    monkeypatch.setattr(argon2_pool, "verify_secret", held)
    yield held
    held.go.set()


async def test_a_secret_fits_or_not() -> None:
    """By the real library; a hash that it cannot read fits nothing."""
    pool = Argon2Pool(threads=1, waiting=0)

    assert await pool.fits("the secret", STORED) is True
    assert await pool.fits("the secret ", STORED) is False
    assert await pool.fits("the secret", "$argon2id$v=19$nonsense") is False
    assert await pool.fits("the secret", "") is False


async def test_one_more_than_fits_is_told_to_come_back(held: Held) -> None:
    """So many run and so many wait: memory and the delay are bounded. What has ended makes room again."""
    pool = Argon2Pool(threads=2, waiting=3)
    running = [asyncio.create_task(pool.fits("s", STORED)) for _ in range(5)]
    await asyncio.sleep(0)

    with pytest.raises(Limited) as refused:
        await pool.fits("s", STORED)
    assert (refused.value.code, refused.value.limit) == ("overloaded", "argon2_waiting")
    assert refused.value.retry_after > 0

    held.go.set()
    assert await asyncio.gather(*running) == [True] * 5
    assert await pool.fits("s", STORED)
    assert held.most <= 2


async def test_a_check_that_runs_keeps_its_place_when_its_caller_goes(held: Held) -> None:
    """Or else whoever connects and disconnects could have any number run, each with its memory."""
    pool = Argon2Pool(threads=1, waiting=0)
    gone = asyncio.create_task(pool.fits("s", STORED))
    while not held.at_once:  # noqa: ASYNC110  # a thread tells, not the loop
        await asyncio.sleep(0.001)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    with pytest.raises(Limited):
        await pool.fits("s", STORED)


async def test_one_that_only_waits_gives_its_place_back(held: Held) -> None:
    """When its caller goes, it is never begun."""
    pool = Argon2Pool(threads=1, waiting=1)
    runs = asyncio.create_task(pool.fits("s", STORED))
    while not held.at_once:  # noqa: ASYNC110  # a thread tells, not the loop
        await asyncio.sleep(0.001)
    waits = asyncio.create_task(pool.fits("s", STORED))
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)

    last = asyncio.create_task(pool.fits("s", STORED))
    await asyncio.sleep(0)
    held.go.set()
    assert await runs
    assert await last


async def test_the_loop_goes_on_meanwhile(held: Held) -> None:
    """A check does not hold up who is connected."""
    running = asyncio.create_task(Argon2Pool(threads=1, waiting=0).fits("s", STORED))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not running.done()
    held.go.set()
    assert await running
