"""The watched child process, free ports, and waiting."""

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers import Child, ChildError, free_port, wait_for, wait_for_async
from tests.servers.process import has_ended

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(child.pid, flush=True)
signal.pause()
"""


def python(tmp_path: Path, program: str) -> Child:
    """Run a Python program as a child with its log in *tmp_path*."""
    return Child([sys.executable, "-c", program], log=tmp_path / "log")


def test_wait_ready_returns_when_the_predicate_holds(tmp_path: Path) -> None:
    """A child is ready when the predicate says so, and its output is in its log."""
    child = python(tmp_path, STUBBORN)
    child.wait_ready(lambda: "up" in child.log.read_text(), timeout=30)
    assert child.running
    child.kill()
    assert not child.running


def test_a_child_that_dies_first_is_reported_with_its_log(tmp_path: Path) -> None:
    """A child that ends before it is ready is told at once, with its exit code and its last words."""
    child = python(tmp_path, "import sys; print('the disk is full'); sys.exit(3)")
    with pytest.raises(ChildError, match="ended with 3 before it was ready") as caught:
        child.wait_ready(lambda: False, timeout=30)
    assert "the disk is full" in str(caught.value)


def test_a_child_that_is_never_ready_is_killed(tmp_path: Path) -> None:
    """A child that does not become ready in time is not left behind."""
    child = python(tmp_path, STUBBORN)
    with pytest.raises(ChildError, match="not ready after 0 s"):
        child.wait_ready(lambda: False, timeout=0)
    assert child.code == -signal.SIGKILL


def test_wait_done_tells_success_from_failure(tmp_path: Path) -> None:
    """A program that is to end is waited for; another exit code than 0 raises."""
    python(tmp_path, "print('done')").wait_done(timeout=30)
    with pytest.raises(ChildError, match="ended with 1"):
        python(tmp_path, "raise ValueError('no')").wait_done(timeout=30)


def test_stop_kills_what_does_not_listen(tmp_path: Path) -> None:
    """A child that ignores the request to end is killed after the time it was given."""
    child = python(tmp_path, STUBBORN)
    child.wait_ready(lambda: "up" in child.log.read_text(), timeout=30)
    assert child.stop(timeout=0.1) == -signal.SIGKILL


def test_stop_reaches_the_children_of_the_child(tmp_path: Path) -> None:
    """The whole group is ended, and stopping twice does nothing."""
    child = python(tmp_path, PARENT)
    child.wait_ready(lambda: child.log.read_text().endswith("\n"), timeout=30)
    grandchild = psutil.Process(int(child.log.read_text()))
    assert child.stop() == -signal.SIGTERM
    wait_for(lambda: has_ended(grandchild), what="the end of the grandchild")
    assert child.stop() == -signal.SIGTERM


def test_a_paused_child_can_be_stopped(tmp_path: Path) -> None:
    """`pause` holds a process still, and `stop` ends it all the same."""
    child = python(tmp_path, "import signal; print('up', flush=True); signal.pause()")
    child.wait_ready(lambda: "up" in child.log.read_text(), timeout=30)
    child.pause()
    wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)
    assert child.stop() == -signal.SIGTERM


def test_free_port_never_repeats_and_can_be_bound() -> None:
    """Each port is new to this process and below those of outgoing connections."""
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert max(ports) < 32_768
    with socket.socket() as server:
        server.bind(("127.0.0.1", ports[0]))


def answers() -> Iterator[str]:
    """Give two false values and then a true one, for ever."""
    yield from ("", "")
    while True:
        yield "yes"


async def test_waiting_returns_the_first_true_value() -> None:
    """Both helpers return what became true, from functions and coroutine functions alike."""
    plain, other, awaited = answers(), answers(), answers()

    async def ask() -> str:
        return next(awaited)

    assert wait_for(lambda: next(plain), interval=0) == "yes"
    assert await wait_for_async(lambda: next(other), interval=0) == "yes"
    assert await wait_for_async(ask, interval=0) == "yes"


async def test_waiting_gives_up_and_says_for_what() -> None:
    """After the deadline, which is never before the second look, `TimeoutError` names what did not happen."""
    looks = []
    with pytest.raises(TimeoutError, match="the end of the world: not within 0 s"):
        wait_for(lambda: looks.append(1), within=0, interval=0, what="the end of the world")
    assert looks
    with pytest.raises(TimeoutError, match="not within 0 s"):
        await wait_for_async(lambda: False, within=0, interval=0)
