"""Signalman as the image has it, with the stages of the relay as machine code: built once for each state of the source.

The build leaves its objects beside the source, where they would be taken for the source: so it works on a copy.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from signalman.relay import decode

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "compiled"

_PARTS = ("pyproject.toml", "README.md", "channels", "config", "signalman")
_PATIENCE = 600.0
"""Seconds that the build, or a run, may take on a busy machine."""


def lacking() -> str | None:
    """What this machine lacks to compile, or None."""
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        return "a C compiler"
    has_headers = Path(sysconfig.get_path("include"), "Python.h").is_file()
    return None if has_headers else "Python's headers"


def folder() -> Path:
    """Where the compiled package lies; to be put before all else on the path of a new process."""
    made = CACHE / _state()
    if not made.is_dir():
        shutil.rmtree(CACHE, ignore_errors=True)
        making = CACHE / "making"
        making.mkdir(parents=True)
        with zipfile.ZipFile(_wheel(making)) as wheel:
            wheel.extractall(making / "made")
        # Last, so that an interrupted build is not taken for one.
        (making / "made").rename(made)
    return made


def run(module: str, *arguments: str) -> str:
    """What *module* of these tests prints in a process that has the compiled package."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        # Python looks where it was started first of all, and that is not to be the checkout.
        cwd=folder(),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PATIENCE,
    )
    return done.stdout


def is_running() -> bool:
    """Whether this very process has it."""
    return not str(decode.__file__).endswith(".py")


def _wheel(making: Path) -> Path:
    (making / "source").mkdir()
    for part in _PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, making / "source" / part)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(making), "."],
        cwd=making / "source",
        env={**os.environ, "HATCH_BUILD_HOOK_ENABLE_MYPYC": "1"},
        check=True,
        capture_output=True,
        timeout=_PATIENCE,
    )
    return next(making.glob("*.whl"))


def _state() -> str:
    """A digest of everything that is compiled, or decides how."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (ROOT / "pyproject.toml", *sorted((ROOT / "signalman").rglob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
