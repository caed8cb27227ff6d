"""The documents agree with the code and with one another."""

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer
from prometheus_client import Metric

import signalman
from signalman.cli import app
from signalman.config import Config
from signalman.config.environment import kind_of, variables
from signalman.config.frameworks import ADDRESS, NAMES
from signalman.metrics import Metrics
from signalman.relay.deadletter import MAX_LETTER_BYTES
from tests.unit.documents import ROOT, code_spans, documents, rows, section, slugs, text_of

OPERATIONS = text_of("docs/operations.md")
ARCHITECTURE = text_of("docs/architecture.md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
COMMANDS = set(getattr(typer.main.get_command(app), "commands", ()))

FILE_KINDS = ("cfg", "lock", "lua", "md", "py", "sql", "toml", "yaml")

WORDS = {
    "record": "signalman.event.Record",
    "event": "signalman.event.Event",
    "pack": "signalman.catalog.load",
    "channel": "signalman.channel.Channel",
    "scope": "signalman.event.Scope",
    "feed": "signalman.event.Feed",
    "publication": "signalman.event.Publication",
    "table": "signalman.table.Table",
    "row change": "signalman.table.RowChange",
    "view": "signalman.gateway.view.View",
    "subscription": "signalman.gateway.subscription.Subscription",
    "principal": "signalman.principal.Principal",
    "grant": "signalman.principal.Grant",
    "signal": "signalman.access_rules.SignalRule",
    "notice": "signalman.notice.Notice",
}
"""Word → what the code has for it."""


def names(path: Path) -> str:
    """A document's name for pytest."""
    return str(path.relative_to(ROOT))


def listed(text: str) -> set[str]:
    """The names of an enumeration such as ``a, b (why), c with d and e``."""
    plain = re.sub(r"\([^)]*\)", "", text)
    return {name.strip(" .`\n") for name in re.split(r",|\band\b|\bwith\b|\n", plain)} - {""}


def distributions(requirements: list[str]) -> dict[str, set[str]]:
    """Name → extras of each requirement."""
    found = {}
    for requirement in requirements:
        match = re.match(r"([\w-]+)(?:\[([\w,-]+)\])?", requirement)
        assert match
        found[match[1]] = set((match[2] or "").split(",")) - {""}
    return found


def metrics() -> Iterator[Metric]:
    """Every metric of a process."""
    return iter(Metrics().registry.collect())


def full_name(metric: Metric) -> str:
    """A metric's name as Prometheus shows it."""
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


@pytest.mark.parametrize("path", documents(), ids=names)
def test_links_lead_somewhere(path: Path) -> None:
    """Each link within the repository names a file that is there, and a heading that it has."""
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", text_of(path)):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert not anchor or anchor in slugs(text_of(there)), target


@pytest.mark.parametrize("path", documents(), ids=names)
def test_files_that_are_named_exist(path: Path) -> None:
    """Each path in backticks, from the top, from here or from the package, is a file or folder that is there."""
    text = text_of(path)
    places = (ROOT, path.parent, ROOT / "signalman", ROOT / "signalman/relay", ROOT / "channels/frameworks")
    own_examples = set(re.findall(r"`([\w.-]+)`:\n\n```", text))
    for span in set(code_spans(text)) - own_examples:
        first, slash, _ = span.partition("/")
        if re.fullmatch(r"[\w./-]+", span) and first:
            in_a_folder = slash and (ROOT / first).is_dir()
            if in_a_folder or span.rpartition(".")[2] in FILE_KINDS:
                assert any((place / span).exists() for place in places), span


@pytest.mark.parametrize("path", documents(), ids=names)
def test_commands_that_are_named_exist(path: Path) -> None:
    """Each `signalman …` and each `make …` in a document is one that a person can type."""
    text = text_of(path)
    spans = [*code_spans(text), *re.findall(r"^(make \w+)$", text, flags=re.MULTILINE)]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for span in spans:
        if match := re.match(r"(?:\S*/)?signalman ([a-z]\S*)", span):
            assert match[1] in COMMANDS, span
        if match := re.match(r"make ([a-z]+)", span):
            assert match[1] in targets, span


@pytest.mark.parametrize("path", documents(), ids=names)
def test_settings_and_metrics_that_are_named_exist(path: Path) -> None:
    """Each `section.key`, each ``SIGNALMAN_…`` variable and each metric in a document is one of the code's."""
    known = {full_name(metric) for metric in metrics()}
    # From its first channel on docs/redaction.md is generated: fields of a pack may be called like settings.
    for span in code_spans(text_of(path).partition("\n## Channel `")[0]):
        section_name, dot, key = span.partition(".")
        if section_name in Config.model_fields and dot and key not in FILE_KINDS and re.fullmatch(r"[\w.]+", span):
            found = kind_of((section_name, *key.split("."))) or hasattr(getattr(Config(), section_name), key)
            assert found, span
        if match := re.match(r"SIGNALMAN_[A-Z_]*__[A-Z_]+", span):
            assert match[0] in variables()
        if match := re.match(r"signalman_[a-z_]+", span):
            assert match[0] in known, span


def test_every_metric_is_explained() -> None:
    """The table of metrics has each of them with its type and labels, and nothing else."""
    told = {
        cells[0].strip("`"): (cells[1], set(code_spans(cells[2]))) for cells in rows(section(OPERATIONS, "Metrics"))
    }
    collectors = [each for name, each in vars(Metrics()).items() if name != "registry"]
    labels = {each._name: set(each._labelnames) for each in collectors}
    assert told == {full_name(metric): (metric.type, labels[metric.name]) for metric in metrics()}


def test_every_variable_of_frameworks_is_told() -> None:
    """The table of FrameWorks' variables has each of them, and the setting that it stands for."""
    told = {}
    for variable_cell, setting_cell in rows(section(OPERATIONS, "Settings")):
        told.update({variable: set(code_spans(setting_cell)) for variable in code_spans(variable_cell)})
    assert set(told) == {*NAMES, ADDRESS}
    for variable, key in NAMES.items():
        assert ".".join(key) in told[variable] or variable in {"CLICKHOUSE_HOST", "CLICKHOUSE_PORT"}


def test_log_lines_that_are_named_exist() -> None:
    """Each event that an operator is told to look for is written somewhere."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "signalman").rglob("*.py"))
    sentence = re.search(r"Lines to look for: (.*?)\.\n", section(OPERATIONS, "Logs"), flags=re.DOTALL)
    assert sentence
    for event in code_spans(sentence[1]):
        assert re.search(rf'log\.\w+\(\s*"{event}"', source), event


def test_numbers_of_operations() -> None:
    """Ports and sizes that an operator is told are the code's."""
    config = Config()
    processes = section(OPERATIONS, "Processes")
    assert f"| {config.relay.port}: " in processes
    assert f"| {config.gateway.port}: " in processes
    assert f":{config.gateway.port}\n" in (ROOT / "config/haproxy.cfg").read_text(encoding="utf-8")
    size = re.search(r"max\.message\.bytes=(\d+)", OPERATIONS)
    assert size
    # The batch around the letter takes a little.
    assert int(size[1]) > MAX_LETTER_BYTES + 64 * 1024


def test_every_command_is_in_the_readme() -> None:
    """The README's table of commands has each of them and no other."""
    told = [cells[0] for cells in rows(section(text_of("README.md"), "Commands"))]
    assert sorted(told) == sorted(f"`signalman {name}`" for name in COMMANDS)


def test_every_dependency_has_its_reason() -> None:
    """What is installed for running stands once in the table, with its extras, and nothing else does."""
    told = distributions(PROJECT["dependencies"]) | distributions(EXTRAS["embedded"])
    found: dict[str, set[str]] = {}
    for cell, reason in rows(section(ARCHITECTURE, "Dependencies, each with its reason")):
        assert reason
        extras = re.search(r"\((.*)\)", cell)
        for name in listed(cell):
            assert name not in found
            found[name] = set() if name == "chdb" or not extras else set(extras[1].split(", "))
    assert found == told


@pytest.mark.parametrize(("extra", "opening"), [("test", "Only for tests:"), ("lint", "Only for `make check`:")])
def test_every_development_dependency_is_named(extra: str, opening: str) -> None:
    """What only tests and checks need is named too, each once; packages of types go by one name."""
    sentence = re.search(rf"{re.escape(opening)}(.*?)\.(?:\s|$)", ARCHITECTURE, flags=re.DOTALL)
    assert sentence
    wanted = {
        "type stubs" if name.startswith("types-") or name.endswith("-stubs") else name
        for name in distributions(EXTRAS[extra])
    }
    assert listed(sentence[1]) == wanted


def test_the_changelog_has_the_version() -> None:
    """The newest version of the changelog, the package's and the project's are one."""
    versions = re.findall(r"^## \[(\d[^\]]*)\]", text_of("CHANGELOG.md"), flags=re.MULTILINE)
    assert versions[0] == PROJECT["version"] == signalman.__version__


def test_the_words_are_the_codes_words() -> None:
    """Each word of the architecture's table is what the code calls it, and it has no other."""
    told = [word for cells in rows(section(ARCHITECTURE, "Words")) for word in cells[0].split(", ")]
    assert told == list(WORDS)
    for word, place in WORDS.items():
        module, _, name = place.rpartition(".")
        assert hasattr(import_module(module), name), word


def test_the_house_has_these_rooms() -> None:
    """The list of rooms has each package and module of the top, and nothing that is not there."""
    block = re.search(r"^```\n(cli .*?)^```$", section(ARCHITECTURE, "The house"), flags=re.DOTALL | re.MULTILINE)
    assert block
    told: set[str] = set()
    for line in block[1].splitlines():
        room, explanation = re.split(r" {2,}|$", line, maxsplit=1)
        told |= set(explanation.split(":")[0].split()) if room == "vocabulary" else set(room.split())
    here = {
        path.stem for path in (ROOT / "signalman").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert told == here - {"__init__", "__main__"}
