"""What a person sees and does on the dashboard."""

from typing import Any

import orjson
import pytest
from playwright.async_api import Browser, expect

from tests.integration import pages
from tests.integration.pages import (
    MARKS,
    NONE,
    OTHER,
    OTHER_TOKEN,
    STREAM,
    TOKEN,
    cells,
    gateway,
    happened,
    is_live,
    now,
    page_of,
    until,
)

pytestmark = MARKS
browser = pages.browser


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
            ["5eedfeed…0003", "Offline", NONE, NONE],
        ]
        assert [line[:4] for line in await cells(page, "nodes")] == [
            ["edge-2", "Unhealthy", "42 %", "25 %"],
            ["edge-1", "Healthy", "42 %", "25 %"],
        ]
        assert await cells(page, "countries") == [["Netherlands", "2"]]
        assert len(await cells(page, "sessions")) == 2
        assert (await cells(page, "artifacts"))[0][:3] == ["Recording", "dddddddd…dddd", "Recording"]


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


async def test_what_happened_before_is_listed_and_not_counted(browser: Browser) -> None:
    """The last events are there from the beginning, in the order of their times across channels; the rate is that of
    what happens now.
    """
    async with gateway() as world:
        for second, channel in enumerate(["streams", "analytics", "streams"]):
            type_ = "stream_source" if channel == "streams" else "push_end"
            await world.publish(channel, happened(type_, f"number-{second}", at=now(second - 10)))
        async with page_of(browser, world, f"#token={TOKEN}") as page:
            await is_live(page)
            await expect(page.locator("#feed li")).to_have_count(3)
            subjects = await page.locator("#feed .subject").all_inner_texts()
            assert subjects == ["number-2", "number-1", "number-0"]
            await until(page, "document.getElementById('spark').firstElementChild.getAttribute('points') !== ''")
            await expect(page.locator("#tile-events")).to_have_text("0")


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
