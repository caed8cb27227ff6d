"""The commands that look and try."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import signalman
from signalman.cli import app
from signalman.config import default_file

DEV = str(default_file("dev.toml"))
TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
SECRET = "a-secret-of-more-than-thirty-two-bytes"


def test_help_lists_every_command(runner: CliRunner) -> None:
    """Whoever asks for help, or says nothing, sees what there is."""
    shown = runner.invoke(app, ["--help"])

    assert shown.exit_code == 0
    for command in (
        "serve",
        "relay",
        "gateway",
        "dev",
        "tail",
        "check",
        "channels",
        "config",
        "migrate",
        "token",
        "simulate",
        "version",
    ):
        assert command in shown.output
        assert runner.invoke(app, [command, "--help"]).exit_code == 0
    assert runner.invoke(app, []).output.strip() == shown.output.strip()


def test_version(runner: CliRunner) -> None:
    """As a command and as an option, alone on its line."""
    assert runner.invoke(app, ["version"]).stdout == f"{signalman.__version__}\n"
    assert runner.invoke(app, ["--version"]).stdout == f"{signalman.__version__}\n"


def test_a_mistyped_command(runner: CliRunner) -> None:
    """The nearest command is offered, with the exit code of wrong usage."""
    result = runner.invoke(app, ["gatway"])

    assert result.exit_code == 2
    assert "gateway" in result.stderr


def test_config_shows_what_is_in_effect_without_secrets(runner: CliRunner) -> None:
    """The file, the environment and the option are in, and the secrets are not."""
    environ = {"SIGNALMAN_GATEWAY__PORT": "1", "JWT_SECRET": SECRET}
    result = runner.invoke(app, ["--config", DEV, "--log-level", "debug", "config"], env=environ)

    shown = tomllib.loads(result.stdout)
    assert result.exit_code == 0
    assert shown["gateway"]["host"] == "127.0.0.1"
    assert shown["gateway"]["port"] == 1
    assert shown["log"]["level"] == "debug"
    assert SECRET not in result.output
    assert "dev-demo" not in result.output


def test_configuration_faults_are_sentences(runner: CliRunner, tmp_path: Path) -> None:
    """All of them, on standard error, with exit code 2 and without a traceback."""
    path = tmp_path / "x.toml"
    path.write_text("[gateway]\nport = 0.5\nprot = 1\n")

    result = runner.invoke(app, ["-c", str(path), "config"])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "error: 2 faults",
        f"  {path}: gateway.port: must be a whole number",
        f'  {path}: gateway.prot: unknown key, did you mean "port"?',
    ]


def test_the_environment_names_the_file(runner: CliRunner) -> None:
    """SIGNALMAN_CONFIG works as --config does."""
    result = runner.invoke(app, ["config"], env={"SIGNALMAN_CONFIG": DEV})

    assert tomllib.loads(result.stdout)["gateway"]["host"] == "127.0.0.1"


def test_check_of_what_comes_with_signalman(runner: CliRunner) -> None:
    """Nothing is wrong, and a short summary says what was checked."""
    result = runner.invoke(app, ["--config", DEV, "check"])

    assert result.exit_code == 0, result.output
    assert "configuration: no faults" in result.stdout
    assert "frameworks" in result.stdout
    assert "streams" in result.stdout


def test_check_tells_faults_of_configuration_and_channels_together(runner: CliRunner, tmp_path: Path) -> None:
    """One round is enough to mend everything: file, key and reason of each."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.toml").write_text("[pack\n")
    (folder / "Bad Name.toml").write_text("nonsense = 1\n")
    result = runner.invoke(app, ["check", "--channels", str(folder)], env={"SIGNALMAN_GATEWAY__PORT": "x"})

    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{folder / 'pack.toml'}: is not TOML" in result.stderr
    assert f"{folder / 'Bad Name.toml'}: nonsense: unknown key" in result.stderr
    assert "environment: SIGNALMAN_GATEWAY__PORT: must be a whole number" in result.stderr


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SIGNALMAN_CHANNELS__PACK": "framework"}, 'no such pack comes with Signalman, did you mean "frameworks"?'),
        ({"SIGNALMAN_CHANNELS__PATH": "/nowhere"}, "/nowhere: there is no such folder"),
        ({"SIGNALMAN_KAFKA__TOPICS__ANALYTIC": "x"}, "kafka.topics.analytic: the pack has no such topic"),
    ],
)
def test_check_holds_configuration_and_pack_together(runner: CliRunner, environ: dict[str, str], said: str) -> None:
    """A configuration that is right by itself may not fit the pack."""
    result = runner.invoke(app, ["check"], env=environ)

    assert result.exit_code == 2
    assert said in result.stderr
