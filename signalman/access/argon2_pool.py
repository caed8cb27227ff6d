"""Threads that check Argon2id hashes. One check takes about 0.1 s and 64 MiB: their number is the limit of both.

The library lets go of the interpreter's lock while it computes: the gateway goes on meanwhile.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

from argon2.exceptions import Argon2Error
from argon2.low_level import Type, verify_secret

from signalman.errors import Limited

RETRY_SECONDS = 2.0
"""After which it is worth coming back: a queue of usual length is gone by then."""


class Argon2Pool:
    """Checks at most *threads* hashes at once, and lets at most *waiting* more wait for that.

    Costs nothing until the first check, and needs no closing: its threads end with it.
    """

    def __init__(self, *, threads: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = Semaphore(threads + waiting)

    async def fits(self, secret: str, stored: str) -> bool:
        """Whether *secret* is what *stored*, an Argon2id hash in PHC form, was made of.

        A check that has begun runs to its end and holds its place until then, even when the caller has gone.

        Raises:
            Limited: ``overloaded``; nothing has been checked.
        """
        if not self._room.acquire(blocking=False):
            raise Limited(
                "overloaded",
                "Too many keys are being checked at once.",
                limit="argon2_waiting",
                retry_after=RETRY_SECONDS,
            )
        running = self._threads.submit(_fits, secret.encode(), stored.encode())
        # Not when the caller goes: the memory is in use for as long as the thread is.
        running.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(running)


def _fits(secret: bytes, stored: bytes) -> bool:
    try:
        return verify_secret(stored, secret, Type.ID)
    except Argon2Error:
        # Beside the wrong secret also a hash that cannot be read, and no memory left: nobody gets in by either.
        return False
