"""The page's client (signalman.js) whose credential ends and changes, against a server that follows a script."""

import pytest
from playwright.async_api import Browser

from tests.integration import pages
from tests.integration.page_client import follow, let_in, welcome
from tests.integration.pages import MARKS, gateway, page_of, until
from tests.integration.scripted import Line, scripted

pytestmark = MARKS
browser = pages.browser


async def expire(line: Line) -> None:
    """Say that the end is near."""
    await line.say("expiring", expires_at="2026-08-20T10:12:00Z", in_seconds=60)


async def test_a_changing_credential_is_renewed_in_place(browser: Browser) -> None:
    """On the same connection: what is followed goes on, and is not asked for again."""

    async def goes_on(line: Line) -> None:
        await let_in(line, credential="first")
        await line.begin(seq=5)
        await line.catch_up(5)
        await expire(line)
        assert await line.hear() == {"type": "auth", "token": "second"}
        await welcome(line)
        await line.happen(5, "after")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(goes_on) as url:
        await follow(page, url, "first", "second")
        await until(page, "heard.length > 0")
        assert await page.evaluate("told") == [["subscribed", False], ["caught up"], ["events", True]]
        assert await page.evaluate("access") == [
            ["welcome", False, ["streams"]],
            ["expiring", 60],
            ["welcome", True, ["streams"]],
        ]


async def test_a_fixed_credential_is_not_sent_again(browser: Browser) -> None:
    """There is no other; the page is told that it ends, and when it has ended that is final."""

    async def ends(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await expire(line)
        await line.say("error", code="token_expired", detail="Because.", title="", status=401)
        await line.socket.close(4401, "not authenticated")

    async with gateway() as world, page_of(browser, world) as page, scripted(ends) as url:
        await follow(page, url)
        await until(page, "client.state === 'credential'")
        assert await page.evaluate("states.at(-1)") == ["credential", "Because."]


@pytest.mark.parametrize("code", ["token_expired", "access_ended"])
async def test_a_changing_credential_comes_back_with_another(browser: Browser, code: str) -> None:
    """And goes on where it was."""

    async def ends(line: Line) -> None:
        await let_in(line, credential="first")
        await line.begin(seq=5)
        await line.catch_up(5)
        await line.say("error", code=code, detail="Because.", title="", status=401)
        await line.socket.close(4401, "not authenticated")

    async def goes_on(line: Line) -> None:
        await let_in(line, credential="second")
        await line.go_on()
        await line.happen(5, "missed")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(ends, goes_on) as url:
        await follow(page, url, "first", "second")
        await until(page, "heard.length > 0")
        assert ["reconnecting", "Because."] in await page.evaluate("states")


async def test_one_that_is_refused_at_once_is_final(browser: Browser) -> None:
    """It was asked for a moment ago."""

    async def refuses(line: Line) -> None:
        await line.say("hello", protocol="signalman.v1", heartbeat_ms=25_000)
        await line.hear()
        await line.say("error", code="token_invalid", detail="Nobody's.", title="", status=401)
        await line.socket.close(4401, "not authenticated")

    async with gateway() as world, page_of(browser, world) as page, scripted(refuses) as url:
        await follow(page, url, "first", "second")
        await until(page, "client.state === 'credential'")


async def test_who_gives_credentials_may_be_away(browser: Browser) -> None:
    """Where there is a connection it goes on, and the page is told; so it is when the gateway takes no new one."""

    async def goes_on(line: Line) -> None:
        await let_in(line, credential="first")
        await line.begin(seq=5)
        await expire(line)
        assert (await line.hear())["type"] == "ping"
        await line.say("error", code="refresh_refused", detail="Somebody else.", title="", status=401)
        await line.happen(5, "after")
        await line.stay()

    async def greets(line: Line) -> None:
        await line.say("hello", protocol="signalman.v1", heartbeat_ms=25_000)
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(goes_on, greets) as url:
        await follow(page, url, "first")
        await until(page, "access.some(([name]) => name === 'not renewed')")
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await until(page, "heard.length > 0")
        told = [each for each in await page.evaluate("access") if each[0] == "not renewed"]
        assert told == [["not renewed", "Nobody is there."], ["not renewed", "Somebody else."]]
        assert await page.evaluate("states.some(([name]) => name === 'reconnecting')") is False


async def test_without_any_credential_it_ends(browser: Browser) -> None:
    """Where there never was one; after a connection it is tried again, as a gateway would be."""

    async def greets(line: Line) -> None:
        await line.say("hello", protocol="signalman.v1", heartbeat_ms=25_000)
        await line.stay()

    async def breaks(line: Line) -> None:
        await let_in(line, credential="first")
        await line.begin(seq=5)
        await line.socket.close(1012, "restarts")

    async with gateway() as world, page_of(browser, world) as page, scripted(greets) as url:
        await follow(page, url, "only")
        await page.evaluate("client.stop()")
    async with gateway() as world, page_of(browser, world) as page, scripted(breaks, greets, greets) as url:
        await follow(page, url, "first")
        await until(page, "states.filter(([name]) => name === 'reconnecting').length > 1")
        assert ["reconnecting", "Nobody is there."] in await page.evaluate("states")
        await page.evaluate("client.stop()")


async def test_a_grant_that_ended_ends_its_subscription_alone(browser: Browser) -> None:
    """Nothing more is taken for it; granted again, it begins anew."""

    async def shrinks(line: Line) -> None:
        await let_in(line, "streams", "system")
        first = await line.begin(seq=5)
        await line.begin(seq=7, view="v2")
        await line.say("error", id=first["id"], code="grant_ended", detail="No longer.", title="", status=403)
        await line.say("unsubscribed", id=first["id"])
        await welcome(line, "system")
        await line.happen(5, "not ours any more")
        await line.happen(7, "still", view="v2")
        await welcome(line, "streams", "system")
        asked = await line.begin(seq=9, view="v3")
        assert (asked["channel"], "resume" in asked) == ("streams", False)
        await line.happen(9, "again", view="v3")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(shrinks) as url:
        await follow(page, url)
        await until(page, "heard.length > 1")
        assert await page.evaluate("heard") == ["still", "again"]
        assert ["refused", "grant_ended"] in await page.evaluate("told")


async def test_what_was_refused_for_another_reason_is_not_asked_for_again(browser: Browser) -> None:
    """Another welcome would only have it refused once more."""

    async def refuses(line: Line) -> None:
        await let_in(line)
        asked = await line.hear()
        await line.say("error", id=asked["id"], code="invalid_request", detail="No.", title="", status=422)
        await welcome(line, "streams", "system")
        assert (await line.begin(seq=5))["channel"] == "system"
        await line.happen(5, "there")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(refuses) as url:
        await follow(page, url)
        await until(page, "heard.length > 0")
