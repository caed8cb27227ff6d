"""`Tickets` in Redis: a key with a time to live for each, which GETDEL (Redis 6.2) takes once.

A ticket that was taken may come back where a master dies before its replica has heard of it; for its seconds.
"""

from signalman.backends.redis_commands import RedisCommands


class RedisTickets:
    """Tickets of one installation.

    Args:
        commands: Connections.
        prefix: Of all keys.
    """

    def __init__(self, commands: RedisCommands, *, prefix: str = "signalman") -> None:
        self._commands = commands
        self._prefix = prefix

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """See `signalman.access_ports.Tickets`."""
        milliseconds = max(1, round(seconds * 1000))
        await self._commands.execute("keep a ticket", "SET", self._key(name), value, "PX", milliseconds)

    async def take(self, name: str) -> bytes | None:
        """See `signalman.access_ports.Tickets`. Where no answer comes, the ticket may be gone all the same."""
        value: bytes | None = await self._commands.execute("take a ticket", "GETDEL", self._key(name))
        return value

    def _key(self, name: str) -> str:
        return f"{self._prefix}:ticket:{name}"
