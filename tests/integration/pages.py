"""The dashboard in a real browser, over a real gateway with the FrameWorks pack and everything behind it in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from signalman.access.accounts import Account
from signalman.backends.memory_bus import MemoryBus, MemoryHub
from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.event import Event, Record
from signalman.gateway.gateway import Gateway
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.metrics import Metrics
from signalman.notice import EVERYBODY
from signalman.principal import Principal
from signalman.relay.publish import address, outgoing
from signalman.relay.rows import Rows
from signalman.web import app, server
from tests.access import open_admission
from tests.integration.known import Known

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip

TOKEN = "dev-token-of-the-first-tenant"
OTHER_TOKEN = "dev-token-of-the-second-tenant"
TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0001"
OTHER = "5eed517e-ba5e-da7a-517e-ba5eda7a0002"
NONE = "\u2013"
STREAM = "5eedfeed-11fe-ca57-feed-11feca57000"

MARKS = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"),
]
"""For a module whose tests share one browser."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests; each gets a profile of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


def now(seconds: float = 0) -> str:
    """This moment, or one so much later, as events and rows have it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row(catalog: Catalog, channel: str, table: str, tenant: str = TENANT, **columns: Any) -> dict[str, Any]:
    """A row of a table; columns that are not given are null."""
    found = catalog.channels[channel].tables[table]
    empty = dict.fromkeys((*found.columns, *(condition.column for condition in found.where)))
    version = {found.version: now()} if found.version else {}
    return {**empty, found.scope[0]: tenant, **version, **columns}


_numbers = count(1)


def happened(type_: str, subject: str | None = None, *, at: str | None = None, **data: Any) -> Event:
    """An event as the relay has it before it looks at what it does to rows; of no channel and nobody's yet."""
    return Event(f"e-{next(_numbers)}", type_, at or now(), "foghorn", (), "", data, subject)


@dataclass
class World:
    """A running gateway."""

    port: int
    gateway: Gateway
    catalog: Catalog
    known: Known
    store: MemorySnapshots
    bus: MemoryBus
    requests: list[str] = field(default_factory=list)
    """Every address that the page asked for."""
    complaints: list[str] = field(default_factory=list)
    """What the browser's console says, and errors of scripts."""

    @property
    def url(self) -> str:
        """Address of the dashboard."""
        return f"http://127.0.0.1:{self.port}/"

    def judge(self, id_: str, verdict: Principal | None) -> None:
        """Have everybody looked at again, and find that who is known as *id_* is *verdict* now, or nobody any more."""
        self.known.verdicts[id_] = verdict
        self.gateway.standing.notice(EVERYBODY, "relay")

    def put(self, channel: str, table: str, tenant: str = TENANT, **columns: Any) -> None:
        """Store a row."""
        found = self.catalog.channels[channel].tables[table]
        self.store.put(found, row(self.catalog, channel, table, tenant, **columns))

    async def publish(self, channel: str, *events: Event, tenant: str = TENANT) -> None:
        """Publish as the relay would, with what the events do to rows."""
        rows = Rows(self.catalog)
        own = (event._replace(channel=channel, scope=(tenant,)) for event in events)
        await self.bus.publish(outgoing([address(_record(), event, rows.changes(event).rows) for event in own]))


def _record() -> Record:
    return Record("analytics_events", 0, next(_numbers), round(time.time() * 1000), None, None)


@asynccontextmanager
async def gateway(port: int = 0, limits: SessionLimits | None = None, **web: Any) -> AsyncIterator[World]:
    """Serve two tenants, one of them with a little life. *web* is more for `create_app`."""
    catalog, hub, metrics, store = load(default_folder("frameworks")), MemoryHub(), Metrics(), MemorySnapshots()
    accounts = [
        Account(name="dev", token=TOKEN, scope=(TENANT,)),
        Account(name="other", token=OTHER_TOKEN, scope=(OTHER,)),
    ]
    known = Known(catalog, accounts, metrics, time.time)
    served = Gateway(
        catalog=catalog,
        access=known,
        admission=open_admission(metrics),
        bus=MemoryBus(hub),
        snapshots=SharedSnapshots(store, metrics, ttl=0.0),
        metrics=metrics,
        limits=limits or SessionLimits(),
        share_seconds=0.0,
    )
    listener = server.bind("127.0.0.1", port)
    world = World(listener.getsockname()[1], served, catalog, known, store, MemoryBus(hub))
    fill(world)
    serving = server.serve(app.create_app(served, **web), listener)
    tasks = [asyncio.create_task(each) for each in (serving, served.keep_time(), served.watch_access())]
    try:
        yield world
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def fill(world: World) -> None:
    """What the first tenant has: three streams, two nodes, two viewers and a recording."""
    for number, status, viewers in [(1, "live", 12), (2, "live", 30), (3, "offline", 0)]:
        world.put(
            "streams", "streams", stream_id=f"{STREAM}{number}", node_id="edge-1", status=status,
            current_viewers=viewers, has_issues=None, primary_height=1080, primary_fps=60, started_at=now(),
        )  # fmt: skip
    for name, healthy in [("edge-1", 1), ("edge-2", 0)]:
        world.put(
            "system", "nodes", cluster_id="c", node_id=name, is_healthy=healthy, cpu_percent=41.5,
            ram_used_bytes="4", ram_total_bytes="16", operational_mode="normal", location="Leiden",
        )  # fmt: skip
    for session in ("s-1", "s-2"):
        world.put(
            "analytics", "viewers", stream_id=f"{STREAM}1", node_id="edge-1", session_id=session, connected_at=now(),
            connector="HLS", country_code="NL", city="Leiden",
        )  # fmt: skip
    world.put(
        "analytics", "artifacts", request_id="d" * 32, content_type="dvr", stage="recording", progress_percent=0,
        size_bytes="1048576",
    )  # fmt: skip


@asynccontextmanager
async def page_of(browser: Browser, world: World, path: str = "", **options: Any) -> AsyncIterator[Page]:
    """The dashboard in a fresh profile. Fails where the browser complained."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    page = await context.new_page()

    def complain(message: ConsoleMessage) -> None:
        # A socket that breaks is what some tests are about.
        if message.type in {"error", "warning"} and "WebSocket connection" not in message.text:
            world.complaints.append(message.text)

    def ask(request: Request) -> None:
        world.requests.append(request.url)

    page.on("console", complain)
    page.on("pageerror", lambda error: world.complaints.append(str(error)))
    page.on("request", ask)
    page.set_default_timeout(10_000)
    try:
        await page.goto(world.url + path)
        yield page
    finally:
        await context.close()
    assert world.complaints == []


async def is_live(page: Page) -> None:
    """Wait until everything has caught up."""
    await expect(page.locator("#state")).to_have_attribute("data-state", "live")


async def until(page: Page, condition: str) -> None:
    """Wait until an expression of JavaScript is true. Playwright's own way evaluates text, which the policy forbids."""
    async with asyncio.timeout(10):
        await page.evaluate(
            f"new Promise((done) => {{ const look = () => ({condition}) ? done() : setTimeout(look, 10); look(); }})"
        )


async def cells(page: Page, table: str) -> list[list[str]]:
    """The texts of a table's body."""
    lines = await page.locator(f"#{table} tbody tr").all()
    return [await line.locator("td").all_inner_texts() for line in lines]
