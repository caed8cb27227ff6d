"""A gateway behind a real uvicorn, with everything else in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from signalman.access.accounts import Account, Accounts
from signalman.access.authenticator import Authenticator
from signalman.access.jwt import JwtVerifier, mint
from signalman.backends.memory_bus import MemoryBus, MemoryHub
from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.event import Feed, Outgoing, OutgoingEvent, Record
from signalman.gateway.gateway import Gateway
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.metrics import Metrics
from signalman.principal import Principal
from signalman.web import app, server
from tests.unit.gateway.make import FEED, OTHER, STREAM, TENANT, catalog

SECRET = "a secret of at least thirty-two bytes, for tests"
SERVICE_TOKEN = "the-operators-own-token"
TOKEN = "dev-token-of-the-first-tenant"
NOW = 1_800_000_000.0

ROWS = [
    {"tenant_id": tenant, "stream_id": f"{STREAM[:-2]}{n:02}", "status": "live", "updated_at": "2026-08-20T10:11:12Z"}
    for tenant in (TENANT, OTHER)
    for n in range(7)
]


@dataclass
class Served:
    """A running gateway and what surrounds it."""

    port: int
    gateway: Gateway
    publisher: MemoryBus
    store: MemorySnapshots
    now: list[float] = field(default_factory=lambda: [NOW])
    _offsets: Iterator[int] = field(default_factory=count)

    @property
    def http(self) -> str:
        """Base address for REST."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Address of the WebSocket."""
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    def jwt(self, tenant: str = TENANT, lifetime: float = 900, secret: str = SECRET) -> str:
        """A token as the platform would sign it."""
        return mint(
            secret, catalog().levels, user_id="u-1", scope=(tenant,), now=self.now[0], lifetime=lifetime, role="owner"
        )

    async def publish(self, *events: bytes, feed: Feed = FEED) -> None:
        """Publish as the relay would, each event out of a record of its own."""
        outgoing = []
        for data in events:
            offset = next(self._offsets)
            record = Record("test", 0, offset, offset, key=None, value=None)
            outgoing.append(OutgoingEvent(record, offset.to_bytes(8, "big"), data))
        await self.publisher.publish([Outgoing(feed, tuple(outgoing))])

    def connect(self, token: str | None = TOKEN, **options: Any) -> connect:
        """A client's socket; with a token in the header unless *token* is None."""
        if token is not None:
            options.setdefault("additional_headers", {"Authorization": f"Bearer {token}"})
        return connect(self.url, proxy=None, compression=None, **options)


@asynccontextmanager
async def served(
    *, limits: SessionLimits | None = None, allowed_origins: tuple[str, ...] = (), max_connections: int = 100
) -> AsyncIterator[Served]:
    """Run a gateway until the block ends."""
    hub, metrics, pack = MemoryHub(epoch="e1"), Metrics(), catalog()
    store = MemorySnapshots()
    for row in ROWS:
        store.put(pack.channels["streams"].tables["streams"], row)
    now = [NOW]
    accounts = Accounts([Account(name="dev", token=TOKEN, scope=(TENANT,))], pack.levels)
    authenticator = Authenticator(jwt=JwtVerifier(SECRET, pack.levels), tokens=None, accounts=accounts)

    async def authenticate(credential: str) -> Principal:
        return await authenticator.authenticate(credential, now[0])

    limits = limits or SessionLimits(server="signalman/test")
    gateway = Gateway(
        catalog=pack,
        authenticate=authenticate,
        bus=MemoryBus(hub),
        snapshots=SharedSnapshots(store, metrics),
        metrics=metrics,
        limits=limits,
        max_connections=max_connections,
        clock=lambda: now[0],
    )
    listener = server.bind("127.0.0.1", 0)
    port = listener.getsockname()[1]

    async def drain() -> None:
        await gateway.drain(1.0)

    application = app.create_app(gateway, allowed_origins=allowed_origins, service_token=SERVICE_TOKEN)
    web = server.serve(application, listener, max_message_bytes=limits.max_message_bytes, drain=drain)
    tasks = [asyncio.create_task(web), asyncio.create_task(gateway.keep_time())]
    try:
        yield Served(port, gateway, MemoryBus(hub), store, now)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def say(socket: ClientConnection, **message: object) -> None:
    """Send one message."""
    await socket.send(orjson.dumps(message).decode())


async def hear(socket: ClientConnection, type_: str, within: float = 5.0) -> list[dict[str, Any]]:
    """Everything up to and including the first message of *type_*."""
    heard: list[dict[str, Any]] = []
    async with asyncio.timeout(within):
        while not heard or heard[-1]["type"] != type_:
            heard.append(orjson.loads(await socket.recv()))
    return heard
