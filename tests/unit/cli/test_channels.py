"""`signalman channels`: what is there, and the pack as a document."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from signalman.catalog import default_folder, load
from signalman.catalog.document import document
from signalman.cli import app
from tests.unit.catalog.sample import write
from tests.unit.relay.explaining import PACK, PLAYS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack in which everything happens."""
    return write(tmp_path, PACK, plays=PLAYS)


def test_every_channel_of_the_pack(runner: CliRunner) -> None:
    """Title, permissions, event types, filters and tables of each, without an argument."""
    shown = runner.invoke(app, ["channels"])
    assert shown.exit_code == 0, shown.output
    for channel in load(default_folder("frameworks")).channels.values():
        assert f"{channel.name}  {channel.title}" in shown.output
        for name in (*channel.events, *channel.filters, *channel.tables, *channel.permissions, *channel.roles):
            assert name in shown.output


def test_in_short(runner: CliRunner, folder: Path) -> None:
    """What an event type tells and is also called, whose a batch is, a table's key and what changes it, who may read,
    and limits that are not the usual ones.
    """
    shown = runner.invoke(app, ["channels", "--channels", str(folder)]).output
    for said in (
        "Somebody plays a stream. Also known as play_resolve.",
        "A batch of play.",
        "Plays now. Key stream_id. Changed by play.",
        "tokens with permission plays:read or read; people with role member or owner; each within the own tenant only",
        "4,096 bytes in an event",
    ):
        assert said in shown
    assert "falls behind" not in shown
    assert "hidden" not in shown


def test_one_channel_in_full(runner: CliRunner, folder: Path) -> None:
    """Its fields, what is done to them, what is hidden and why; its tables' columns; all policies."""
    shown = runner.invoke(app, ["channels", "plays", "--channels", str(folder)])
    assert shown.exit_code == 0, shown.output
    for said in (
        "labels {*}",
        "hits {rule, at}",
        "place.city: no person",
        "latitude: centroid with longitude, resolution 5",
        "details: json keeping reason",
        "viewer: who it was",
        "labels.owner: a person",
        "stream_id, city, updated_at",
        "a client that falls behind gets everything anew (reset)",
    ):
        assert said in shown.output
    assert "labels.owner: drop" not in shown.output


def test_a_policy_that_is_not_the_usual_one(runner: CliRunner, tmp_path: Path) -> None:
    """Is told in short too."""
    text = PLAYS.replace('slow_reader = "reset"', 'slow_reader = "skip"')
    folder = write(tmp_path, PACK, plays=text[: text.index("[[events.play.rows]]")])
    assert "goes on with the newest events (skip)" in runner.invoke(app, ["channels", "--channels", str(folder)]).output


@pytest.mark.parametrize("arguments", [["plays"], ["show", "plays"]])
@pytest.mark.parametrize("before", [True, False])
def test_ways_to_say_it(runner: CliRunner, folder: Path, arguments: list[str], before: bool) -> None:  # noqa: FBT001
    """With and without the word ``show``, the folder before or after."""
    option = ["--channels", str(folder)]
    shown = runner.invoke(app, ["channels", *(option if before else []), *arguments, *([] if before else option)])
    assert shown.exit_code == 0, shown.output
    assert "place.city: no person" in shown.output


def test_unknown_channels(runner: CliRunner, folder: Path) -> None:
    """All of them, each with the nearest name; exit code 2, nothing shown."""
    shown = runner.invoke(app, ["channels", "pläys", "zzz", "plays", "--channels", str(folder)])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert 'pläys: no such channel in pack sample, did you mean "plays"?' in shown.stderr
    assert 'zzz: no such channel in pack sample; known here: "plays"' in shown.stderr


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_it_fits_and_can_be_pasted(runner: CliRunner, columns: int) -> None:
    """No line is wider than the terminal, and none ends in spaces."""
    for arguments in (["channels"], ["channels", "streams", "analytics", "system", "messaging", "ai"]):
        lines = runner.invoke(app, arguments, env={"COLUMNS": str(columns)}).stdout.splitlines()
        assert len(lines) > 20
        assert [line for line in lines if line != line.rstrip()] == []
        if columns >= 80:
            assert [line for line in lines if len(line) > columns] == []


def test_a_faulty_pack(runner: CliRunner, tmp_path: Path) -> None:
    """Its faults are told as `signalman check` tells them."""
    shown = runner.invoke(app, ["channels", "--channels", str(tmp_path / "nowhere")])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "there is no such folder" in shown.stderr


def test_document(runner: CliRunner, folder: Path) -> None:
    """The pack as Markdown, and nothing else."""
    shown = runner.invoke(app, ["channels", "document", "--channels", str(folder)])
    assert (shown.exit_code, shown.stdout) == (0, document(load(folder)))
