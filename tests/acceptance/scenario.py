"""Three tenants, their clients, and the judgement whether each got what it must and nothing else."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Self
from zlib import crc32

import orjson
from websockets.asyncio.client import ClientConnection, connect

from signalman.catalog import default_folder, load
from signalman.simulate.wire import Emitted
from signalman.simulate.world import World

CATALOG = load(default_folder("frameworks"))
CHANNELS = sorted(CATALOG.channels)
PARTITIONS = 3


def partition_of(key: bytes) -> int:
    """Where a record goes: the test decides, so that it knows what order to expect."""
    return crc32(key) % PARTITIONS


class Platform(World):
    """The pretend platform, remembering what it said."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.emitted: list[Emitted] = []
        self._wanted = (0, asyncio.Event())
        self._paused = False

    def step(self, until: float) -> list[Emitted]:
        """See `World.step`. Nothing happens while it is paused."""
        if self._paused:
            return []
        emitted = super().step(until)
        self.emitted += emitted
        if len(self.emitted) >= self._wanted[0]:
            self._wanted[1].set()
        return emitted

    async def until(self, count: int, within: float = 60.0) -> None:
        """Return once *count* records have been emitted."""
        self._wanted = (count, asyncio.Event())
        async with asyncio.timeout(within):
            await self._wanted[1].wait()

    def pause(self) -> None:
        """Let nothing happen any more."""
        self._paused = True

    def resume(self) -> None:
        """Undo `pause`: what would have happened meanwhile happens now."""
        self._paused = False


def published(emitted: Emitted) -> tuple[str, list[str]]:
    """Channel and ids of the events that a record becomes, by the pack; an empty channel where it goes nowhere."""
    route = CATALOG.routes.get((emitted.topic, emitted.body["event_type"]))
    if route is None:
        return "", []
    channel, event_type = route
    if event_type.expand is None:
        return channel, [emitted.body["event_id"]]
    samples = emitted.body["data"][event_type.payload.removeprefix("data.")][event_type.expand.items]
    return channel, [sample[event_type.expand.id] for sample in samples]


def expected(emitted: Iterable[Emitted], tenant: str, channel: str) -> dict[tuple[str, int], list[str]]:
    """Topic and partition → ids, in order, of what *tenant* must get on *channel*."""
    ids: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for each in emitted:
        goes_to, events = published(each)
        if goes_to == channel and each.body["tenant_id"] == tenant:
            ids[each.topic, partition_of(each.key)] += events
    return ids


class Client:
    """A subscriber of every channel of one tenant. Keeps every byte it receives."""

    def __init__(self, url: str, tenant: str, token: str, name: str = "") -> None:
        self.name = name or f"{tenant[-4:]}@{url}"
        self.tenant = tenant
        self.frames: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self._url = url
        self._token = token
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._token}"}
        self._socket = await connect(
            f"{self._url}/v1/ws", additional_headers=headers, proxy=None, max_size=16 * 1024 * 1024
        )
        self._reading = asyncio.create_task(self._read(self._socket))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket and self._reading:
            await self._socket.close()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            assert isinstance(frame, str)
            async with self._news:
                self.frames.append(frame)
                self.messages.append(orjson.loads(frame))
                self._news.notify_all()

    async def say(self, **message: object) -> None:
        """Send one message."""
        assert self._socket is not None
        await self._socket.send(orjson.dumps(message).decode())

    async def until(self, done: Any, within: float = 30.0) -> None:
        """Return once ``done()`` is true, which is asked again with each message."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(done)

    async def subscribe(self, channels: Sequence[str], *, snapshot: bool = True) -> None:
        """Subscribe to *channels* under their names and wait until all have caught up."""
        for channel in channels:
            await self.say(type="subscribe", id=channel, channel=channel, snapshot=snapshot)
        await self.until(lambda: len(self.of("caught_up")) + len(self.of("error")) >= len(channels))
        assert not self.of("error"), self.of("error")

    @property
    def open(self) -> bool:
        """Whether the socket is."""
        return self._reading is not None and not self._reading.done()

    async def closed(self, within: float = 10.0) -> None:
        """Return once the server has closed the socket."""
        async with asyncio.timeout(within):
            assert self._socket is not None
            await self._socket.wait_closed()

    @property
    def close_code(self) -> int | None:
        """What the server closed with; None while open."""
        return self._socket.close_code if self._socket else None

    def of(self, type_: str) -> list[dict[str, Any]]:
        """The messages of one type."""
        return [message for message in self.messages if message["type"] == type_]

    def view(self, channel: str) -> str:
        """The name of the channel's view."""
        return next(str(m["view"]) for m in self.of("subscribed") if m["id"] == channel)

    def ids(self, channel: str) -> list[str]:
        """Ids of the events of *channel*, as they came."""
        view = self.view(channel)
        return [event["id"] for m in self.of("events") if m["view"] == view for event in m["events"]]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The snapshot's rows of *table*."""
        return [row for m in self.of("snapshot") if m["table"] == table for row in m["rows"]]


def judge(client: Client, emitted: Sequence[Emitted], since: int) -> None:
    """Fail unless *client* got every event of its tenant from record number *since* on, each once, in order, without
    a hole in the chain, and nothing of anybody else.
    """
    for channel in CHANNELS:
        got = client.ids(channel)
        assert len(set(got)) == len(got), f"{client.name} {channel}: an event came twice"
        must = expected(emitted[since:], client.tenant, channel)
        may = expected(emitted, client.tenant, channel)
        missing = {id_ for ids in must.values() for id_ in ids} - set(got)
        assert not missing, f"{client.name} {channel}: {len(missing)} of {sum(map(len, must.values()))} missing"
        foreign = set(got) - {id_ for ids in may.values() for id_ in ids}
        assert not foreign, f"{client.name} {channel}: {len(foreign)} are not this tenant's"
        for place, ids in may.items():
            here = set(ids)
            order = [id_ for id_ in got if id_ in here]
            assert order == [id_ for id_ in ids if id_ in set(order)], f"{client.name} {channel}/{place}: order"
        judge_chain(client, channel)


def judge_chain(client: Client, channel: str) -> None:
    """Fail unless each frame of events follows on the one before it. Only a `reset` breaks the chain, and after it
    `subscribed` begins another.
    """
    view, cursor = "", None
    for message in client.messages:
        if message["type"] == "subscribed" and message["id"] == channel:
            view, cursor = message["view"], message["seq"]
        elif message.get("view") == view and message["type"] == "reset":
            cursor = None
        elif message.get("view") == view and message["type"] == "events":
            assert message["prev"] == cursor, f"{client.name} {channel}: a hole after {cursor}"
            cursor = message["seq"]
    assert cursor is not None, f"{client.name} {channel}: was reset and never subscribed again"


async def delivered(client: Client, emitted: Sequence[Emitted], since: int, within: float = 30.0) -> None:
    """Return once *client* has as many events as it must have."""
    must = {
        channel: {id_ for ids in expected(emitted[since:], client.tenant, channel).values() for id_ in ids}
        for channel in CHANNELS
    }
    await client.until(lambda: all(ids <= set(client.ids(channel)) for channel, ids in must.items()), within)


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """Those of *secrets* that occur in *text*."""
    return [secret for secret in secrets if secret in text]
