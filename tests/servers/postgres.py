"""PostgreSQL: the server that the pgserver wheel carries, else the system's."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil

from tests.servers.ports import accepts, wait_for
from tests.servers.process import Child, has_ended
from tests.servers.server import MissingServerError, Server, find_program

_SCHEMA = Path(__file__).with_name("frameworks_schema.sql")


class Postgres(Server):
    """One PostgreSQL server with a superuser who needs a password. The data outlive `kill`, but not this object."""

    name: ClassVar[str] = "postgres"
    # Ends sessions; SIGTERM would wait for every client to leave.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port=port)
        self.user = "postgres"
        self.password = "it's only a test"
        self._user_id = _unprivileged_user()
        self._programs = _find_programs(self._user_id)
        self._data: Path | None = None
        """The folder made for this server, with the cluster inside."""

    def dsn(self, database: str = "postgres") -> str:
        """Where clients connect to *database*."""
        return f"postgresql://{self.user}:{quote(self.password)}@{self.host}:{self.port}/{quote(database)}"

    def create_database(self, name: str) -> None:
        """Create an empty database; an error when there is one of that name."""
        self.run_sql("postgres", f'CREATE DATABASE "{name}"')

    def run_sql(self, database: str, sql: str) -> str:
        """Run statements, or a psql script, and return the rows as lines of fields separated by ``|``.

        Raises `RuntimeError` with psql's message at the first statement that fails.
        """
        done = subprocess.run(
            [str(self._programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database), "-f", "-"],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
            # For the `\connect` of a script.
            env={**os.environ, "PGPASSWORD": self.password, "LC_ALL": "C.UTF-8"},
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def kill(self) -> None:
        """Stop as a power cut would. Sessions are processes outside the group and follow shortly after."""
        sessions = psutil.Process(self.pid).children(recursive=True) if self.running else []
        super().kill()
        # A successor refuses the data while one of them is left.
        wait_for(lambda: all(map(has_ended, sessions)), what="the end of PostgreSQL's sessions")

    def _launch(self) -> Child:
        if self._data is None:
            self._data = self._new_data()
        settings = {
            "listen_addresses": self.host,
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "timezone": "UTC",
        }
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Child(
            [str(self._programs / "postgres"), "-D", str(self._data / "cluster"), *arguments],
            log=self.log,
            cwd=self._data,
            user=self._user_id,
        )

    def _new_data(self) -> Path:
        # pytest's folders are closed to others, and the server may have to run as another user.
        data = Path(tempfile.mkdtemp(prefix="signalman-postgres-"))
        weakref.finalize(self, shutil.rmtree, data, ignore_errors=True)
        secret = data / "password"
        secret.write_text(self.password)
        if self._user_id is not None:
            os.chown(data, self._user_id, -1)
            os.chown(secret, self._user_id, -1)
        initdb = Child(
            [
                *(str(self._programs / "initdb"), "-D", str(data / "cluster"), "-U", self.user),
                *("--encoding=UTF8", "--locale=C"),
                *("--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync", "--no-instructions"),
            ],
            log=self.log,
            cwd=data,
            user=self._user_id,
        )
        initdb.wait_done(timeout=self.start_timeout)
        return data

    def _ready(self) -> bool:
        if not accepts(self.port):
            return False
        probe = [str(self._programs / "psql"), "-XqAt", "-d", self.dsn(), "-c", "SELECT 1"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def create_frameworks(postgres: Postgres) -> None:
    """Create the databases of the platform that an API token is checked against: commodore, quartermaster and purser,
    each with a schema of its name, all empty.
    """
    postgres.run_sql("postgres", _SCHEMA.read_text())


def _unprivileged_user() -> int | None:
    """PostgreSQL refuses to be root; root lets ``nobody`` run it, whom every system has."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _find_programs(user_id: int | None) -> Path:
    """Find a folder with initdb, postgres and psql that the user can run: the wheel may lie in a closed home."""
    refused = []
    for folder in _candidates():
        try:
            for program in ("initdb", "postgres", "psql"):
                subprocess.run(
                    [str(folder / program), "--version"], check=True, capture_output=True, user=user_id, cwd="/"
                )
        except (OSError, subprocess.CalledProcessError) as error:
            refused.append(f"{folder}: {error}")
        else:
            return folder
    raise MissingServerError(
        "PostgreSQL: " + ("; ".join(refused) or "neither the pgserver wheel nor the system has it")
    )


def _candidates() -> Iterator[Path]:
    # Not imported: pgserver starts keeping a list of its servers.
    wheel = importlib.util.find_spec("pgserver")
    for package in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(package) / "pginstall" / "bin"
    if (program := find_program("postgres")) is not None:
        yield program.parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
