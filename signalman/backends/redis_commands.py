"""Scripts and commands to Redis, whose errors are ours."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from importlib import resources

from redis.exceptions import NoScriptError, RedisError

from signalman.backends.redis_servers import Answer, Cluster, Command, OneServer, Servers, Word
from signalman.errors import BackendUnavailable


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script that lies beside the backends."""

    text: str = field(repr=False)
    sha: str

    @classmethod
    def load(cls, file: str) -> "Script":
        """Read *file*."""
        text = resources.files("signalman.backends").joinpath(file).read_text("utf-8")
        return cls(text, sha1(text.encode()).hexdigest())  # noqa: S324  Redis's name of a script, not a secret


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call of a script. Its keys are all of one logical shard."""

    script: Script
    keys: Sequence[str]
    arguments: Sequence[Word]

    def by_name(self) -> Command:
        """The command that runs the script if the server has it."""
        words = ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)
        return Command(self.keys[0], words)

    def by_text(self) -> Command:
        """The command that brings the script along; the server keeps it."""
        words = ("EVAL", self.script.text, len(self.keys), *self.keys, *self.arguments)
        return Command(self.keys[0], words)


class RedisCommands:
    """One process's connections for commands. Every method raises `BackendUnavailable`, which names *action*.

    Args:
        url: ``redis://`` or, for TLS, ``rediss://``; may hold user, password and, without a cluster, a database.
        cluster: The URL is that of one node of a Redis Cluster.
        timeout: Seconds that Redis may take to accept a connection or to answer a command.
        connections: How many commands may be under way at a time; further ones wait.

    Raises:
        ValueError: The URL is unusable. It is not repeated.
    """

    def __init__(self, url: str, *, cluster: bool = False, timeout: float = 5.0, connections: int = 8) -> None:
        self._servers: Servers = (Cluster if cluster else OneServer)(url, timeout=timeout, connections=connections)

    async def run(self, action: str, calls: Sequence[ScriptCall]) -> list[Answer]:
        """Run all *calls* and return their answers. When it raises, some of them may have run, each wholly or not."""
        with _translated(action):
            answers = await self._servers.execute([call.by_name() for call in calls])
            # A restart or SCRIPT FLUSH emptied the script cache; a call that finds no script has done nothing.
            missing = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if missing:
                again = await self._servers.execute([calls[place].by_text() for place in missing])
                for place, answer in zip(missing, again, strict=True):
                    answers[place] = answer
            return _checked(answers)

    async def execute(self, action: str, name: str, key: str, *arguments: Word) -> Answer:
        """Run the command *name* on *key*."""
        with _translated(action):
            return _checked(await self._servers.execute([Command(key, (name, key, *arguments))]))[0]

    async def time_ms(self, action: str) -> int:
        """The server's clock in milliseconds, once all servers that hold keys have answered."""
        with _translated(action):
            seconds, microseconds = await self._servers.time()
            return seconds * 1000 + microseconds // 1000

    async def keys(self, action: str, pattern: str) -> list[bytes]:
        """All keys that match *pattern*; those that come or go meanwhile may or may not be among them."""
        with _translated(action):
            return await self._servers.keys(pattern)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._servers.aclose()


def _checked(answers: list[Answer]) -> list[Answer]:
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


@contextlib.contextmanager
def _translated(action: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise BackendUnavailable("redis", f"could not {action}") from error
