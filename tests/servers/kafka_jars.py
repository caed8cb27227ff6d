"""The jars of the Kafka broker: fetched once by Maven into a cache.

``python -m tests.servers`` does it ahead of the tests, so that no test's time limit pays for the download.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.server import MissingServerError

_POM = Path(__file__).with_name("kafka_pom.xml")
_CACHE = Path(__file__).parents[2] / ".cache"


def kafka_jars() -> Path:
    """Return the folder with the broker's jars, fetching them when it is not there yet.

    It lies in ``$SIGNALMAN_TEST_CACHE``, else in the repository's ``.cache``. Raises `MissingServerError` when Maven is
    missing or fails. Safe when several processes do it at once: the folder appears whole or not at all.
    """
    cache = Path(os.environ.get("SIGNALMAN_TEST_CACHE") or _CACHE)
    jars = cache / f"kafka-{_version()}"
    if jars.is_dir():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingServerError("Kafka: Maven, which fetches its jars, is not on the path")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=cache) as temporary:
        fetched = Path(temporary) / "jars"
        _say(f"fetching {jars.name} by Maven, once, into {cache} (about 45 MB)")
        done = subprocess.run(
            [
                *(maven, "--batch-mode", "--quiet", "--file", str(_POM)),
                *("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MissingServerError(
                f"Kafka: Maven could not fetch its jars: {(done.stdout + done.stderr).strip()[:2000]}"
            )
        try:
            fetched.rename(jars)
        except OSError:
            # Another process was first.
            if not jars.is_dir():
                raise
    _say(f"fetched {jars.name}")
    return jars


def _version() -> str:
    found = re.search(r"<kafka\.version>([^<]+)<", _POM.read_text())
    assert found, f"{_POM} names no version"
    return found[1]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
