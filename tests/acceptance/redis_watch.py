"""Everything that passes through a Redis and everything that is in it, as bytes to search."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis

from tests.servers import Redis
from tests.servers.ports import wait_for_async

PASSWORD = "the password of Redis / with signs"
_NAME = "watcher"


class GuardedRedis(Redis):
    """A Redis that asks for a password."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, config={"requirepass": PASSWORD}, **options)

    @property
    def url(self) -> str:
        """Where clients connect, with the password."""
        return self.url_with("the%20password%20of%20Redis%20%2F%20with%20signs")

    def url_with(self, password: str) -> str:
        """Where clients connect with another *password*, percent-encoded."""
        return f"redis://:{password}@{self.host}:{self.port}/0"

    def client(self) -> redis.Redis:
        """A client that gives bytes."""
        return redis.Redis(host=self.host, port=self.port, password=PASSWORD)

    def _ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@asynccontextmanager
async def watched(server: GuardedRedis) -> AsyncIterator[bytearray]:
    """What *server* is asked to do and what it publishes, as it happens: an account of every command, those of scripts
    among them, and every message, whole.
    """
    heard = bytearray()
    with server.client() as client:
        listening = [asyncio.create_task(_listen(server, command, heard)) for command in (b"MONITOR", b"PSUBSCRIBE *")]
        # From now on, not from whenever the server gets round to it.
        await wait_for_async(lambda: _watching(client) == len(listening), what="Redis to be watched")
    try:
        yield heard
    finally:
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


def contents(server: GuardedRedis) -> bytes:
    """Every key with its value."""
    with server.client() as client:
        parts = [part for key in client.scan_iter(count=1000) for part in (key, *_texts(_value(client, key)))]
    return b"\n".join(parts)


async def _listen(server: GuardedRedis, command: bytes, heard: bytearray) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b'AUTH "%b"\r\nCLIENT SETNAME %b\r\n%b\r\n' % (PASSWORD.encode(), _NAME.encode(), command))
    try:
        with suppress(ConnectionError):
            while part := await reader.read(1 << 20):
                heard += part
    finally:
        writer.close()


def _watching(client: redis.Redis) -> int:
    # Whoever does nothing but listen is marked: a monitor with O, a subscriber with P.
    return sum(each["name"] == _NAME and not {"O", "P"}.isdisjoint(each["flags"]) for each in client.client_list())


def _value(client: redis.Redis, key: bytes) -> Any:
    read: Mapping[bytes, Callable[[], Any]] = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: client.xrange(key),
        # Gone since it was listed.
        b"none": lambda: None,
    }
    kind = client.type(key)
    assert isinstance(kind, bytes)
    return read[kind]()


def _texts(value: Any) -> list[bytes]:
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, Mapping):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    if isinstance(value, list | tuple | set):
        return [text for each in value for text in _texts(each)]
    return [str(value).encode()]
