"""The page's client (signalman.js) against a server that follows a script: what happens only on bad days."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser

from signalman.protocol import CLOSES
from tests.integration import pages
from tests.integration.page_client import follow, let_in
from tests.integration.pages import MARKS, gateway, page_of, until
from tests.integration.scripted import Line, scripted

pytestmark = MARKS
browser = pages.browser


async def test_a_silent_connection_is_given_up(browser: Browser) -> None:
    """A browser cannot ping: it watches the heartbeat, and opens another connection when the heart stops."""

    async def dies(line: Line) -> None:
        await line.say("hello", protocol="signalman.v1", heartbeat_ms=200)
        assert (await line.hear())["type"] == "auth"
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(dies, begins("new")) as url:
        await follow(page, url)
        await until(page, "heard.length > 0")
        assert await page.evaluate("heard") == ["new"]


def begins(*ids: str) -> Any:
    """A connection that authenticates, begins at 5, sends events and stays."""

    async def act(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await line.happen(5, *ids)
        await line.stay()

    return act


async def test_an_older_socket_is_not_heard(browser: Browser) -> None:
    """Nothing that a socket says after a newer one was opened reaches the page, though view and place are the same; nor
    does its close.
    """
    newer, said = asyncio.Event(), asyncio.Event()

    async def speaks_late(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await newer.wait()
        await line.happen(5, "too late")
        await line.say("bookmark", view="v1", seq=9)
        await line.catch_up(9)
        await line.say("reset", view="v1", reason="gap")
        await line.say("stale", backend="bus")
        await line.socket.close(4401, "not authenticated")
        said.set()

    async def takes_over(line: Line) -> None:
        await let_in(line)
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
        await page.evaluate("client.stop(); told.length = 0; client.start()")
        await until(page, "heard.length > 0")
        told = [["subscribed", False], ["events", False]]
        assert await page.evaluate("[heard, told, client.state]") == [["new"], told, "loading"]


async def test_what_was_to_be_asked_again_is_not_asked_on_a_newer_socket(browser: Browser) -> None:
    """There the subscription was asked for anyway, and a second time would be refused as a duplicate."""

    async def refuses(line: Line) -> None:
        await let_in(line)
        asked = await line.hear()
        await line.say("error", id=asked["id"], code="bus_unavailable", detail="Later.", retry_after_ms=1_234)
        await line.socket.close(1012, "restarts")

    async def takes_over(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await line.catch_up(5)
        assert (await line.hear())["type"] == "ping"
        await line.happen(5, "nothing was asked before")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(refuses, takes_over) as url:
        await page.evaluate(
            """() => {
                const later = window.setTimeout;
                window.setTimeout = (act, ms) => (ms === 1_234 ? (window.ask = act) : later(act, ms));
            }"""
        )
        await follow(page, url)
        await until(page, "client.state === 'live'")
        await page.evaluate("ask(); window.dispatchEvent(new Event('online'))")  # the second asks: is it alive?
        await until(page, "heard.length > 0")


async def test_a_subscription_that_cannot_begin_is_asked_for_again(browser: Browser) -> None:
    """On the same connection, when the server says."""

    async def refuses_once(line: Line) -> None:
        await let_in(line)
        asked = await line.hear()
        await line.say("error", id=asked["id"], code="bus_unavailable", detail="Later.", retry_after_ms=10)
        await line.begin(seq=5)
        await line.happen(5, "begun")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(refuses_once) as url:
        await follow(page, url)
        await until(page, "heard.length > 0")
        assert await page.evaluate("told") == [["trouble"], ["subscribed", False], ["events", False]]


async def test_what_was_dropped_is_told_and_gone_on_from(browser: Browser) -> None:
    """The page learns how much is missing, what follows chains to it, and the next connection resumes there."""

    async def drops(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await line.catch_up(5)
        await line.say("dropped", view="v1", **{"from": 5, "to": 90}, count=40)
        await line.happen(90, "after")
        await line.socket.close(1012, "restarts")

    async def takes_over(line: Line) -> None:
        await let_in(line)
        asked = await line.go_on()
        assert asked["resume"] == {"epoch": "e1", "seq": 91}
        await line.happen(91, "later")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(drops, takes_over) as url:
        await follow(page, url)
        await until(page, "heard.length > 1")
        assert await page.evaluate("heard") == ["after", "later"]
        assert await page.evaluate("told.filter(([name]) => name === 'dropped')") == [["dropped", 40]]


async def test_one_that_lacks_tables_is_not_resumed(browser: Browser) -> None:
    """It is live without them; on another connection they would never come, so there it begins anew."""

    async def lacks(line: Line) -> None:
        await let_in(line)
        asked = await line.begin(seq=5)
        await line.say("error", id=asked["id"], code="snapshot_unavailable", detail="Later.", retry_after_ms=5_000)
        await line.catch_up(5)
        await line.happen(5, "live")
        await line.socket.close(1012, "restarts")

    async def begins_anew(line: Line) -> None:
        await let_in(line)
        asked = await line.begin(seq=6)
        assert "resume" not in asked
        await line.happen(6, "anew")
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(lacks, begins_anew) as url:
        await follow(page, url)
        await until(page, "heard.length > 1")
        assert await page.evaluate("heard") == ["live", "anew"]
        assert "live" in await page.evaluate("states.map(([name]) => name)")


@pytest.mark.parametrize(("code", "state"), [(4401, "credential"), (4403, "ended"), (1000, "ended")])
async def test_a_final_close_is_final(browser: Browser, code: int, state: str) -> None:
    """The last error gives the reason; nothing is tried again."""

    async def refuses(line: Line) -> None:
        await line.say("hello", protocol="signalman.v1", heartbeat_ms=25_000)
        await line.hear()
        await line.say("error", code="x", detail="Because.", title="", status=400)
        await line.socket.close(code, "short")

    async with gateway() as world, page_of(browser, world) as page, scripted(refuses) as url:
        await follow(page, url)
        await until(page, "states.length > 1")
        assert await page.evaluate("states.at(-1)") == [state, "Because."]


async def test_each_missing_backend_is_told_in_its_own_words(browser: Browser) -> None:
    """That the bus is away and that nobody reads the events are two things; both may be, and one may end first."""

    async def misses(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        await line.catch_up(5)
        for type_, backend in [("stale", "bus"), ("stale", "source"), ("fresh", "bus"), ("fresh", "source")]:
            await line.say(type_, backend=backend)
        await line.stay()

    async with gateway() as world, page_of(browser, world) as page, scripted(misses) as url:
        await follow(page, url)
        await until(page, "states.filter(([name]) => name === 'stale').length === 3 && client.state === 'live'")
        bus, both, source = await page.evaluate(
            "states.filter(([name]) => name === 'stale').map(([, detail]) => detail)"
        )
        assert "event bus" in bus
        assert "relay" in source
        assert both == f"{bus} {source}"


async def test_the_servers_time_is_known(browser: Browser) -> None:
    """From the first rows on, which are a little old, and to the second when its heart beats."""

    async def tells(line: Line) -> None:
        await let_in(line)
        await line.begin(seq=5)
        part = {
            "view": "v1",
            "table": "t",
            "key": ["id"],
            "rules": {},
            "part": 1,
            "last": True,
            "lag_ms": 0,
            "rows": [],
        }
        await line.say("snapshot", as_of="2036-01-01T00:00:07Z", **part)
        await line.say("snapshot", as_of="2036-01-01T00:00:00Z", **part)
        await line.catch_up(5)
        assert (await line.hear())["type"] == "ping"
        await line.say("heartbeat", time="2036-01-01T00:00:04Z")
        await line.say("stale", backend="bus")
        await line.stay()

    began, second = "Date.parse('2036-01-01T00:00:00Z')", 1_000
    async with gateway() as world, page_of(browser, world) as page, scripted(tells) as url:
        await page.evaluate("Date.now = () => 1_000_000")  # so that no time passes
        assert await page.evaluate("import('/static/signalman.js').then(({ Client }) => new Client({}).now())") is None
        await follow(page, url)
        await until(page, "client.state === 'live'")
        assert await page.evaluate(f"client.now() - {began}") == 7 * second
        await page.evaluate("window.dispatchEvent(new Event('online'))")  # it asks whether the connection is alive
        await until(page, "client.state === 'stale'")
        assert await page.evaluate(f"client.now() - {began}") == 4 * second


async def test_both_clients_read_close_codes_alike(browser: Browser) -> None:
    """The page's table of close codes is the protocol's, and its back-off has the same limits."""
    async with gateway() as world, page_of(browser, world) as page:
        table = await page.evaluate("import('/static/retry.js').then(({ RETRY }) => RETRY)")
        assert table == {str(int(code)): close.retry for code, close in CLOSES.items()}
        waits = await page.evaluate(
            """import("/static/retry.js").then(({ backoff }) =>
                [0, 1, 2, 3, 4, 5, 99].map((attempt) => [backoff(attempt, () => 0), backoff(attempt, () => 1)]))"""
        )
        assert waits == [[500, bound] for bound in (1000, 2000, 4000, 8000, 16000, 30000, 30000)]
