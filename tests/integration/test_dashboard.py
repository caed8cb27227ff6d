"""The dashboard in a real browser, over a real gateway with the FrameWorks pack and everything behind it in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from signalman.access.accounts import Account, Accounts
from signalman.access.authenticator import Authenticator
from signalman.backends.memory import MemoryBus, MemoryHub
from signalman.backends.memory_snapshots import MemorySnapshots
from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.event import Feed, Outgoing
from signalman.gateway.gateway import Gateway
from signalman.gateway.session import SessionLimits
from signalman.gateway.snapshots import SharedSnapshots
from signalman.metrics import Metrics
from signalman.principal import Principal
from signalman.protocol import CLOSES
from signalman.web import app, server
from tests.integration.scripted import Line, scripted

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

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests; each gets a profile of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


def now() -> str:
    """This moment, as events and rows have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row(catalog: Catalog, channel: str, table: str, tenant: str = TENANT, **columns: Any) -> dict[str, Any]:
    """A row of a table; columns that are not given are null."""
    found = catalog.channels[channel].tables[table]
    empty = dict.fromkeys((*found.columns, *(condition.column for condition in found.where)))
    version = {found.version: now()} if found.version else {}
    return {**empty, found.scope[0]: tenant, **version, **columns}


def happened(type_: str, subject: str | None = None, **data: Any) -> bytes:
    """An event as the relay publishes it."""
    number = time.monotonic_ns()
    return orjson.dumps(
        {"id": f"e-{number}", "type": type_, "time": now(), "source": "foghorn", "subject": subject, "data": data}
    )


@dataclass
class World:
    """A running gateway."""

    port: int
    gateway: Gateway
    catalog: Catalog
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

    def put(self, channel: str, table: str, tenant: str = TENANT, **columns: Any) -> None:
        """Store a row."""
        found = self.catalog.channels[channel].tables[table]
        self.store.put(found, row(self.catalog, channel, table, tenant, **columns))

    async def publish(self, channel: str, *events: bytes, tenant: str = TENANT) -> None:
        """Publish as the relay would."""
        await self.bus.publish([Outgoing(Feed(channel, (tenant,)), events)])


@asynccontextmanager
async def gateway(port: int = 0, limits: SessionLimits | None = None) -> AsyncIterator[World]:
    """Serve two tenants, one of them with a little life."""
    catalog, hub, metrics, store = load(default_folder("frameworks")), MemoryHub(), Metrics(), MemorySnapshots()
    levels = catalog.levels
    accounts = Accounts(
        [Account(name="dev", token=TOKEN, scope=(TENANT,)), Account(name="other", token=OTHER_TOKEN, scope=(OTHER,))],
        levels,
    )
    authenticator = Authenticator(jwt=None, tokens=None, accounts=accounts)

    async def authenticate(credential: str) -> Principal:
        return await authenticator.authenticate(credential, time.time())

    served = Gateway(
        catalog=catalog,
        authenticate=authenticate,
        bus=MemoryBus(hub),
        snapshots=SharedSnapshots(store, metrics, ttl=0.0),
        metrics=metrics,
        limits=limits or SessionLimits(),
        share_seconds=0.0,
    )
    listener = server.bind("127.0.0.1", port)
    world = World(listener.getsockname()[1], served, catalog, store, MemoryBus(hub))
    fill(world)
    task = asyncio.create_task(server.serve(app.create_app(served), listener))
    clock = asyncio.create_task(served.keep_time())
    try:
        yield world
    finally:
        for each in (clock, task):
            each.cancel()
        await asyncio.gather(clock, task, return_exceptions=True)


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


async def test_a_ready_address_signs_in_and_hides_its_token(browser: Browser) -> None:
    """The token of `#token=…` is gone from the address bar, the history, and every request."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        assert page.url == world.url
        assert await page.evaluate("history.length") <= 2
        await page.reload()
        await is_live(page)
        assert not [address for address in world.requests if TOKEN in address]
        await expect(page.locator("#principal")).to_have_text("dev")


async def test_a_token_is_pasted_and_signing_out_forgets_it(browser: Browser) -> None:
    """Nothing of the tables is left on the page, and a reload asks for a token again."""
    async with gateway() as world, page_of(browser, world) as page:
        await expect(page.get_by_label("Access token")).to_be_focused()
        await page.get_by_label("Access token").fill(f"  {TOKEN} ")
        await page.keyboard.press("Enter")
        await is_live(page)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Access token")).to_be_visible()
        assert await page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]
        await page.reload()
        await expect(page.get_by_role("button", name="Connect")).to_be_visible()


async def test_a_wrong_token_is_told(browser: Browser) -> None:
    """With the gateway's sentence, where a screen reader announces it; and it is not tried again."""
    async with gateway() as world, page_of(browser, world, "#token=wrong") as page:
        await expect(page.get_by_role("alert")).to_contain_text("credential")
        await expect(page.locator("#state")).to_have_attribute("data-state", "stopped")
        assert await page.evaluate("sessionStorage.length") == 0


async def test_what_is_in_the_tables_is_shown(browser: Browser) -> None:
    """The busiest stream first, offline ones last; tiles agree with the rows."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        await expect(page.locator("#tile-streams")).to_have_text("2")
        await expect(page.locator("#tile-viewers")).to_have_text("42")
        await expect(page.locator("#tile-nodes")).to_have_text("1")
        streams = await cells(page, "streams")
        assert [line[:4] for line in streams] == [
            ["5eedfeed…0002", "Live", "30", "Good"],
            ["5eedfeed…0001", "Live", "12", "Good"],
            ["5eedfeed…0003", "offline", NONE, NONE],
        ]
        assert [line[:4] for line in await cells(page, "nodes")] == [
            ["edge-2", "Unhealthy", "42 %", "25 %"],
            ["edge-1", "Healthy", "42 %", "25 %"],
        ]
        assert await cells(page, "countries") == [["Netherlands", "2"]]
        assert len(await cells(page, "sessions")) == 2
        assert (await cells(page, "artifacts"))[0][:3] == ["dvr", "dddddddd…dddd", "recording"]


async def test_another_tenant_sees_its_own_nothing(browser: Browser) -> None:
    """And is told what to do about it."""
    async with gateway() as world, page_of(browser, world, f"#token={OTHER_TOKEN}") as page:
        await is_live(page)
        await expect(page.locator("#streams-empty")).to_contain_text("No streams yet")
        await world.publish("streams", happened("stream_end", stream_id=f"{STREAM}1"))
        await world.publish("streams", happened("stream_source", stream_id=f"{STREAM}9"), tenant=OTHER)
        await expect(page.locator("#feed li")).to_have_count(1)
        await expect(page.locator("#feed li .type")).to_have_text("stream source")


async def test_events_change_the_rows(browser: Browser) -> None:
    """A stream begins, ends and gains viewers; a viewer comes and goes; a node falls ill; a clip is made."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        await world.publish(
            "streams",
            happened("stream_lifecycle_update", stream_id=f"{STREAM}4", status="live", total_viewers=99, node_id="e"),
            happened("stream_end", stream_id=f"{STREAM}2"),
        )
        await expect(page.locator("#streams tbody tr").first).to_contain_text("5eedfeed…0004")
        await expect(page.locator("#tile-viewers")).to_have_text("111")
        viewer: dict[str, Any] = {"stream_id": f"{STREAM}1", "node_id": "edge-1"}
        await world.publish(
            "analytics",
            happened("viewer_connect", **viewer, session_id="s-3", client_country="BR", client_city="Olinda"),
            happened("viewer_disconnect", **viewer, session_id="s-1"),
            happened("clip_lifecycle", clip_hash="c" * 32, stage="STAGE_PROGRESS", progress_percent=50),
        )
        await expect(page.locator("#countries tbody tr")).to_have_count(2)
        assert sorted(await cells(page, "countries")) == [["Brazil", "1"], ["Netherlands", "1"]]
        await expect(page.locator("#artifacts tbody tr").first).to_contain_text("50 %")
        node: dict[str, Any] = {
            "cluster_id": "c",
            "node_id": "edge-1",
            "cpu_tenths": 955,
            "ram_current": "15",
            "ram_max": "16",
        }
        await world.publish("system", happened("node_lifecycle_update", **node, is_healthy=False))
        await expect(page.locator("#tile-nodes")).to_have_text("0")
        await expect(page.locator("#nodes")).to_contain_text("96 %")


async def test_what_comes_is_text_and_never_markup(browser: Browser) -> None:
    """In rows, in summaries, in opened events and in titles."""
    evil = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        world.put("streams", "streams", stream_id=f"{STREAM}5", status=evil, node_id=evil, quality_tier=evil)
        await page.reload()
        await is_live(page)
        await world.publish("streams", happened("stream_buffer", evil, buffer_state=evil, **{evil: evil}))
        await page.locator("#feed summary").first.click()
        await expect(page.locator("#feed pre")).to_contain_text("<script>")
        assert await page.title() == "Signalman"
        assert await page.locator("#board img, #board script").count() == 0


async def test_the_page_needs_nothing_from_elsewhere(browser: Browser) -> None:
    """Every request goes to this gateway, and the policy allows no inline script or style."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        origin = f"127.0.0.1:{world.port}/"
        assert {address.split("://")[1][: len(origin)] for address in world.requests} == {origin}
        response = await page.request.get(world.url)
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert await page.locator("script:not([src]), style, [style]:not(.bar i, .type)").count() == 0


async def test_the_feed_is_filtered_paused_and_opened(browser: Browser) -> None:
    """By text and by type; while paused nothing moves, and what came is there afterwards; Enter opens an event."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        await expect(page.locator("#feed-empty")).to_be_visible()
        ended, source = (
            happened("stream_end", f"{STREAM}1", stream_id=f"{STREAM}1"),
            happened("stream_source", f"{STREAM}2", stream_id=f"{STREAM}2"),
        )
        await world.publish("streams", ended, source)
        lines = page.locator("#feed li")
        await expect(lines).to_have_count(2)
        await expect(lines.first).to_contain_text("stream source")
        await page.get_by_label("Search the events").fill("0001")
        await expect(lines).to_have_count(1)
        await page.get_by_label("Search the events").fill("")
        await page.get_by_label("Event type").select_option("stream_source")
        await expect(lines).to_have_count(1)
        await page.get_by_label("Event type").select_option("")
        await page.get_by_role("button", name="Pause").click()
        await world.publish("streams", happened("stream_source", f"{STREAM}3", stream_id=f"{STREAM}3"))
        await expect(page.get_by_role("button", name="Resume (1 new)")).to_be_visible()
        await expect(lines).to_have_count(2)
        await page.get_by_role("button", name="Resume").click()
        await expect(lines).to_have_count(3)
        await lines.first.locator("summary").focus()
        await page.keyboard.press("Enter")
        assert orjson.loads(await page.locator("#feed pre").inner_text())["type"] == "stream_source"


async def test_the_feed_is_bounded(browser: Browser) -> None:
    """A page that is open for a week holds no more than one that is open for an hour."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        for _ in range(6):
            await world.publish("streams", *(happened("stream_source", stream_id=f"{STREAM}1") for _ in range(100)))
        await expect(page.locator("#feed li")).to_have_count(200)


async def test_it_comes_back_by_itself(browser: Browser) -> None:
    """The gateway restarts: the page says so, keeps what it shows, and is exact again when it is back."""
    async with AsyncExitStack() as running:
        world = await running.enter_async_context(gateway())
        async with page_of(browser, world, f"#token={TOKEN}") as page:
            await is_live(page)
            await running.aclose()
            await expect(page.locator("#state-name")).to_have_text("Reconnecting")
            await expect(page.locator("#state-age")).to_contain_text("again in")
            assert len(await cells(page, "streams")) == 3
            async with gateway(world.port) as second:
                second.put("streams", "streams", stream_id=f"{STREAM}7", status="live", current_viewers=1)
                await is_live(page)
                await expect(page.locator("#streams tbody tr")).to_have_count(4)


async def test_a_silent_connection_is_given_up(browser: Browser) -> None:
    """A browser cannot ping: it watches the heartbeat, and opens another connection when the heart stops."""

    async def dies(line: Line) -> None:
        await line.socket.send(hello(heartbeat_ms=200))
        assert (await line.hear())["type"] == "auth"
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(dies, begins("new")) as url:
        await follow(page, url)
        await until(page, "heard.length > 0")
        assert await page.evaluate("heard") == ["new"]


def hello(heartbeat_ms: int = 25_000) -> str:
    """The first message."""
    return orjson.dumps({"type": "hello", "protocol": "signalman.v1", "heartbeat_ms": heartbeat_ms}).decode()


def begins(*ids: str) -> Any:
    """A connection that authenticates, begins at 5, sends events and stays."""

    async def act(line: Line) -> None:
        await line.socket.send(hello())
        assert await line.hear() == {"type": "auth", "token": "t"}
        await line.say("welcome", principal={"kind": "account", "id": "dev"}, channels=["streams"], expires_at=None)
        await line.begin(seq=5)
        await line.happen(5, *ids)
        await line.stay()

    return act


async def follow(page: Page, url: str) -> None:
    """Run the page's client against another server; `heard` collects the ids of events, `states` and `resets` tell."""
    await page.evaluate(
        """async (url) => {
            const { Client } = await import("/static/signalman.js");
            Object.assign(window, { heard: [], states: [], resets: [] });
            window.client = new Client({ url, token: "t", on: {
                events: (_, frame) => heard.push(...frame.events.map((event) => event.id)),
                state: ({ name, detail }) => states.push([name, detail]),
                reset: (_, reason) => resets.push(reason),
            }});
            client.start();
        }""",
        f"{url}/v1/ws",
    )


async def test_a_hole_is_healed_in_the_browser_too(browser: Browser) -> None:
    """What does not chain is dropped, and the subscription is asked for anew."""

    async def skips(line: Line) -> None:
        await line.socket.send(hello())
        await line.hear()
        await line.say("welcome", principal={"kind": "account", "id": "dev"}, channels=["streams"], expires_at=None)
        first = await line.begin(seq=5)
        await line.happen(7, "after the hole")
        assert await line.hear() == {"type": "unsubscribe", "id": first["id"]}
        await line.begin(seq=8)
        await line.happen(8, "healed")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(skips) as url:
        await follow(page, url)
        await until(page, "heard.length > 0")
        assert await page.evaluate("[heard, resets]") == [["healed"], ["hole"]]


async def test_an_older_socket_is_not_heard(browser: Browser) -> None:
    """What a socket says after a newer one was opened never reaches the page, nor does its close."""
    newer, said = asyncio.Event(), asyncio.Event()

    async def speaks_late(line: Line) -> None:
        await line.socket.send(hello())
        await line.hear()
        await line.say("welcome", principal={"kind": "account", "id": "dev"}, channels=["streams"], expires_at=None)
        await line.begin(seq=5)
        await newer.wait()
        await line.happen(5, "too late")
        await line.socket.close(4401, "not authenticated")
        said.set()

    async def takes_over(line: Line) -> None:
        await line.socket.send(hello())
        await line.hear()
        await line.say("welcome", principal={"kind": "account", "id": "dev"}, channels=["streams"], expires_at=None)
        await line.begin(seq=5)
        newer.set()
        await said.wait()
        await line.happen(5, "new")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(speaks_late, takes_over) as url:
        # Browsers close a socket politely, which a server may ignore for long: here it keeps on talking.
        await page.evaluate("WebSocket.prototype.close = function () {}")
        await follow(page, url)
        await until(page, "states.some(([name]) => name === 'loading')")
        await page.evaluate("client.stop(); client.start()")
        await until(page, "heard.length > 0")
        assert await page.evaluate("[heard, client.state]") == [["new"], "loading"]


@pytest.mark.parametrize(("code", "state"), [(4401, "credential"), (4403, "ended"), (1000, "ended")])
async def test_a_final_close_is_final(browser: Browser, code: int, state: str) -> None:
    """The last error gives the reason; nothing is tried again."""

    async def refuses(line: Line) -> None:
        await line.socket.send(hello())
        await line.hear()
        await line.say("error", code="x", detail="Because.", title="", status=400)
        await line.socket.close(code, "short")

    async with gateway() as world, page_of(browser, world) as page, scripted(refuses) as url:
        await follow(page, url)
        await until(page, "states.length > 1")
        assert await page.evaluate("states.at(-1)") == [state, "Because."]


async def test_both_clients_read_close_codes_alike(browser: Browser) -> None:
    """The page's table of close codes is the protocol's, and its back-off has the same limits."""
    async with gateway() as world, page_of(browser, world) as page:
        table = await page.evaluate("import('/static/signalman.js').then(({ RETRY }) => RETRY)")
        assert table == {str(int(code)): close.retry for code, close in CLOSES.items()}
        waits = await page.evaluate(
            """import("/static/signalman.js").then(({ backoff }) =>
                [0, 1, 2, 3, 4, 5, 99].map((attempt) => [backoff(attempt, () => 0), backoff(attempt, () => 1)]))"""
        )
        assert waits == [[500, bound] for bound in (1000, 2000, 4000, 8000, 16000, 30000, 30000)]


async def test_stale_is_said(browser: Browser) -> None:
    """The gateway has lost its bus: the page says that what it shows may be old, and when it no longer is."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        world.gateway.hub.lost()
        await expect(page.get_by_role("status").first).to_have_text("Stale")
        world.gateway.hub.recovered({})
        await expect(page.get_by_role("status").first).to_have_text("Live")


async def test_tables_that_cannot_be_read_are_told(browser: Browser) -> None:
    """Live events go on meanwhile."""
    async with gateway() as world:
        world.store.available = False
        async with page_of(browser, world, f"#token={TOKEN}") as page:
            await expect(page.locator("#notice")).to_contain_text("The tables cannot be read now")
            await world.publish("streams", happened("stream_source", stream_id=f"{STREAM}1"))
            await expect(page.locator("#feed li")).to_have_count(1)


@pytest.mark.parametrize("width", [360, 390, 768, 1024, 1280, 1920])
async def test_nothing_sticks_out(browser: Browser, width: int) -> None:
    """From a phone to a wall: the page itself never scrolls sideways."""
    async with (
        gateway() as world,
        page_of(browser, world, f"#token={TOKEN}", viewport={"width": width, "height": 800}) as page,
    ):
        await is_live(page)
        await world.publish("streams", happened("stream_source", "x" * 300, stream_id=f"{STREAM}1", note="y" * 300))
        await expect(page.locator("#feed li")).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
