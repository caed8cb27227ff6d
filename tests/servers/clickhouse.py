"""ClickHouse: the engine in the chdb wheel, behind a small HTTP front in a process of its own."""

import base64
import importlib.util
import sys
import urllib.error
import urllib.request
from http.client import HTTPResponse
from pathlib import Path
from typing import ClassVar, cast
from urllib.parse import quote, urlencode

from tests.servers.process import Child
from tests.servers.server import MissingServerError, Server

_ROOT = Path(__file__).parents[2]


class ClickHouse(Server):
    """One ClickHouse server with one user, who may do everything, and one database besides the engine's own."""

    name: ClassVar[str] = "clickhouse"

    def __init__(self, folder: Path, *, port: int | None = None, database: str = "periscope") -> None:
        super().__init__(folder, port=port)
        for module in ("chdb", "aiohttp", "lz4"):
            if importlib.util.find_spec(module) is None:
                raise MissingServerError(f"ClickHouse: the Python package {module} is not installed")
        self.user = "signalman"
        self.password = "p:ss w/rd'"
        self.database = database

    @property
    def url(self) -> str:
        """Where clients connect, with user, password and database."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"http://{login}@{self.host}:{self.port}/{quote(self.database, safe='')}"

    def run_sql(self, sql: str, **settings: str) -> str:
        """Run one statement and return its rows, as lines of fields separated by tabs unless it names a format.

        Raises `RuntimeError` with the server's text when it refuses.
        """
        return self._post(sql, {"database": self.database, **settings})

    def start(self) -> None:
        """Start, make the database when there is none yet, and return once the server answers."""
        if not self.running:
            super().start()
            self._post(f"CREATE DATABASE IF NOT EXISTS `{self.database}`", {"database": "default"})

    def _launch(self) -> Child:
        arguments = {
            "--port": str(self.port),
            "--path": str(self.folder / "data"),
            "--user": self.user,
            "--password": self.password,
            "--database": self.database,
        }
        words = [word for pair in arguments.items() for word in pair]
        return Child(
            [sys.executable, "-m", "tests.servers.clickhouse_front", *words],
            log=self.log,
            # Where `tests` is found; and the server's zone must not be the machine's.
            cwd=_ROOT,
            env={"TZ": "UTC"},
        )

    def _ready(self) -> bool:
        try:
            with self._open(urllib.request.Request(f"http://{self.host}:{self.port}/ping"), 1) as answer:
                return bool(answer.read() == b"Ok.\n")
        except OSError:
            return False

    def _post(self, sql: str, parameters: dict[str, str]) -> str:
        request = urllib.request.Request(
            f"http://{self.host}:{self.port}/?{urlencode(parameters)}", data=sql.encode(), method="POST"
        )
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        try:
            with self._open(request, 60) as answer:
                text: bytes = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(error.read().decode()) from None
        return text.decode()

    @staticmethod
    def _open(request: urllib.request.Request, timeout: float) -> HTTPResponse:
        # Never by way of a proxy that the environment names.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return cast("HTTPResponse", direct.open(request, timeout=timeout))
