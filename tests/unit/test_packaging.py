"""What is delivered agrees with itself: project file, locks, image, Procfile and the compose example."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import signalman
from signalman.catalog import default_folder
from signalman.cli import app
from signalman.config import Config, default_file
from signalman.config.environment import PREFIX, kind_of
from signalman.config.frameworks import NAMES

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "config/compose.yaml").read_text())

BUILD = ["hatchling", "editables"]  # what an editable install without network needs
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {
    "requirements.lock": PROJECT["dependencies"],
    "requirements-build.lock": BUILD,
    "requirements-embedded.lock": [*PROJECT["dependencies"], *EXTRAS["embedded"], *BUILD],
    "requirements-dev.lock": [*PROJECT["dependencies"], *(each for extra in EXTRAS.values() for each in extra), *BUILD],
}

USED_BY_ANOTHER = {"chdb": "clickhouse-connect", "httptools": "uvicorn"}
"""Dependencies that no module of ours imports, and who does."""

BROUGHT_BY = {"starlette": "fastapi", "pydantic-core": "pydantic"}
"""Packages that our modules import without a requirement of their own, and the dependency they are a part of."""


def names(requirements: list[str]) -> set[str]:
    """The packages of *requirements*."""
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def pins(lock: str) -> dict[str, set[str]]:
    """Package → its pins with the condition of each."""
    found: dict[str, set[str]] = {}
    for name, pin in re.findall(r"^([a-z0-9.-]+)==([^\\\n]+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(pin.strip())
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_every_direct_dependency(lock: str) -> None:
    """Nothing is asked for that the lock does not pin: an installation with hashes would refuse it."""
    assert names(LOCKS[lock]) <= set(pins(lock))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_names_versions_and_hashes_only(lock: str) -> None:
    """No address of an index, no option, no path: a lock works behind any mirror."""
    pin = re.compile(r"[a-z0-9.-]+==[^\s;]+( ; [^\\]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = [line for line in (ROOT / lock).read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not pin.fullmatch(line) and not digest.fullmatch(line)] == []


def test_every_lock_is_a_part_of_the_largest() -> None:
    """What is tested is what is delivered: the same version of a package in every lock."""
    tested = {name: {pin.split(" ;")[0] for pin in each} for name, each in pins("requirements-dev.lock").items()}
    for lock in LOCKS:
        for name, each in pins(lock).items():
            assert {pin.split(" ;")[0] for pin in each} <= tested[name], f"{name} in {lock}"


def test_every_dependency_is_used_and_every_import_is_asked_for() -> None:
    """A dependency that nobody imports is dropped, and none comes by chance."""
    asked = names([*PROJECT["dependencies"], *EXTRAS["embedded"]])
    provided = packages_distributions()
    imported = {canonicalize_name(provided[package][0]) for package in imported_packages() if package in provided}
    assert imported - {"signalman"} - asked == set(BROUGHT_BY)
    assert asked - imported == set(USED_BY_ANOTHER)
    assert {*BROUGHT_BY.values(), *USED_BY_ANOTHER.values()} <= asked


def imported_packages() -> set[str]:
    """Top-level names of what the package's modules import, without the standard library."""
    found: set[str] = set()
    for path in (ROOT / "signalman").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0])
    return found - set(sys.stdlib_module_names)


def test_every_dependency_has_its_reason() -> None:
    """`docs/architecture.md` names each in its table, and the tests' own below it."""
    section = (ROOT / "docs/architecture.md").read_text().split("## Dependencies", 1)[1].split("\n## ", 1)[0]
    told = set(re.findall(r"[a-z][a-z0-9-]+", section.lower()))
    assert names([*PROJECT["dependencies"], *EXTRAS["embedded"], *EXTRAS["test"]]) <= told


def test_the_version_is_one() -> None:
    """Package, metadata, project file and changelog tell the same version."""
    assert signalman.__version__ == PROJECT["version"] == version("signalman")
    assert PROJECT["version"] in (ROOT / "CHANGELOG.md").read_text()


def test_a_checkout_uses_its_own_files() -> None:
    """What a person edits in the checkout is what runs, not the copy that an editable install leaves behind."""
    assert default_folder("frameworks") == ROOT / "channels" / "frameworks"
    assert default_file("dev.toml") == ROOT / "config" / "dev.toml"


def commands() -> set[str]:
    """The commands that the program has."""
    group = typer.main.get_command(app)
    return set(getattr(group, "commands", {}))


def test_the_procfile_starts_commands_that_exist() -> None:
    """`web` and `relay`, as platforms call them; where the platform gives no port it is the default."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert set(lines) == {"web", "relay"}
    for command in lines.values():
        program, name = command.split()[:2]
        assert program == "signalman"
        assert name in commands()
    assert f"${{PORT:-{Config().gateway.port}}}" in lines["web"]


def test_the_image_exposes_the_default_ports() -> None:
    """EXPOSE and the health check know the ports that the commands use by default."""
    ports = [str(Config().gateway.port), str(Config().relay.port)]
    exposed = re.search(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)
    assert exposed
    assert exposed[1].split() == ports
    check = re.search(r"^HEALTHCHECK .+\\\n +CMD (.+)$", DOCKERFILE, re.MULTILINE)
    assert check
    code = json.loads(check[1])[2]
    assert re.findall(r"'(\d{4,5})'", code) == ports
    for section in re.findall(r"'([A-Z]+)', '\d", code):
        assert kind_of((section.lower(), "port"))


def test_the_image_starts_a_command_that_exists() -> None:
    """The default role is a command."""
    default = re.search(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert default
    assert json.loads(default[1])[0] in commands()


def test_the_image_gets_what_it_copies() -> None:
    """Everything that the Dockerfile copies from the checkout is there, and passes `.dockerignore`."""
    allowed = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        source for line in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.MULTILINE) for source in line.split()
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_compose_sets_variables_that_exist() -> None:
    """Each is a setting of ours or one of the names that FrameWorks deployments use."""
    for service in ours().values():
        for name in service["environment"]:
            known = name in NAMES or bool(kind_of(tuple(name.removeprefix(PREFIX).lower().split("__"))))
            assert known, f"{name} is no setting"


def test_compose_starts_commands_that_exist_on_their_ports() -> None:
    """Roles are commands, and what is published is where a gateway listens."""
    assert {service["command"][0] for service in ours().values()} <= commands()
    published = [port.rsplit(":", 1)[1] for service in ours().values() for port in service.get("ports", [])]
    assert published == [str(Config().gateway.port)]


def ours() -> dict[str, dict[str, Any]]:
    """The services that run Signalman."""
    return {name: service for name, service in COMPOSE["services"].items() if "build" in service}
