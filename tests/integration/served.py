"""A gateway behind a real uvicorn, with everything else in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from signalman.access.accounts import Account
from signalman.access.mint import mint
from signalman.access_rules import AccessRules, Claims, TokenScheme
from signalman.backends.memory_bus import MemoryBus, MemoryHub
from signalman.backends.memory_quotas import MemoryQuotas
from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.channel import Catalog
from signalman.event import Feed, Outgoing, OutgoingEvent, Record
from signalman.gateway.admission import Admission, AdmissionLimits
from signalman.gateway.gateway import Gateway
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.metrics import Metrics
from signalman.notice import EVERYBODY
from signalman.principal import Principal
from signalman.web import app, server
from tests.access import NO_LIMITS
from tests.integration.known import SECRET, Known
from tests.unit.gateway.make import FEED, OTHER, STREAM, TENANT, catalog

SERVICE_TOKEN = "the-operators-own-token"
TOKEN = "dev-token-of-the-first-tenant"
NOW = 1_800_000_000.0

ROWS = [
    {"tenant_id": tenant, "stream_id": f"{STREAM[:-2]}{n:02}", "status": "live", "updated_at": "2026-08-20T10:11:12Z"}
    for tenant in (TENANT, OTHER)
    for n in range(7)
]


def platform() -> Catalog:
    """The small catalog, with tokens as FrameWorks has them."""
    claims = Claims(user="user_id", roles=("role",))
    return replace(catalog(), access=AccessRules(claims, tokens=(TokenScheme("hashed", "fw_"),)))


@dataclass
class Served:
    """A running gateway and what surrounds it."""

    port: int
    gateway: Gateway
    known: Known
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
        pack = platform()
        return mint(
            secret,
            pack.levels,
            pack.access.claims,
            user_id="u-1",
            scope=(tenant,),
            now=self.now[0],
            lifetime=lifetime,
            role="owner",
        )

    def judge(self, id_: str, verdict: Principal | None) -> None:
        """Have everybody looked at again, and find that who is known as *id_* is *verdict* now, or nobody any more."""
        self.known.verdicts[id_] = verdict
        self.gateway.standing.notice(EVERYBODY, "relay")

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
    *,
    limits: SessionLimits | None = None,
    doors: AdmissionLimits = NO_LIMITS,
    max_connections: int = 100,
    close_seconds: float = 1.0,
    **web: Any,
) -> AsyncIterator[Served]:
    """Run a gateway until the block ends. *doors* is what may come in; *web* is more for `create_app`."""
    hub, metrics, pack = MemoryHub(epoch="e1"), Metrics(), platform()
    store = MemorySnapshots()
    for row in ROWS:
        store.put(pack.channels["streams"].tables["streams"], row)
    now = [NOW]
    accounts = [Account(name="dev", token=TOKEN, scope=(TENANT,))]
    known = Known(pack, accounts, metrics, lambda: now[0])
    limits = limits or SessionLimits(server="signalman/test")
    gateway = Gateway(
        catalog=pack,
        access=known,
        admission=Admission(MemoryQuotas(), MemoryQuotas(), doors, metrics, key=b"a key for tests"),
        bus=MemoryBus(hub),
        snapshots=SharedSnapshots(store, metrics),
        metrics=metrics,
        limits=limits,
        max_connections=max_connections,
        close_seconds=close_seconds,
        clock=lambda: now[0],
    )
    listener = server.bind("127.0.0.1", 0)
    port = listener.getsockname()[1]

    async def drain() -> None:
        await gateway.drain(1.0)

    application = app.create_app(gateway, service_token=SERVICE_TOKEN, close_seconds=close_seconds, **web)
    serving = server.serve(application, listener, max_message_bytes=limits.max_message_bytes, drain=drain)
    tasks = [asyncio.create_task(each) for each in (serving, gateway.keep_time(), gateway.watch_access())]
    try:
        yield Served(port, gateway, known, MemoryBus(hub), store, now)
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
