"""`signalman check`: warnings, and a configuration and a pack that are looked at together."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from signalman.cli import app
from tests.unit.catalog.sample import MINIMAL, write

SEEN = MINIMAL + '[events.seen]\nkeep = ["client_ip", "user_id"]\nexpose = ["client_ip"]\n'
ARGUED = 'why = { client_ip = "a network of our own", user_id = "of a machine" }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack with two choices to frown at."""
    return write(tmp_path, seen=SEEN)


def test_warnings_come_after_the_summary(runner: CliRunner, folder: Path) -> None:
    """A line each, with file, key and sentence, on standard error; the pack is sound all the same."""
    result = runner.invoke(app, ["check", "--channels", str(folder)])
    assert result.exit_code == 0
    assert result.stdout.startswith("configuration: no faults\n")
    file = folder / "seen.toml"
    places = [line.split('"')[0] for line in result.stderr.splitlines()]
    assert places == [f"warning: {file}: events.seen.expose: ", f"warning: {file}: events.seen.keep: "]


def test_strict_fails_where_there_are_warnings(runner: CliRunner, folder: Path) -> None:
    """With the exit code of a fault; where each has an answer, there is none, and no failure."""
    assert runner.invoke(app, ["check", "--strict", "--channels", str(folder)]).exit_code == 2
    (folder / "seen.toml").write_text(SEEN + ARGUED, encoding="utf-8")
    result = runner.invoke(app, ["check", "--strict", "--channels", str(folder)])
    assert (result.exit_code, result.stderr) == (0, "")


def test_strict_passes_what_ships(runner: CliRunner) -> None:
    """The pack of FrameWorks has an answer to everything."""
    assert runner.invoke(app, ["check", "--strict"]).exit_code == 0


def test_an_extension_is_checked(runner: CliRunner, tmp_path: Path) -> None:
    """As a whole, with its own files named."""
    (tmp_path / "pack.toml").write_text('[pack]\nname = "own"\ntitle = "O"\nformat = 1\nextends = "frameworks"\n')
    (tmp_path / "streams.toml").write_text('[events.stream_end.redakt]\nstream_id = "hash"\n')
    result = runner.invoke(app, ["check", "--channels", str(tmp_path)])
    assert result.exit_code == 2
    assert (
        f'{tmp_path / "streams.toml"}: events.stream_end.redakt: unknown key, did you mean "redact"?' in result.stderr
    )
