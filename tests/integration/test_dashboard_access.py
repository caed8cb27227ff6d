"""What a person is told on the dashboard when access is about to end, has ended, or has shrunk."""

import time
from dataclasses import replace

from playwright.async_api import Browser, expect

from signalman.access.mint import mint
from signalman.gateway.session import SessionLimits
from tests.integration import pages
from tests.integration.known import SECRET
from tests.integration.pages import MARKS, STREAM, TENANT, TOKEN, World, gateway, happened, is_live, page_of

pytestmark = MARKS
browser = pages.browser

WARNED = SessionLimits(expiry_warning=3600.0)
"""Whoever has less than an hour left is told at once."""


def jwt(world: World, lifetime: float) -> str:
    """A person's token."""
    return mint(
        SECRET,
        world.catalog.levels,
        world.catalog.access.claims,
        user_id="u-1",
        scope=(TENANT,),
        now=time.time(),
        lifetime=lifetime,
    )


async def test_the_end_of_access_is_announced_politely(browser: Browser) -> None:
    """A countdown to look at, and one sentence that a screen reader says once; the page stays as live as it is."""
    async with gateway(limits=WARNED) as world, page_of(browser, world, f"#token={jwt(world, 45)}") as page:
        await is_live(page)
        await expect(page.locator("#expiry")).to_contain_text("access ends in")
        await expect(page.locator("#expiry")).to_have_attribute("aria-hidden", "true")
        notice = page.locator("#notice")
        await expect(notice).to_contain_text("Your access ends at")
        await expect(page.locator("#state")).to_have_attribute("data-state", "live")
        before = [await notice.inner_text(), await page.locator("#expiry").inner_text()]
        await expect(page.locator("#expiry")).not_to_have_text(before[1])
        assert await notice.inner_text() == before[0]


async def test_access_that_has_ended_is_told_plainly(browser: Browser) -> None:
    """Nothing of what was to be seen is left, the token is forgotten, and it is not tried again."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        world.judge("dev", None)
        await expect(page.get_by_role("alert")).to_contain_text("Your access has ended.")
        await expect(page.locator("#board")).to_be_hidden()
        await expect(page.locator("#expiry")).to_be_hidden()
        assert await page.locator("#streams tbody tr").count() == 0
        assert await page.evaluate("sessionStorage.length") == 0
        await expect(page.locator("#state-name")).to_have_text("Signed out")


async def test_a_token_that_was_never_good_has_not_ended(browser: Browser) -> None:
    """The sentence is about the token then."""
    async with gateway() as world, page_of(browser, world, "#token=wrong") as page:
        await expect(page.get_by_role("alert")).to_contain_text("credential")
        await expect(page.get_by_role("alert")).not_to_contain_text("has ended")


async def test_a_channel_that_is_no_longer_granted_is_gone(browser: Browser) -> None:
    """Its rows and its events, with a sentence; the others go on. Granted again, it is there again."""
    async with gateway() as world, page_of(browser, world, f"#token={TOKEN}") as page:
        await is_live(page)
        await world.publish("streams", happened("stream_source", stream_id=f"{STREAM}1"))
        await world.publish("system", happened("node_lifecycle_update", cluster_id="c", node_id="edge-1"))
        await expect(page.locator("#feed li")).to_have_count(2)
        dev = await world.known.authenticate(TOKEN)
        wanted = world.catalog.channels["system"].permissions
        world.judge("dev", replace(dev, permissions=wanted - world.catalog.channels["streams"].permissions))
        await expect(page.locator("#notice")).to_contain_text("Your access to channel streams has ended.")
        await expect(page.locator("#streams")).to_be_hidden()
        assert await page.locator("#streams tbody tr").count() == 0
        await expect(page.locator("#feed li")).to_have_count(1)
        await expect(page.locator("#nodes tbody tr")).to_have_count(2)
        world.judge("dev", dev)
        await expect(page.locator("#streams tbody tr")).to_have_count(3)
        await expect(page.locator("#notice")).not_to_contain_text("streams")
