"""The page's client (signalman.js) against a server that follows a script: what happens only on bad days."""

import asyncio
from typing import Any

import orjson
import pytest
from playwright.async_api import Browser, Page

from signalman.protocol import CLOSES
from tests.integration import pages
from tests.integration.pages import MARKS, gateway, page_of, until
from tests.integration.scripted import Line, scripted

pytestmark = MARKS
browser = pages.browser


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
