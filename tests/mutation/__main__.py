"""``python -m tests.mutation``: changes the code that decides who may see what, one place at a time, and has the tests
find each change.

mutmut makes the changes. One that no test finds is either a hole in the tests, and this ends with 1, or listed in
`harmless.toml`, with the reason why it changes nothing that anybody could see.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).parents[2]
_HOME = _ROOT / ".cache" / "mutation"
_TOOL = Path(__file__).with_name("tool.py")
_HARMLESS = Path(__file__).with_name("harmless.toml")

MUTATED = (
    "signalman/access/*.py",
    "signalman/gateway/entitlement.py",
    "signalman/gateway/requests.py",
    "signalman/gateway/views.py",
    "signalman/gateway/replay.py",
    "signalman/gateway/changes.py",
)
TESTS = (
    "tests/unit/access",
    "tests/unit/gateway/test_changes.py",
    "tests/unit/gateway/test_entitlement.py",
    "tests/unit/gateway/test_replay.py",
    "tests/unit/gateway/test_requests.py",
    "tests/unit/gateway/test_views.py",
)
"""Each claims one thing, and is quick. The random worlds of `test_isolation.py` are not among them: what only they find
is one unlucky draw away from being found by nobody.

mutmut asks for tests by their ids, again and again in one process: an id must hold nothing random and no backslash.
"""

# The same examples for each change, or what one run finds the next would miss.
_CONFIGURATION = f"""
[tool.mutmut]
source_paths = ["signalman"]
only_mutate = {list(MUTATED)}
also_copy = ["channels", "config", "tests"]
pytest_add_cli_args_test_selection = {list(TESTS)}
pytest_add_cli_args = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-profile=ci"]
timeout_multiplier = 4.0
timeout_constant = 10.0
"""

_FOUND = frozenset({"killed", "timeout"})
"""A change that lets a test go on for ever is found as well."""


@dataclass(frozen=True)
class Mutant:
    """A change that no test found."""

    name: str
    before: str
    """The lines that it changed, without their indentation."""
    after: str

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.name}\n  - {self.before}\n  + {self.after}"


def main() -> int:
    """Make all changes that match; the exit code says whether one was found by nobody."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("names", nargs="*", help="only changes with these names, such as 'signalman.access.grants.*'")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    words = parser.parse_args()
    _prepare()
    _say(f"Changing {', '.join(MUTATED)}: about a second for each change.")
    with (_HOME / "mutmut.log").open("wb") as log:
        ran = _mutmut("run", "--max-children", str(words.jobs), *words.names, stdout=log)
    if ran.returncode:
        _say(f"mutmut failed; see {_HOME / 'mutmut.log'}")
        return ran.returncode
    outcomes = {name: outcome for name, outcome in _outcomes() if outcome != "not checked"}
    return _report(outcomes, [_look(name) for name, outcome in outcomes.items() if outcome not in _FOUND])


def _prepare() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)
    _HOME.mkdir(parents=True)
    for folder in ("signalman", "channels", "config", "tests"):
        shutil.copytree(_ROOT / folder, _HOME / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (_HOME / "pyproject.toml").write_text((_ROOT / "pyproject.toml").read_text() + _CONFIGURATION)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _mutmut(*words: str, stdout: int | IO[bytes] = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(_TOOL), *words], cwd=_HOME, stdout=stdout, stderr=subprocess.STDOUT, text=True, check=False
    )


def _outcomes() -> Iterator[tuple[str, str]]:
    for line in _mutmut("results", "--all", "true").stdout.splitlines():
        name, colon, outcome = line.strip().rpartition(": ")
        if colon:
            yield name, outcome


def _look(name: str) -> Mutant:
    lines = _mutmut("show", name).stdout.splitlines()
    body = [line for line in lines if not line.startswith(("---", "+++"))]
    return Mutant(name, _side(body, "-"), _side(body, "+"))


def _side(lines: list[str], sign: str) -> str:
    return " ".join(line[1:].strip() for line in lines if line.startswith(sign))


def _report(outcomes: Mapping[str, str], left: Collection[Mutant]) -> int:
    listed = _listed()
    known = {mutant.name for mutant in left if (_module(mutant.name), mutant.before, mutant.after) in listed}
    unfound = [mutant for mutant in left if mutant.name not in known]
    _say(f"{'changes':>8}{'found':>8}{'harmless':>10}{'left':>6}")
    made = Counter(map(_module, outcomes))
    harmless = Counter(map(_module, known))
    lost = Counter(_module(mutant.name) for mutant in unfound)
    for module in sorted(made):
        _say(_row(module, made[module], harmless[module], lost[module]))
    _say(_row("all", made.total(), harmless.total(), lost.total()))
    for mutant in unfound:
        _say(str(mutant))
    return 1 if unfound else 0


def _row(name: str, made: int, harmless: int, lost: int) -> str:
    return f"{made:>8}{made - harmless - lost:>8}{harmless:>10}{lost:>6}  {name}"


def _module(name: str) -> str:
    return name.rpartition(".")[0]


def _listed() -> frozenset[tuple[str, str, str]]:
    changes = tomllib.loads(_HARMLESS.read_text())["change"]
    return frozenset((each["module"], each["before"], each["after"]) for each in changes)


if __name__ == "__main__":
    sys.exit(main())
