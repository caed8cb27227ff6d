"""``python -m tests.servers`` fetches what the servers need, ahead of the tests and of their time limits.

Where it cannot be fetched one line says so: the tests that need it say the same when they are skipped.
"""

import sys
import threading
import time

from tests.servers.kafka_jars import kafka_jars
from tests.servers.server import MissingServerError

_EVERY = 10


def _main() -> None:
    done = threading.Event()
    waiting = threading.Thread(target=_show_life, args=(done,), daemon=True)
    waiting.start()
    try:
        kafka_jars()
    except MissingServerError as missing:
        _say(f"{missing}; a mock stands in where it can")
    finally:
        done.set()
        waiting.join()


def _show_life(done: threading.Event) -> None:
    began = time.monotonic()
    while not done.wait(_EVERY):
        _say(f"  still fetching, {time.monotonic() - began:.0f} s …")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    _main()
