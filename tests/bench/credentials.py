"""Section ``credentials``: what the check of one credential costs, without the directory's answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from signalman.access.argon2_hash import USUAL, nobodys
from signalman.access.argon2_pool import Argon2Pool
from signalman.access.jwt import JwtVerifier
from signalman.access.tokens import HashedTokens
from signalman.access.verdicts import Verdicts
from signalman.access_rules import TokenScheme
from signalman.backends.memory_directory import MemoryAccount, MemoryDirectory
from tests.bench.figures import Effort, Figure
from tests.bench.stopwatch import Stopwatch
from tests.unit.access.make import NOW, ONE_LEVEL, SECRET, holder
from tests.unit.access.tokens import PRIVATE, claims, sign, verifier_of

_TIMES = 100
_TOKEN = f"fw_{'0' * 64}"
_BASELINE = "API token by SHA-256"
_SLOW = f"split token by Argon2id, {USUAL.memory_kib // 1024} MiB"
_REMEMBERED = "split token, remembered"

Check = Callable[[], Awaitable[object]]


def credentials(effort: Effort) -> Iterator[Figure]:
    """Microseconds for one good credential; all threads counted."""
    watch, checks = Stopwatch(), _checks()
    with asyncio.Runner() as runner:
        for _ in range(effort.rounds):
            with watch.round():
                for name, check in checks.items():
                    watch.of(name, lambda one: runner.run(_repeat(one, _TIMES)), check)
                watch.of(_SLOW, lambda: runner.run(_repeat(_slow(), 1)))
    for name in checks:
        yield Figure(name, 1e6 * watch.seconds(name) / _TIMES, "us", watch.ratio(name, _BASELINE))
    yield Figure(_SLOW, 1e6 * watch.seconds(_SLOW), "us", watch.ratio(_SLOW, _BASELINE) * _TIMES)


async def _repeat(check: Check, times: int) -> None:
    for _ in range(times):
        await check()


def _checks() -> dict[str, Check]:
    directory = MemoryDirectory(clock=lambda: NOW)
    directory.put_token(_TOKEN, MemoryAccount(holder=holder("streams:read")))
    hashed = HashedTokens((TokenScheme("hashed", "fw_"),), directory, ONE_LEVEL)
    verdicts = Verdicts(keep_seconds=1.0, clock=lambda: 0.0)
    checks: dict[str, Check] = {
        _BASELINE: lambda: hashed.authenticate(_TOKEN, NOW),
        _REMEMBERED: lambda: verdicts.of(("tfk-1", "tfs-1", "hash"), _found),
    }
    for algorithm, key in {"HS256": SECRET, **PRIVATE}.items():
        checks[f"JWT, {algorithm}"] = _verification(
            verifier_of(algorithm), sign(claims(), key=key, algorithm=algorithm)
        )
    return checks


def _verification(verifier: JwtVerifier, token: str) -> Check:
    return lambda: verifier.verify(token, NOW)


async def _found() -> bool:
    return True


def _slow() -> Check:
    pool, stored = Argon2Pool(threads=1, waiting=0), nobodys(USUAL)
    return lambda: pool.fits("tfs-1", stored)
