"""The commands that run until they are stopped: what they hand over, and how they end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import signalman
from signalman.cli import app as application
from signalman.cli import main
from signalman.cli.running import run
from signalman.config import Config
from signalman.errors import BackendUnavailable, ConfigError, Fault


class Composed(ModuleType):
    """A composition root that notes what it is asked to run."""

    def __init__(self) -> None:
        super().__init__("signalman.compose")
        self.ran: list[tuple[str, Config, dict[str, Any]]] = []
        self.fails_with: BaseException | None = None
        self.started = SimpleNamespace(
            host="127.0.0.1", port=12345, accounts=(("demo", "dev-demo"), ("aurora", "dev-aurora"))
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def start(config: Config, *callbacks: Callable[[Any], None], **options: Any) -> Coroutine[Any, Any, None]:
            return self._run(name, config, callbacks, options)

        return start

    async def _run(
        self, name: str, config: Config, callbacks: Sequence[Callable[[Any], None]], options: dict[str, Any]
    ) -> None:
        self.ran.append((name, config, options))
        for started in callbacks:
            started(self.started)
        if self.fails_with:
            raise self.fails_with


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> Composed:
    """Stands where the real composition root does: a process's insides are tested elsewhere."""
    module = Composed()
    monkeypatch.setitem(sys.modules, "signalman.compose", module)
    monkeypatch.setattr(signalman, "compose", module, raising=False)
    return module


@pytest.mark.parametrize(
    ("command", "function"),
    [("relay", "run_relay"), ("gateway", "run_gateway"), ("serve", "run_serve"), ("dev", "run_dev")],
)
def test_a_command_runs_its_part(runner: CliRunner, composed: Composed, command: str, function: str) -> None:
    """Each command hands the configuration over to the part of its name."""
    result = runner.invoke(application, [command], env={"SIGNALMAN_GATEWAY__PORT": "1234"})

    assert result.exit_code == 0, result.output
    ((name, config, _),) = composed.ran
    assert name == function
    assert config.gateway.port == 1234


def test_dev_has_its_own_file_unless_one_is_given(runner: CliRunner, composed: Composed) -> None:
    """`signalman dev` works without any configuration, and obeys the one it is given."""
    runner.invoke(application, ["dev"])
    runner.invoke(application, ["dev"], env={"SIGNALMAN_CONFIG": os.devnull})
    runner.invoke(application, ["--config", os.devnull, "dev"])

    assert [bool(config.access.accounts) for _, config, _ in composed.ran] == [True, False, False]


def test_dev_says_where_to_look_and_what_to_type(runner: CliRunner, composed: Composed) -> None:
    """Once it serves: the dashboard's address, and a line for the terminal with a token that works."""
    result = runner.invoke(application, ["dev"])

    assert result.exit_code == 0, result.output
    assert f"http://localhost:{composed.started.port}/" in result.stdout
    assert f"SIGNALMAN_URL=ws://localhost:{composed.started.port} SIGNALMAN_TOKEN=dev-demo" in result.stdout
    assert "dev-aurora" in result.stdout


@pytest.mark.parametrize("command", ["gateway", "serve", "dev"])
def test_the_port_can_be_given(runner: CliRunner, composed: Composed, command: str) -> None:
    """A platform that chooses the port can pass it on; a wrong one is a fault of the option."""
    assert runner.invoke(application, [command, "--port", "0"]).exit_code == 0
    assert composed.ran[0][1].gateway.port == 0

    result = runner.invoke(application, [command, "--port", "99999"])
    assert result.exit_code == 2
    assert "command line: --port: must be at most 65535" in result.stderr


def test_simulate_hands_its_options_over(runner: CliRunner, composed: Composed) -> None:
    """Options are settings of [simulate] and [kafka], checked like all others."""
    arguments = "--kafka a:1,b:2 --clickhouse --rate 10 --seed 3 --tenants 5 --lag 0 --speed 2 --duration 7"
    result = runner.invoke(application, ["simulate", *arguments.split()])

    assert result.exit_code == 0, result.output
    ((name, config, options),) = composed.ran
    assert name == "simulate"
    assert config.kafka.brokers == ("a:1", "b:2")
    simulate = config.simulate
    assert (simulate.rate, simulate.seed, simulate.tenants, simulate.lag_seconds, simulate.speed) == (10, 3, 5, 0, 2)
    assert options == {"clickhouse": True, "duration_seconds": 7}


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BackendUnavailable("kafka", "does not answer"), 1, "error: kafka: does not answer\n"),
        (ConfigError([Fault("f", "k", "r")]), 2, "error: 1 fault\n  f: k: r\n"),
        (ExceptionGroup("", [ExceptionGroup("", [BackendUnavailable("redis", "full")])]), 1, "error: redis: full\n"),
    ],
)
def test_our_errors_are_sentences(
    runner: CliRunner, composed: Composed, error: BaseException, code: int, said: str
) -> None:
    """Alone or inside a task group's wrapping: a sentence, an exit code, no traceback."""
    composed.fails_with = error
    result = runner.invoke(application, ["relay"])

    assert result.exit_code == code
    assert result.stderr == said


@pytest.mark.parametrize("error", [RuntimeError("at 192.0.2.7"), ExceptionGroup("", [RuntimeError("at 192.0.2.7")])])
def test_a_crash_is_logged_scrubbed(
    composed: Composed, error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody expected ends with code 1 and one log line that has the traceback and no address."""
    composed.fails_with = error
    monkeypatch.setattr(sys, "argv", ["signalman", "relay"])

    with pytest.raises(SystemExit) as ended:
        main()

    shown = capsys.readouterr().err
    assert ended.value.code == 1
    assert "crashed" in shown
    assert "RuntimeError" in shown
    assert "192.0.2.7" not in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_good_end(number: signal.Signals) -> None:
    """The first signal cancels, the work tidies up, and `run` returns; a second one would kill."""
    seen: list[object] = []

    async def work() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(signal.getsignal(number))

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        run(work())
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

    assert seen == [signal.SIG_DFL]


def test_work_that_ends_by_itself() -> None:
    """Without a signal, `run` returns when the work does, on uvloop, and leaves the signals as they were."""
    loops: list[str] = []

    async def work() -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)

    before = signal.getsignal(signal.SIGINT)
    run(work())

    assert loops == ["uvloop"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_cancellation_from_within_is_no_good_end() -> None:
    """Work that is cancelled although nobody asked for it has failed."""

    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(work())
