"""A listener to Redis channels that remembers, a subscriber around it, and a Redis that says what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import hiredis

from signalman.backends.redis_address import RedisAddress
from signalman.backends.redis_subscriber import RedisSubscriber
from tests.contract.listening import PATIENCE
from tests.servers import free_port, wait_for_async


class Heard:
    """Everything a subscriber told, in order."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bytes]] = []
        self.losses = 0
        self.restorations: list[Sequence[bytes]] = []
        self.while_restoring: Callable[[], Awaitable[None]] | None = None
        """What `restored` does before it remembers."""

    def message(self, channel: bytes, data: bytes) -> None:
        """A subscriber calls this."""
        self.messages.append((channel, data))

    def lost(self) -> None:
        """A subscriber calls this."""
        self.losses += 1

    async def restored(self, channels: Sequence[bytes]) -> None:
        """A subscriber calls this."""
        if self.while_restoring is not None:
            await self.while_restoring()
        self.restorations.append(sorted(channels))

    def data(self, channel: bytes) -> list[bytes]:
        """What came on *channel*."""
        return [data for on, data in self.messages if on == channel]


async def until(reached: Callable[[], object]) -> None:
    """Return once *reached* is true."""
    await wait_for_async(reached, within=PATIENCE)


async def nothing() -> None:
    """What there is to do after an acknowledgement."""


async def subscribe(subscriber: RedisSubscriber, channels: Collection[bytes]) -> None:
    """Return once *channels* are acknowledged."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(subscriber.acknowledged(channel, nothing) for channel in channels))


@asynccontextmanager
async def subscribing(
    url: str, heard: Heard, *, silence_limit: float = PATIENCE, cluster: bool = False, sharded: bool = False
) -> AsyncIterator[RedisSubscriber]:
    """A subscriber that runs. It endures a long silence unless told otherwise: on a busy machine, a loss of its own
    making is easily taken for the one that a test made.
    """
    subscriber = RedisSubscriber(
        RedisAddress.parse(url),
        heard,
        cluster=cluster,
        sharded=sharded,
        ping_interval=0.1,
        silence_limit=silence_limit,
        timeout=min(silence_limit, 5.0),
    )
    running = asyncio.create_task(subscriber.run())
    try:
        yield subscriber
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert running.cancelled()


class ScriptedRedis:
    """A server that answers each command with the bytes that *answer* gives for it."""

    def __init__(self, answer: Callable[[list[bytes]], bytes]) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.commands: list[list[bytes]] = []
        self.reads: list[int] = []
        """How many commands came with each read."""
        self._answer = answer
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedRedis"]:
        """Serve while the context lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await server.wait_closed()

    def say(self, data: bytes) -> None:
        """Write *data* to everybody who is connected."""
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        parser = hiredis.Reader()
        while data := await _read(reader):
            parser.feed(data)
            before = len(self.commands)
            while (command := parser.gets()) is not False:
                self.commands.append(command)
                writer.write(self._answer(command))
            self.reads.append(len(self.commands) - before)
        self._writers.discard(writer)
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1 << 20)
    except OSError:
        return b""


def as_redis(command: list[bytes]) -> bytes:
    """What a server says that has nothing to say."""
    match command:
        case [b"PING"]:
            return b"+PONG\r\n"
        case [(b"SUBSCRIBE" | b"UNSUBSCRIBE") as name, *channels]:
            return b"".join(array(name.lower(), channel, 1) for channel in channels)
    return b"+OK\r\n"


def array(*items: bytes | int) -> bytes:
    """A RESP array."""
    parts = [b":%d\r\n" % item if isinstance(item, int) else b"$%d\r\n%b\r\n" % (len(item), item) for item in items]
    return b"*%d\r\n" % len(items) + b"".join(parts)
