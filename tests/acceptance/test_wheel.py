"""The wheel in an environment of its own, far from the checkout: it carries everything that the commands need.

The environment holds the wheel, and links to exactly the packages that the wheel's metadata asks for, as pip would
resolve them: what is only there for tests, and the checkout, cannot be reached from it.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import signalman
from tests.servers import Child
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment that the wheel is installed into, and an empty folder to run its commands in."""

    folder: Path

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        return next((self.folder / "lib").glob("python3*")) / "site-packages"

    @property
    def signalman(self) -> str:
        """The console script."""
        return str(self.folder / "bin" / "signalman")

    @property
    def elsewhere(self) -> Path:
        """A folder with nothing in it."""
        folder = self.folder / "elsewhere"
        folder.mkdir(exist_ok=True)
        return folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment to its end."""
        return subprocess.run(
            [self.folder / "bin" / arguments[0], *arguments[1:]],
            cwd=self.elsewhere,
            env={"PATH": os.defpath},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout as `make wheel` does."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with its extra ``embedded``."""
    return install(wheel, tmp_path_factory.mktemp("embedded"), {"", EMBEDDED})


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel without extras, as in the image."""
    return install(wheel, tmp_path_factory.mktemp("bare"), {""})


def install(wheel: Path, folder: Path, extras: set[str]) -> Installed:
    """Put the wheel and what it requires into a new environment."""
    venv.create(folder, with_pip=False, symlinks=True)
    environment = Installed(folder)
    python = str(folder / "bin" / "python")
    pip("--python", python, "install", "--no-deps", "--no-index", "--no-compile", str(wheel))
    metadata = PathDistribution(next(environment.packages.glob("signalman-*.dist-info")))
    for name in closure(metadata.requires or [], extras):
        for entry in top_level(name):
            link = environment.packages / entry.name
            if not link.exists():
                link.symlink_to(entry)
    return environment


def pip(*arguments: str) -> None:
    """Run this environment's pip."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def closure(requirements: list[str], extras: set[str]) -> set[str]:
    """The packages that *requirements* lead to, one through the other, on this machine."""
    seen: set[tuple[str, str]] = set()
    waiting = [(each, extras) for each in requirements]
    while waiting:
        text, wanted = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in wanted):
            continue
        name = canonicalize_name(requirement.name)
        fresh = {"", *requirement.extras} - {extra for known, extra in seen if known == name}
        seen |= {(name, extra) for extra in fresh}
        if fresh:
            waiting += [(each, fresh) for each in distribution(name).requires or []]
    return {name for name, _ in seen}


def top_level(name: str) -> Iterator[Path]:
    """What the package has put into this environment's site-packages."""
    files = distribution(name).files or []
    folder = Path(sysconfig.get_path("purelib"))
    yield from {folder / path.parts[0] for path in files if path.parts[0] not in {"..", "__pycache__"}}


def test_the_wheel_carries_every_file(wheel: Path) -> None:
    """Each file of the package, of the packs, and the default configuration; and nothing of the tests."""
    listed = {
        str(path.relative_to(ROOT))
        for folder in ("signalman", "channels")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wanted = {name if name.startswith("signalman/") else f"signalman/_data/{name}" for name in listed}
    wanted |= {f"signalman/_data/config/{name}" for name in ("signalman.toml", "dev.toml")}
    assert {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name} == wanted


def test_nothing_is_taken_from_the_checkout(installed: Installed) -> None:
    """The package, its packs and its defaults are the installed ones, and every module can be imported."""
    code = """
import importlib, json, pkgutil, sys, signalman
from signalman.catalog import default_folder
from signalman.config import default_file
for module in pkgutil.walk_packages(signalman.__path__, "signalman."):
    if module.name != "signalman.__main__":
        importlib.import_module(module.name)
files = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "signalman"]
print(json.dumps([*files, str(default_folder("frameworks")), str(default_file("dev.toml")), *sys.path[1:]]))
"""
    done = installed.run("python", "-c", code)
    assert done.returncode == 0, done.stderr
    found = [Path(each) for each in json.loads(done.stdout)]
    standard = Path(sysconfig.get_path("stdlib")).parent
    strangers = [path for path in found if not path.is_relative_to(installed.folder)]
    assert all(path.is_relative_to(standard) for path in strangers), strangers
    assert not any(path.is_relative_to(ROOT) for path in found)


@pytest.mark.parametrize("kind", ["installed", "bare"])
def test_check_and_version(kind: str, request: pytest.FixtureRequest) -> None:
    """`signalman check` reads the pack inside the wheel, with the extra and without; `version` is the wheel's."""
    environment: Installed = request.getfixturevalue(kind)
    checked = environment.run("signalman", "check")
    assert checked.returncode == 0, checked.stderr
    assert "configuration: no faults" in checked.stdout
    assert environment.run("signalman", "version").stdout.strip() == signalman.__version__


def test_dev_without_the_engine_says_what_to_install(bare: Installed) -> None:
    """One sentence with the command, no traceback."""
    done = bare.run("signalman", "dev", "--port", str(free_port()))
    assert done.returncode == 1
    assert "pip install 'signalman[embedded]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_dev_serves_dashboard_and_snapshot(installed: Installed, tmp_path: Path) -> None:
    """`signalman dev` runs from the wheel alone: the page with all of its parts, and live streams in a snapshot."""
    port, log = free_port(), tmp_path / "dev.log"
    dev = Child([installed.signalman, "dev", "--port", str(port)], log=log, cwd=installed.elsewhere)
    try:
        dev.wait_ready(lambda: "Ctrl-C ends it" in log.read_text(), timeout=60)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            page = http.get("/").raise_for_status()
            parts = re.findall(r'(?:href|src)="(/?[\w/.-]+\.(?:js|css|svg))"', page.text)
            assert parts
            for part in parts:
                http.get(f"/{part.removeprefix('/')}").raise_for_status()
            answer = http.get("/v1/channels/streams/snapshot", headers={"Authorization": "Bearer dev-demo"})
            assert answer.raise_for_status().json()["rows"]
        assert healthy(port)
    finally:
        code = dev.stop()
    assert code == 0, log.read_text()
    assert not healthy(port)
    assert list(installed.elsewhere.iterdir()) == []


def healthy(port: int) -> bool:
    """What the image's health check says about a gateway on *port* (no relay runs on its own)."""
    found = re.search(r"^HEALTHCHECK .+\\\n +CMD (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    _, *arguments = json.loads(found[1])
    env = {"SIGNALMAN_GATEWAY__PORT": str(port), "SIGNALMAN_RELAY__PORT": str(free_port())}
    return subprocess.run([sys.executable, *arguments], env=env, check=False).returncode == 0
