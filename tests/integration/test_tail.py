"""`signalman tail` as a process: pipes, terminals, signals, exit codes."""

import asyncio
import os
import pty
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from signalman.gateway.session import SessionLimits
from tests.integration.scripted import Line, scripted
from tests.integration.served import TOKEN, Served, served
from tests.unit.gateway.make import event


async def tail(url: str, *arguments: str, token: str = TOKEN, **options: Any) -> Process:
    """Start it, with everything piped unless said otherwise."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalman", "tail", *arguments,
        env={**os.environ, "SIGNALMAN_URL": url, "SIGNALMAN_TOKEN": token, "TERM": "xterm", "COLUMNS": "120"},
        **{"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE, **options},
    )  # fmt: skip


async def ended(process: Process) -> tuple[int | None, list[Any], str]:
    """Exit code, lines of JSON, and what it said on standard error."""
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return process.returncode, [orjson.loads(line) for line in out.splitlines()], err.decode()


async def told(process: Process, words: str) -> str:
    """Read standard error until it says *words*; what it said."""
    assert process.stderr is not None
    said = ""
    async with asyncio.timeout(20):
        while words not in said:
            line = await process.stderr.readline()
            assert line, f"it ended without saying {words!r}, but: {said}"
            said += line.decode()
    return said


async def keep_publishing(world: Served) -> None:
    """An event every few milliseconds."""
    for number in range(100_000):
        await world.publish(event(number))
        await asyncio.sleep(0.005)


async def test_rows_then_events_as_json_lines() -> None:
    """In a pipe: the snapshot's rows, then events, one object a line, and the end when there are enough."""
    async with served() as world:
        process = await tail(world.http, "streams", "-n", "2")
        await told(process, "live: streams")
        await world.publish(event(1), event(2), event(3))
        code, lines, _ = await ended(process)
    assert code == 0
    assert [line["table"] for line in lines[:7]] == ["streams"] * 7
    assert [line["id"] for line in lines[7:]] == ["e-1", "e-2"]


async def test_each_line_is_there_at_once() -> None:
    """A pipe gets a line when it happens, not when a buffer is full."""
    async with served() as world:
        process = await tail(world.http, "streams", "--no-snapshot")
        await told(process, "live: streams")
        assert process.stdout is not None
        for number in range(3):
            await world.publish(event(number))
            async with asyncio.timeout(10):
                assert orjson.loads(await process.stdout.readline())["id"] == f"e-{number}"
        process.send_signal(signal.SIGINT)
        code, _, said = await ended(process)
    assert (code, said) == (0, "")


async def test_a_filter_is_the_servers_work() -> None:
    """Only what passes is sent."""
    async with served() as world:
        process = await tail(world.http, "streams", "--type", "stream_end", "--no-snapshot", "-n", "1")
        await told(process, "live: streams")
        await world.publish(event(1), event(2, "stream_end"))
        code, lines, _ = await ended(process)
    assert (code, [line["id"] for line in lines]) == (0, ["e-2"])


async def test_a_reader_that_has_seen_enough() -> None:
    """As under `head`: no traceback, no complaint."""
    async with served() as world:
        reader, writer = os.pipe()
        process = await tail(world.http, "streams", stdout=writer)
        os.close(writer)
        os.close(reader)
        publishing = asyncio.create_task(keep_publishing(world))
        code, _, said = await ended_quietly(process)
        publishing.cancel()
    assert code == 0
    assert "Traceback" not in said
    assert "Exception" not in said


async def ended_quietly(process: Process) -> tuple[int | None, None, str]:
    """The same as `ended` for one whose output somebody else has."""
    async with asyncio.timeout(20):
        _, err = await process.communicate()
    return process.returncode, None, err.decode()


async def test_a_terminal_gets_lines_and_colour() -> None:
    """Without any option; what a stranger wrote into an event does not reach the terminal."""
    async with served() as world:
        ours, its = pty.openpty()
        process = await tail(world.http, "streams", "-n", "1", stdout=its)
        await told(process, "live: streams")
        await world.publish(event(1, note="\x1b]0;owned\x07"))
        async with asyncio.timeout(20):
            assert await process.wait() == 0
        os.close(its)
        text = os.read(ours, 65536).decode()
        os.close(ours)
    assert "streams.streams" in text
    assert "7 rows" in text
    assert "\x1b[" in text
    assert "\x1b]" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(
    ("arguments", "token", "code", "words"),
    [
        (["streams"], "wrong", 3, "credential"),
        (["streams"], "", 3, "SIGNALMAN_TOKEN"),
        (["nonsense"], TOKEN, 4, "There is no such channel"),
        (["streams", "--type", "nonsense"], TOKEN, 2, "event types"),
        (["--filter", "nonsense"], TOKEN, 2, "FIELD=VALUE"),
        (["--snapshot-only", "--no-snapshot"], TOKEN, 2, "contradicts"),
        (["--token-file", "/nowhere"], TOKEN, 2, "cannot be read"),
        (["--token-file", "-", "--token-command", "true"], TOKEN, 2, "contradicts"),
        (["--token-command", "false"], TOKEN, 3, "ended with 1"),
        (["streams", "--snapshot-only"], TOKEN, 0, "connected"),
        (["--duration", "0.3"], TOKEN, 0, "connected"),
    ],
)
async def test_exit_codes(arguments: list[str], token: str, code: int, words: str) -> None:
    """Each has a sentence on standard error, and nothing but events on standard output."""
    async with served() as world:
        returned, lines, said = await ended(await tail(world.http, *arguments, token=token))
    assert (returned, words in said) == (code, True), said
    assert all("channel" in line for line in lines)


async def test_an_address_that_is_none() -> None:
    """Wrong usage, with an example of a right one."""
    code, _, said = await ended(await tail("nowhere:18009"))
    assert code == 2
    assert "ws://127.0.0.1:18009" in said


async def test_nobody_there() -> None:
    """With `--no-reconnect` it gives up; else it says when it tries again, and Ctrl-C ends that with 130."""
    async with scripted() as url:
        pass
    code, _, said = await ended(await tail(url, "--no-reconnect"))
    assert code == 5
    assert "cannot connect" in said
    process = await tail(url)
    await told(process, "reconnecting in")
    process.send_signal(signal.SIGINT)
    assert (await ended(process))[0] == 130


async def goes(line: Line) -> None:
    """A gateway that restarts."""
    await line.welcome()
    await line.begin(seq=5)
    await line.catch_up(5)
    await line.happen(5, "before")
    await line.socket.close(1012, "server restarts")


async def test_it_follows_across_a_restart() -> None:
    """What happened meanwhile is written after what happened on the old connection, and nothing twice."""

    async def goes_on(line: Line) -> None:
        await line.welcome()
        assert (await line.go_on())["resume"] == {"epoch": "e1", "seq": 6}
        await line.happen(6, "meanwhile")
        await line.catch_up(7)
        await line.happen(7, "after")
        await line.stay()

    async with scripted(goes, goes_on) as url:
        code, lines, said = await ended(await tail(url, "streams", "-n", "3"))
    assert (code, [line["id"] for line in lines]) == (0, ["before", "meanwhile", "after"])
    assert "server restarts; reconnecting in" in said
    assert "live again, nothing missed: streams" in said


async def test_it_says_what_it_could_not_follow() -> None:
    """The reason is in words, and what a new beginning replays is not written again."""

    async def begins_anew(line: Line) -> None:
        await line.welcome()
        asked = await line.hear()
        await line.say("reset", view="v1", id=asked["id"], reason="trimmed")
        await line.begun(asked, seq=4)
        await line.happen(4, "missed before", "before", "after")
        await line.catch_up(7)
        await line.stay()

    async with scripted(goes, begins_anew) as url:
        code, lines, said = await ended(await tail(url, "streams", "-n", "3"))
    assert (code, [line["id"] for line in lines]) == (0, ["before", "missed before", "after"])
    assert "streams: it was away for longer than the gateway remembers; starting over" in said


async def test_the_token_may_come_from_standard_input() -> None:
    """From a password manager, for example; the environment then does not count."""
    async with served() as world:
        process = await tail(world.http, "streams", "--snapshot-only", "--token-file", "-", token="wrong", stdin=PIPE)
        async with asyncio.timeout(20):
            out, _ = await process.communicate(f"{TOKEN}\n".encode())
    assert (process.returncode, len(out.splitlines())) == (0, 7)


async def test_it_goes_on_with_a_token_from_its_file(tmp_path: Path) -> None:
    """When access is about to end, whoever keeps the file current keeps the tail going: on the same connection."""
    path = tmp_path / "token"
    async with served(limits=SessionLimits(expiry_warning=60)) as world:
        path.write_text(world.jwt(lifetime=90))
        process = await tail(world.http, "streams", "--no-snapshot", "-n", "1", "--token-file", str(path), token="")
        await told(process, "live: streams")
        path.write_text(world.jwt(lifetime=900))
        world.now[0] += 45
        said = await told(process, "access goes on until")
        world.now[0] += 120
        await world.publish(event(1))
        code, lines, rest = await ended(process)
    assert (code, [line["id"] for line in lines]) == (0, ["e-1"])
    assert "access ends in" in said
    assert "reconnecting" not in said + rest


async def test_a_command_gives_a_token_and_another_one() -> None:
    """Each time that one is needed: at first, and when the one before has ended."""
    async with served(limits=SessionLimits(expiry_warning=0)) as world:
        command = f"{sys.executable} -c 'import os; print(os.environ[\"ONE\"])'"
        env = {**os.environ, "SIGNALMAN_URL": world.http, "ONE": TOKEN}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "signalman", "tail", "streams", "--token-command", command, "--no-snapshot",
            env=env, stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        await told(process, "live: streams")
        world.judge("dev", None)
        await told(process, "reconnecting in")
        del world.known.verdicts["dev"]
        await told(process, "live again, nothing missed: streams")
        process.send_signal(signal.SIGINT)
        assert (await ended(process))[0] == 0


async def test_a_channel_that_is_no_longer_granted_ends_who_named_it() -> None:
    """With the code for what is not allowed, and the server's sentence."""
    async with served() as world:
        principal = await world.known.authenticate(TOKEN)
        process = await tail(world.http, "streams", "--no-snapshot")
        await told(process, "live: streams")
        world.judge("dev", replace(principal, permissions=frozenset({"infrastructure:read"})))
        code, _, said = await ended(process)
    assert code == 4
    assert "-- streams: " in said
