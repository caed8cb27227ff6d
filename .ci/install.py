#!/usr/bin/env python3
"""Installs what a lock file names into the Python that runs this, and shows how far it is.

pip says either a hundred lines or nothing at all, and nothing is not enough for a download of 180 MB.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
QUICK, SLOW = 0.2, 10.0
"""Seconds between two looks: on a terminal, where a line is written over, and in a log."""


class Progress:
    """What pip has done so far, as a line that a thread keeps current."""

    def __init__(self, packages: int, downloads: Path) -> None:
        """Of so many *packages*; what pip downloads lies in *downloads* until it is installed."""
        self._packages = packages
        self._downloads = downloads
        self._found = 0
        self._unpacking = False
        self._shown = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def follow(self, lines: Iterable[str]) -> None:
        """Read what pip says until it ends."""
        self._thread.start()
        try:
            for line in lines:
                self._found += line.startswith(("Collecting ", "Requirement already satisfied: "))
                self._unpacking = self._unpacking or line.startswith("Installing collected packages")
        finally:
            self._done.set()
            self._thread.join()
            self._show("")

    def _watch(self) -> None:
        while not self._done.wait(QUICK if sys.stdout.isatty() else SLOW):
            self._show(self._line())

    def _line(self) -> str:
        if self._unpacking:
            return f"  unpacking {self._found} packages …"
        return f"  {self._found} of {self._packages} packages, {_size(self._downloads) / 1e6:.0f} MB downloaded …"

    def _show(self, line: str) -> None:
        if line != self._shown:
            sys.stdout.write(f"\r\x1b[K{line}" if sys.stdout.isatty() else f"{line}\n" if line else "")
            sys.stdout.flush()
            self._shown = line


def install(lock: Path) -> int:
    """Install the packages of *lock*, each with its hash; the result is pip's exit code."""
    packages = len(set(re.findall(r"^([\w.-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE)))
    with tempfile.TemporaryDirectory(prefix="install-", dir=sys.prefix) as folder:
        command = [*PIP, "install", "--progress-bar", "off", "--require-hashes", "--requirement", str(lock)]
        environment = {**os.environ, "TMPDIR": folder, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(  # noqa: S603 # pip, with the Makefile's arguments
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as pip:
            Progress(packages, Path(folder)).follow(pip.stdout or ())
        return pip.returncode


def _size(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*.whl"):  # beside them lies what is on its way into pip's cache
        try:
            size += path.stat().st_size
        except OSError:  # pip was done with it in the meantime
            continue
    return size


if __name__ == "__main__":
    try:
        sys.exit(install(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
