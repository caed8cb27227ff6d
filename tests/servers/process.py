"""A child process that is watched: started with a log, waited for, and ended by its id, never by its name."""

import atexit
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from tests.servers.ports import wait_for

_TAIL = 4_000


class ChildError(RuntimeError):
    """A child ended before it was ready, or never became ready. The text ends with the end of its log."""

    def __init__(self, argv: Sequence[str], what: str, log: Path) -> None:
        """Read the end of *log* while it is there."""
        self.tail = log.read_text(errors="replace")[-_TAIL:]
        super().__init__(f"{Path(argv[0]).name}: {what}; {log} ends with:\n{self.tail}")


class Child:
    """A process that leads a group of its own, so that a signal reaches its children and not the tests.

    Standard output and error are appended to *log*. *env* is laid over the environment of the tests. With *user* the
    process runs as that user, for which the tests have to run as root.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                user=user,
                group=None if user is None else pwd.getpwuid(user).pw_gid,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )
        # Whatever becomes of the fixture that owns this child, it does not outlive the interpreter.
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while running."""
        return self._process.poll()

    def wait_ready(self, ready: Callable[[], object], *, timeout: float) -> None:
        """Return once *ready* returns something true.

        Raises `ChildError` when the process ends first, or when *timeout* seconds pass; it is killed then.
        """
        try:
            wait_for(lambda: not self.running or ready(), within=timeout)
        except TimeoutError:
            self.kill()
            raise ChildError(self.argv, f"not ready after {timeout:g} s", self.log) from None
        if not self.running:
            atexit.unregister(self.kill)
            raise ChildError(self.argv, f"ended with {self.code} before it was ready", self.log)

    def wait_done(self, *, timeout: float) -> None:
        """Return once the process has ended well. Raises `ChildError` when it ends with another code than 0, or is
        still running after *timeout* seconds; it is killed then.
        """
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ChildError(self.argv, f"not done after {timeout:g} s", self.log) from None
        atexit.unregister(self.kill)
        if code:
            raise ChildError(self.argv, f"ended with {code}", self.log)

    def stop(self, how: signal.Signals = signal.SIGTERM, *, timeout: float = 20) -> int:
        """Ask the group to end with the signal *how*; kill it when the process is still there after *timeout*
        seconds. Returns the exit code. Does nothing when the process has ended already.
        """
        self._signal(how)
        # A paused process would hear the request only after it went on.
        self._signal(signal.SIGCONT)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        atexit.unregister(self.kill)
        return self._process.returncode

    def kill(self) -> None:
        """End the group at once, without a chance to tidy up, and wait until the process is gone."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        atexit.unregister(self.kill)

    def pause(self) -> None:
        """Let the process hold its connections and ports but do nothing, as a machine that hangs would."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        # Not yet waited for, so the id cannot have passed to another process.
        if self.running:
            os.killpg(self.pid, which)


def has_ended(process: psutil.Process) -> bool:
    """Whether a process does nothing more. An orphan's remains count as ended: in a container, often nobody reaps."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
