"""The dashboard through breaks, resets and the passing of time: what it shows is right, or is said to be old."""

from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser, expect

from signalman.event import Feed, Position
from signalman.gateway.session import SessionLimits
from tests.integration import pages
from tests.integration.pages import MARKS, STREAM, TENANT, TOKEN, cells, gateway, happened, is_live, now, page_of

pytestmark = MARKS
browser = pages.browser

STREAMS = "[data-channel=streams].panel"

LATER = "(ms) => { Date.now = () => performance.timeOrigin + performance.now() + ms; }"
"""Sets the clock of a page ahead."""

HOLD_SOCKET = """() => {
    const Socket = WebSocket;
    window.WebSocket = class extends Socket {
        constructor(...what) {
            super(...what);
            window.socket = this;
        }
    };
}"""
"""Lets a test break the page's connection."""


async def test_it_comes_back_by_itself(browser: Browser) -> None:
    """The gateway restarts: the page says so, keeps what it shows, and is exact again when it is back."""
    async with AsyncExitStack() as running:
        world = await running.enter_async_context(gateway())
        async with page_of(browser, world, f"#token={TOKEN}") as page:
            await is_live(page)
            await running.aclose()
            await expect(page.locator("#state-name")).to_have_text("Reconnecting")
            await expect(page.locator("#state-age")).to_contain_text("again in")
            await expect(page.locator("#streams tbody tr")).to_have_count(3)
            await expect(page.locator(STREAMS)).to_have_attribute("data-stale", "true")
            async with gateway(world.port) as second:
                second.put("streams", "streams", stream_id=f"{STREAM}7", status="live", current_viewers=1)
                await is_live(page)
                await expect(page.locator("#streams tbody tr")).to_have_count(4)
                await expect(page.locator(STREAMS)).to_have_attribute("data-stale", "false")


async def test_a_broken_connection_is_gone_on_from(browser: Browser) -> None:
    """Only the socket breaks: what was missed is fetched, and no table is read again."""
    async with gateway() as world, page_of(browser, world) as page:
        await page.evaluate(HOLD_SOCKET)
        await page.evaluate("(token) => { location.hash = `#token=${token}`; }", TOKEN)
        await is_live(page)
        # A feed on which nothing was ever published has no place to go on from.
        for channel, type_ in [("streams", "stream_end"), ("analytics", "push_end"), ("system", "load_balancing")]:
            await world.publish(channel, happened(type_, stream_id=f"{STREAM}1"))
        await expect(page.locator("#feed li")).to_have_count(3)
        reads = world.store.reads
        await page.evaluate("socket.close()")
        await expect(page.locator("#state-name")).to_have_text("Reconnecting")
        await world.publish("streams", happened("stream_end", stream_id=f"{STREAM}2"))
        await is_live(page)
        await expect(page.locator("#tile-streams")).to_have_text("0")
        await expect(page.locator("#feed li")).to_have_count(4)
        assert world.store.reads == reads


async def test_a_view_that_starts_over_keeps_its_rows_and_calls_them_old(browser: Browser) -> None:
    """Until everything is there again, which here takes a while because the tables cannot be read."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        await world.publish("streams", happened("stream_end", stream_id=f"{STREAM}2"))
        await expect(page.locator("#tile-streams")).to_have_text("1")
        world.store.available = False
        world.gateway.hub.retired(Feed("streams", (TENANT,)), Position("e9", 0, 1), "skipped")
        await expect(page.locator("#notice")).to_contain_text("The tables cannot be read now")
        await expect(page.locator(STREAMS)).to_have_attribute("data-stale", "true")
        await expect(page.locator(f"{STREAMS} .scroll")).to_have_css("opacity", "0.55")
        await expect(page.locator("[data-channel=system].panel .scroll")).to_have_css("opacity", "1")
        assert len(await cells(page, "streams")) == 3
        world.put("streams", "streams", stream_id=f"{STREAM}2", status="offline", current_viewers=0)
        world.store.available = True
        await expect(page.locator(f"{STREAMS} .scroll")).to_have_css("opacity", "1")
        await expect(page.locator("#notice")).to_be_hidden()


async def test_time_alone_changes_the_rows(browser: Browser) -> None:
    """A stream that nobody reports on is offline after two minutes, a node without news is no healthy one, and a
    session of hours ago is no viewer: by the server's clock, and only while the page is connected.
    """
    limits = SessionLimits(heartbeat=3_600.0)  # else the server would put the page's clock right again
    async with gateway(limits=limits) as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        await expect(page.locator("#tile-streams")).to_have_text("2")
        await page.evaluate(LATER, 125_000)
        await expect(page.locator("#tile-streams")).to_have_text("0")
        assert [line[1] for line in await cells(page, "streams")] == ["Offline"] * 3
        assert [line[1] for line in await cells(page, "nodes")] == ["No news"] * 2
        await expect(page.locator("#tile-nodes")).to_have_text("0")
        assert len(await cells(page, "sessions")) == 2
        await page.evaluate(LATER, 14_500_000)
        await expect(page.locator("#sessions-empty")).to_be_visible()
        await world.publish("streams", happened("stream_lifecycle_update", stream_id=f"{STREAM}1", at=now(14_500)))
        await expect(page.locator("#tile-streams")).to_have_text("1")


@pytest.mark.parametrize("backend", ["bus", "source"])
async def test_stale_is_said(browser: Browser, backend: str) -> None:
    """The gateway has lost its bus, or hears of no relay: the page says which, and when it is over."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        world.gateway.hub.stale(backend)
        await expect(page.get_by_role("status").first).to_have_text("Stale")
        words = {"bus": "the gateway waits for its event bus", "source": "no relay is reading the platform's events"}
        await expect(page.locator("#notice")).to_contain_text(words[backend])
        world.gateway.hub.fresh(backend)
        await expect(page.get_by_role("status").first).to_have_text("Live")
