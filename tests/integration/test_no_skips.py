"""`CI=true` forbids skips, and the environment of whoever runs the tests does not reach them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import leaks

ROOT = Path(__file__).parents[2]

SKIPS = """
import pytest

@pytest.fixture
def server():
    pytest.skip("no server here")

def test_in_body():
    pytest.skip("not today")

@pytest.mark.skipif(True, reason="wrong machine")
def test_by_mark(): ...

def test_in_fixture(server): ...

def test_by_import():
    pytest.importorskip("no_such_module_anywhere")

@pytest.mark.xfail(reason="known")
def test_expected_failure():
    assert False

def test_fine(): ...
"""
MODULE = "import pytest\npytest.importorskip('no_such_module_anywhere')\n"


def run(folder: Path, source: str, **environment: str) -> tuple[int, str]:
    """Run pytest, with the plugin, on a file in a folder of its own; return its exit code and output."""
    (folder / "test_it.py").write_text(source)
    clean = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_ADDOPTS"}}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "tests.no_skips", "--rootdir", str(folder), str(folder)],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_in_ci_every_skip_fails(tmp_path: Path) -> None:
    """Skips by call, mark, fixture and import fail the run with their reason; an expected failure does not."""
    code, output = run(tmp_path, SKIPS, CI="true")
    assert code == pytest.ExitCode.TESTS_FAILED
    for reason in ("not today", "wrong machine", "no server here", "could not import 'no_such_module_anywhere'"):
        assert f"CI=true forbids leaving a test out, but: {reason}" in output
    # A skip in a fixture is an error of the test's setup.
    assert "2 failed, 1 passed, 1 xfailed, 2 errors" in output


def test_in_ci_a_skipped_module_fails(tmp_path: Path) -> None:
    """A module that leaves itself out as a whole fails the run too, with its reason."""
    code, output = run(tmp_path, MODULE, CI="true")
    assert code == pytest.ExitCode.INTERRUPTED
    assert "CI=true forbids leaving a test out, but: could not import 'no_such_module_anywhere'" in output


@pytest.mark.parametrize("environment", [{}, {"CI": ""}, {"CI": "false"}])
def test_elsewhere_a_skip_is_a_skip(tmp_path: Path, environment: dict[str, str]) -> None:
    """On a machine of somebody's own, what is missing is left out and the run is good."""
    code, output = run(tmp_path, SKIPS, **environment)
    assert code == pytest.ExitCode.OK
    assert "1 passed, 4 skipped, 1 xfailed" in output
    code, output = run(tmp_path, MODULE, **environment)
    assert "1 skipped" in output


@pytest.mark.parametrize(
    "name", ["SIGNALMAN_CONFIG", "KAFKA_BROKERS", "CLICKHOUSE_HOST", "REDIS_URL", "DATABASE_URL", "JWT_SECRET",
             "SERVICE_TOKEN", "PGPASSWORD", "https_proxy"],
)  # fmt: skip
def test_settings_do_not_leak_in(name: str) -> None:
    """Variables that the program or its drivers would read are recognised, and gone."""
    assert leaks(name)
    assert name not in os.environ


@pytest.mark.parametrize("name", ["SIGNALMAN_TEST_CACHE", "PATH", "HOME", "CI", "JAVA_HOME", "NO_PROXY"])
def test_what_the_tests_need_stays(name: str) -> None:
    """Variables that are for the tests or the machine are left alone."""
    assert not leaks(name)
