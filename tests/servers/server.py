"""What all servers of the tests have in common."""

import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.servers.ports import free_port
from tests.servers.process import Child


class MissingServerError(Exception):
    """Something that a server needs is not on this machine; the text names it."""


class Server(ABC):
    """A server process on a port of 127.0.0.1 that stays the same over `stop` and `start`, as does its data in
    *folder*. Also a context manager: started on entry, stopped on exit.
    """

    name: ClassVar[str]
    real: ClassVar[bool] = True
    """Whether this is the genuine article, not a stand-in with less to it."""
    start_timeout: ClassVar[float] = 60
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.log = folder / f"{self.name}.log"
        self._child: Child | None = None

    @abstractmethod
    def _launch(self) -> Child:
        """Start the process, preparing its data when there are none yet."""

    @abstractmethod
    def _ready(self) -> object:
        """Tell whether the server answers. Must not raise while it does not."""

    @property
    def running(self) -> bool:
        """Whether the process is there, be it paused."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int:
        """The server's process id. It must be running."""
        return self._running_child().pid

    def start(self) -> None:
        """Start, and return once the server answers. Does nothing when it is running."""
        if not self.running:
            self._child = self._launch()
            self._child.wait_ready(self._ready, timeout=self.start_timeout)

    def stop(self) -> None:
        """Stop in an orderly way, keeping the data, and return once it is gone. Does nothing when not running."""
        if self._child is not None:
            self._child.stop(self.stop_signal)
            self._child = None

    def kill(self) -> None:
        """Stop as a power cut would, and return once it is gone. Does nothing when not running."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        """Stop in an orderly way and start on the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Hang: connections stay open and are even accepted, but nothing is answered until `resume`."""
        self._running_child().pause()

    def resume(self) -> None:
        """Undo `pause`."""
        self._running_child().resume()

    def _running_child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._child

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def find_program(name: str, folders: Sequence[Path] = ()) -> Path | None:
    """Find an executable in *folders* or else on the path; a link is followed, to find what lies beside the program."""
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    return Path(found).resolve() if found else None
