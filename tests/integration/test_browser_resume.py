"""The page's client (signalman.js) goes on where it stood, and begins anew only where it cannot."""

from typing import Any

from playwright.async_api import Browser

from tests.integration import pages
from tests.integration.page_client import follow, let_in
from tests.integration.pages import MARKS, gateway, page_of, until
from tests.integration.scripted import Line, scripted

pytestmark = MARKS
browser = pages.browser

BEGUN = [["subscribed", False], ["caught up"], ["events", True]]


async def live(line: Line, *ids: str) -> str:
    """Let a client in, and go live at 5 with these events after it; its subscription's id."""
    await let_in(line)
    asked = await line.begin(seq=5)
    assert "resume" not in asked
    await line.catch_up(5)
    await line.happen(5, *ids)
    return str(asked["id"])


async def test_it_goes_on_where_it_stood(browser: Browser) -> None:
    """What was missed follows, each event comes once, and nothing begins anew."""

    async def breaks(line: Line) -> None:
        await live(line, "one", "two")
        await line.socket.close(1012, "restarts")

    async def goes_on(line: Line) -> None:
        await let_in(line)
        assert (await line.go_on(view="v7"))["resume"] == {"epoch": "e1", "seq": 7}
        await line.happen(7, "missed", view="v7")
        await line.catch_up(8, view="v7")
        await line.happen(8, "live again", view="v7")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(breaks, goes_on) as url:
        await follow(page, url)
        await until(page, "heard.length === 4")
        assert await page.evaluate("heard") == ["one", "two", "missed", "live again"]
        again = [["subscribed", True], ["events", False], ["caught up"], ["events", True]]
        assert await page.evaluate("told") == BEGUN + again


async def test_the_place_follows_bookmarks_and_caught_up(browser: Browser) -> None:
    """A view whose filter lets little pass would otherwise soon be behind all history."""

    async def marks(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await line.catch_up(6)
        await line.socket.close(1012, "restarts")

    async def marks_again(line: Line) -> None:
        await let_in(line)
        assert (await line.go_on())["resume"]["seq"] == 6
        await line.catch_up(6)
        await line.say("bookmark", view="v1", seq=90)
        await line.say("bookmark", view="v1", seq=90)
        await line.happen(90, "chained")
        await line.say("bookmark", view="v1", seq=95)
        await line.socket.close(1012, "restarts")

    async def goes_on(line: Line) -> None:
        await let_in(line)
        assert (await line.go_on())["resume"] == {"epoch": "e1", "seq": 95}
        await line.happen(95, "at last")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(marks, marks_again, goes_on) as url:
        await follow(page, url)
        await until(page, "heard.length === 2")
        assert await page.evaluate("heard") == ["chained", "at last"]
        assert not [each for each in await page.evaluate("told") if each[0] == "reset"]


async def test_the_epoch_is_learnt_where_nothing_had_been_published(browser: Browser) -> None:
    """From the first bookmark, or the first events, of a feed that was empty."""

    async def begins_empty(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=0)
        await line.catch_up(0)
        await line.say("bookmark", view="v1", seq=3, epoch="e1")
        await line.socket.close(1012, "restarts")

    async def goes_on(line: Line) -> None:
        await let_in(line)
        assert (await line.go_on())["resume"] == {"epoch": "e1", "seq": 3}
        await line.happen(3, "first")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(begins_empty, goes_on) as url:
        await follow(page, url)
        await until(page, "heard.length === 1")


async def test_what_has_not_caught_up_is_not_resumed(browser: Browser) -> None:
    """The rest of its snapshot would never come."""

    async def breaks_early(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await line.happen(5, "one")
        await line.socket.close(1012, "restarts")

    async def begins_anew(line: Line) -> None:
        await live(line, "two")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(breaks_early, begins_anew) as url:
        await follow(page, url)
        await until(page, "heard.length === 2")


async def test_a_resume_that_breaks_off_is_resumed_again(browser: Browser) -> None:
    """From where it has come, though it had not caught up: nothing was missing before."""

    async def breaks(line: Line) -> None:
        await live(line, "one")
        await line.socket.close(1012, "restarts")

    async def breaks_again(line: Line) -> None:
        await let_in(line)
        await line.go_on()
        await line.happen(6, "two")
        await line.socket.close(1012, "restarts")

    async def goes_on(line: Line) -> None:
        await let_in(line)
        assert (await line.go_on())["resume"]["seq"] == 7
        await line.happen(7, "three")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(breaks, breaks_again, goes_on) as url:
        await follow(page, url)
        await until(page, "heard.length === 3")
        assert await page.evaluate("heard") == ["one", "two", "three"]


async def test_a_resume_that_fails_begins_anew(browser: Browser) -> None:
    """`reset` comes by the subscription's id, before it has a view; the next time is not resumed from the old place."""

    async def breaks(line: Line) -> None:
        await live(line, "one")
        await line.socket.close(1012, "restarts")

    async def refuses(line: Line) -> None:
        await let_in(line)
        asked = await line.hear()
        assert asked["resume"]["seq"] == 6
        await line.say("reset", id=asked["id"], view="v3", reason="trimmed")
        await line.begun(asked, 40, "v3")
        await line.socket.close(1012, "restarts")

    async def begins_anew(line: Line) -> None:
        await live(line, "two")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(breaks, refuses, begins_anew) as url:
        await follow(page, url)
        await until(page, "heard.length === 2")
        assert await page.evaluate("told") == [*BEGUN, ["reset", "trimmed"], ["subscribed", False], *BEGUN]


async def test_a_reset_begins_anew_on_the_same_connection(browser: Browser) -> None:
    """What still comes for the view meanwhile is not taken."""

    async def resets(line: Line) -> None:
        id_ = await live(line, "one")
        await line.say("reset", view="v1", reason="gap")
        await line.happen(6, "of before")
        await line.begun({"type": "subscribe", "id": id_, "channel": "streams"}, 9, "v1")
        await line.happen(9, "two")
        await line.catch_up(10)
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(resets) as url:
        await follow(page, url)
        await until(page, "client.state === 'live' && heard.length === 2")
        assert await page.evaluate("heard") == ["one", "two"]
        assert (await page.evaluate("told"))[3:] == [
            ["reset", "gap"],
            ["subscribed", False],
            ["events", False],
            ["caught up"],
        ]


async def asks_again(line: Line, gone: str) -> dict[str, Any]:
    """What a client says that has found a hole: it gives the subscription up, and asks for it under another id."""
    assert await line.hear() == {"type": "unsubscribe", "id": gone}
    asked = await line.hear()
    assert asked["type"] == "subscribe"
    assert asked["id"] != gone
    return asked


async def test_a_hole_before_it_has_caught_up_begins_anew(browser: Browser) -> None:
    """What does not chain is dropped, and there is no place yet to go on from."""

    async def skips(line: Line) -> None:
        await let_in(line)
        first = await line.begin(seq=5)
        await line.happen(7, "after the hole")
        asked = await asks_again(line, first["id"])
        assert "resume" not in asked
        await line.begun(asked, 8)
        await line.happen(8, "healed")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(skips) as url:
        await follow(page, url)
        await until(page, "heard.length > 0")
        assert await page.evaluate("heard") == ["healed"]
        assert ["reset", "hole"] in await page.evaluate("told")


async def test_a_hole_is_filled_by_resuming_before_it(browser: Browser) -> None:
    """Nothing is lost and nothing begins anew; a second hole right after does begin anew."""

    async def skips(line: Line) -> None:
        first = await live(line, "one")
        await line.happen(7, "too early")
        asked = await asks_again(line, first)
        assert asked["resume"] == {"epoch": "e1", "seq": 6}
        await line.begun(asked, 6, recovered=True)
        await line.happen(6, "two", "too early")
        await line.say("bookmark", view="v1", seq=2)
        second = await asks_again(line, asked["id"])
        assert "resume" not in second
        await line.begun(second, 8)
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(skips) as url:
        await follow(page, url)
        await until(page, "told.length === 7")
        assert await page.evaluate("heard") == ["one", "two", "too early"]
        mended = [["subscribed", True], ["events", False]]
        assert await page.evaluate("told") == [*BEGUN, *mended, ["reset", "hole"], ["subscribed", False]]


async def test_another_place_than_it_stood_at_is_a_hole(browser: Browser) -> None:
    """Neither another number nor another epoch is gone on from, whatever the server calls it."""

    async def breaks(line: Line) -> None:
        await live(line, "one")
        await line.socket.close(1012, "restarts")

    async def mistakes(line: Line) -> None:
        await let_in(line)
        asked = await line.hear()
        await line.begun(asked, 7, recovered=True)
        second = await asks_again(line, asked["id"])
        assert second["resume"]["seq"] == 6
        members = {"channel": "streams", "scope": ["t"], "view": "v1", "partial": False, "tables": []}
        await line.say("subscribed", id=second["id"], epoch="e2", seq=6, recovered=True, **members)
        third = await asks_again(line, second["id"])
        assert "resume" not in third
        await line.begun(third, 8)
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(breaks, mistakes) as url:
        await follow(page, url)
        await until(page, "told.length === 5")
        assert await page.evaluate("told") == [*BEGUN, ["reset", "hole"], ["subscribed", False]]
