"""`signalman check`, and what no command may ever print."""

import os
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from signalman.catalog import default_folder
from tests.acceptance.processes import SECRET, SIGNALMAN, Installation
from tests.acceptance.running import run
from tests.servers import Kafka
from tests.servers.ports import wait_for_async

CONFIG = """
[gateway]
port = "eighteen thousand"
prot = 1

[access]
jwt_secret = 5

[kafak]
brokers = []
"""


def signalman(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run(
        [SIGNALMAN, *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_check_of_good_files() -> None:
    """What is shipped has no faults, and nothing to frown at."""
    done = signalman("check", "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no faults" in done.stdout


def test_check_of_a_pack_of_ones_own(tmp_path: Path) -> None:
    """One that extends what is shipped is mounted by one setting; what it exposes is warned of, and fails with
    `--strict` only.
    """
    (tmp_path / "pack.toml").write_text('[pack]\nname = "ours"\ntitle = "Ours"\nformat = 1\nextends = "frameworks"\n')
    exposing = '[events.stream_end]\nkeep = ["stream_id", "client_ip"]\nexpose = ["client_ip"]\n'
    (tmp_path / "streams.toml").write_text(exposing)
    lenient = signalman("check", SIGNALMAN_CHANNELS__PATH=str(tmp_path))
    strict = signalman("check", "--strict", SIGNALMAN_CHANNELS__PATH=str(tmp_path))
    assert (lenient.returncode, strict.returncode) == (0, 2)
    assert "ours: Ours" in lenient.stdout
    (warning,) = lenient.stderr.splitlines()
    assert warning.startswith(f'warning: {tmp_path / "streams.toml"}: events.stream_end.expose: "client_ip" ')
    assert strict.stderr == lenient.stderr


def test_check_tells_every_fault_at_once(tmp_path: Path) -> None:
    """Of configuration, environment and channel files together: file, key and reason, on a line each, exit code 2, no
    traceback, and no value of a secret.
    """
    config = tmp_path / "mine.toml"
    config.write_text(CONFIG)
    pack = tmp_path / "pack"
    shutil.copytree(default_folder("frameworks"), pack)
    _replace(pack / "streams.toml", 'topic = "analytics"', 'topic = "analytic"')
    _replace(pack / "streams.toml", 'title = "Node"', 'titel = "Node"')
    _replace(pack / "system.toml", "[events.node_lifecycle_update]", "[events.node_lifecycle_update]\nkeeps = []")
    (pack / "ai.toml").write_text('title = "AI')
    env = {"SIGNALMAN_RELAY__PORT": "-1", "REDIS_URL": "http://user:hunter2@nowhere"}

    done = signalman("-c", str(config), "check", "--channels", str(pack), **env)

    assert done.returncode == 2
    assert done.stdout == ""
    count, *faults = done.stderr.splitlines()
    places = [fault.strip().rsplit(": ", 1) for fault in faults]
    assert sorted(place for place, _ in places) == sorted(
        [
            "environment: REDIS_URL",
            "environment: SIGNALMAN_RELAY__PORT",
            *(f"{config}: {key}" for key in ("access.jwt_secret", "gateway.port", "gateway.prot", "kafak")),
            f"{pack / 'ai.toml'}: is not TOML",
            *(f"{pack / 'streams.toml'}: {key}" for key in ("filters.node_id.titel", "filters.node_id.title", "topic")),
            f"{pack / 'system.toml'}: events.node_lifecycle_update.keeps",
        ]
    )
    assert all(reason for _, reason in places)
    assert count == f"error: {len(faults)} faults"
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", ["relay", "gateway", "serve"])
def test_a_bad_configuration_starts_nothing(command: str) -> None:
    """A process that is told nonsense says so, as `check` does, and ends with the same code."""
    done = signalman(command, SIGNALMAN_GATEWAY__PORT="eighteen", JWT_SECRET="too short")
    assert done.returncode == 2
    assert "environment: SIGNALMAN_GATEWAY__PORT: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "too short" not in done.stderr


async def test_secrets_are_never_printed(real_kafka: Kafka, installation: Installation) -> None:
    """At level debug, while every backend refuses the password that it is given and clients show what they should not:
    neither what the environment holds nor what a client shows is in any output.
    """
    token = f"fw_{uuid4().hex}{uuid4().hex}"
    clickhouse, postgres, redis, kafka, service = secrets = [f"secret-{uuid4().hex}" for _ in range(5)]
    dsn = f"postgres://signalman:{postgres}@127.0.0.1:{installation.postgres.port}/x"
    installation.env |= {
        "SIGNALMAN_LOG__LEVEL": "debug",
        "SERVICE_TOKEN": service,
        "CLICKHOUSE_PASSWORD": clickhouse,
    }
    with_postgres = {"DATABASE_URL": dsn}
    with_redis = {"REDIS_URL": installation.env["REDIS_URL"].replace("redis://", f"redis://signalman:{redis}@")}
    with_kafka = {"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "signalman", "KAFKA_SASL_PASSWORD": kafka}
    async with run(installation) as running:
        await running.put_good()
        await running.arrived()
        await running.client.say(type="subscribe", id="again", channel="system")
        await running.client.until(lambda: running.client.of("error"))
        with installation.gateway(with_postgres) as stranger:
            for url, headers in (
                (f"{stranger}/v1/ws", {"Authorization": f"Bearer {token}"}),
                (f"{stranger}/v1/ws?token={token}", {}),
            ):
                with pytest.raises(InvalidStatus):
                    await connect(url, additional_headers=headers, proxy=None)
        with installation.gateway(with_redis, until_ready=False), installation.relay(with_kafka, until_ready=False):
            await wait_for_async(lambda: "redis_lost" in installation.output(), what="a refusal by Redis")
            await wait_for_async(lambda: "kafka_down" in installation.output(), within=30, what="a refusal by Kafka")
    environ = {
        **installation.env,
        **with_postgres,
        **with_redis,
        **with_kafka,
        "SIGNALMAN_URL": running.url,
        "SIGNALMAN_TOKEN": token,
    }
    text = installation.output()
    for command in ("config", "check", "tail --no-reconnect", "gateway --port no"):
        done = signalman(*command.split(), **environ)
        text += done.stdout + done.stderr
    for said in ("session_state", "directory_unavailable", "********"):
        assert said in text
    assert [secret for secret in (*secrets, SECRET, token) if secret in text] == []


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
