"""Fetching the broker's jars, with a pretend Maven; and what is said when something is missing."""

from pathlib import Path

import pytest

from tests.servers import Kafka, MissingServerError
from tests.servers.kafka_jars import kafka_jars

MAVEN = """#!/bin/sh
echo "$@" >> "$SIGNALMAN_TEST_CACHE/calls"
for word; do case "$word" in -DoutputDirectory=*) folder="${word#*=}";; esac; done
/bin/mkdir -p "$folder" && : > "$folder/kafka.jar"
"""


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pretend Maven, the only program on the path, and an empty cache."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "mvn"
    program.write_text(MAVEN)
    program.chmod(0o755)
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("SIGNALMAN_TEST_CACHE", str(tmp_path / "cache"))
    return program


def test_jars_are_fetched_once(maven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Maven runs the first time only, with a word on standard error, and leaves nothing but the folder."""
    jars = kafka_jars()
    assert [jar.name for jar in jars.iterdir()] == ["kafka.jar"]
    assert f"fetching {jars.name} by Maven" in capsys.readouterr().err
    maven.unlink()
    assert kafka_jars() == jars
    assert (tmp_path / "cache" / "calls").read_text().count("\n") == 1
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"calls", jars.name}


def test_a_fetch_that_fails_leaves_nothing(maven: Path, tmp_path: Path) -> None:
    """When Maven fails half-way, its words are the reason, and the next time starts anew."""
    good = maven.read_text()
    maven.write_text(good + "echo 'no route to the repository'; exit 1\n")
    with pytest.raises(MissingServerError, match="no route to the repository"):
        kafka_jars()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["calls"]
    maven.write_text(good)
    assert (kafka_jars() / "kafka.jar").exists()


def test_another_process_may_be_first(maven: Path, tmp_path: Path) -> None:
    """When the folder appears while Maven runs, that one is used and the second one thrown away."""
    name = kafka_jars().name
    target = tmp_path / "cache" / name
    (target / "kafka.jar").unlink()
    target.rmdir()
    maven.write_text(f'{maven.read_text()}/bin/mkdir -p "{target}" && : > "{target}/theirs.jar"\n')
    assert [jar.name for jar in kafka_jars().iterdir()] == ["theirs.jar"]


def test_without_maven_the_reason_names_it(maven: Path) -> None:
    """No Maven and an empty cache: a clear reason, not a traceback."""
    maven.unlink()
    with pytest.raises(MissingServerError, match="Maven"):
        kafka_jars()


@pytest.mark.parametrize(("says", "reason"), [(None, "Java is not on the path"), ("1.8.0_402", "needs Java 17")])
def test_without_java_the_reason_names_it(maven: Path, tmp_path: Path, says: str | None, reason: str) -> None:
    """No Java, or one that is too old for the broker, is told as such before anything is fetched."""
    if says:
        java = maven.with_name("java")
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{says}\"' >&2\n")
        java.chmod(0o755)
    with pytest.raises(MissingServerError, match=reason):
        Kafka(tmp_path / "kafka")
    assert not list((tmp_path / "cache").iterdir())
