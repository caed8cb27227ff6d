"""Cross-site WebSocket hijacking, tried in a real browser: pages of several origins, and a cookie that the browser
attaches for all of them.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from playwright.async_api import Browser, Page

from tests.integration import pages
from tests.integration.pages import MARKS, TOKEN, World, gateway, page_of

pytestmark = MARKS
browser = pages.browser

COOKIE = "access_token"
AUTH = orjson.dumps({"type": "auth", "token": TOKEN}).decode()


@dataclass
class Sites:
    """A gateway that takes a cookie, and two other sites; one of them is listed."""

    target: World
    listed: World
    foreign: World

    @property
    def url(self) -> str:
        """The gateway's WebSocket, at the host to which the cookie belongs."""
        return f"ws://127.0.0.1:{self.target.port}/v1/ws"


@asynccontextmanager
async def sites(*more: str) -> AsyncIterator[Sites]:
    """Serve them. A page of a site is the dashboard, whose policy lets it open any WebSocket. *more* is listed too."""
    async with gateway() as listed, gateway() as foreign:
        allowed = [f"http://127.0.0.1:{listed.port}", *more]
        async with gateway(cookie=COOKIE, allowed_origins=allowed) as target:
            yield Sites(target, listed, foreign)


@asynccontextmanager
async def signed_in(browser: Browser, world: World, host: str = "127.0.0.1") -> AsyncIterator[Page]:
    """A page of *world*, served under *host*, in a browser that holds the cookie for that host and those below its
    parent. Browsers keep cookies without the port.
    """
    async with page_of(browser, world) as page:
        domain = host if host == "127.0.0.1" else f".{host.partition('.')[2]}"
        await page.context.add_cookies(
            [{"name": COOKIE, "value": TOKEN, "domain": domain, "path": "/", "httpOnly": True, "sameSite": "Strict"}]
        )
        await page.goto(f"http://{host}:{world.port}/")
        yield page


async def opened(page: Page, url: str, protocols: Sequence[str] = ("signalman.v1",), first: str = "") -> Any:
    """Open a socket from *page*, and say *first*: what it heard up to `welcome` or its end, and how it stands then."""
    return await page.evaluate(
        """([url, protocols, first]) => new Promise((done) => {
            const socket = new WebSocket(url, protocols);
            const heard = [];
            let open = false;
            const tell = (code) => done({ heard, open, code, protocol: socket.protocol });
            socket.onopen = () => { open = true; if (first) socket.send(first); };
            socket.onmessage = ({ data }) => {
                heard.push(JSON.parse(data));
                if (heard.at(-1).type === "welcome") { tell(null); socket.close(); }
            };
            socket.onclose = ({ code }) => tell(code);
        })""",
        [url, list(protocols), first],
    )


def names(result: Any) -> list[str]:
    """Types of what was heard."""
    return [frame["type"] for frame in result["heard"]]


REFUSED = {"heard": [], "open": False, "code": 1006, "protocol": ""}
"""The browser tells a page that there is no connection, and nothing else."""


async def test_a_listed_page_gets_in_by_its_cookie(browser: Browser) -> None:
    """It is who the cookie says, without any script having seen it."""
    async with sites() as all_, signed_in(browser, all_.listed) as page:
        result = await opened(page, all_.url)
        assert names(result) == ["hello", "welcome"]
        assert result["heard"][-1]["principal"]["id"] == "dev"
        assert await page.evaluate("document.cookie") == ""


async def test_a_page_of_another_port_is_refused_with_the_same_cookie(browser: Browser) -> None:
    """The browser attaches it: to the listed page it was enough. The foreign one sees nothing at all."""
    async with sites() as all_, signed_in(browser, all_.foreign) as page:
        before = all_.target.gateway.metrics.handshakes.labels("refused")._value.get()
        assert await opened(page, all_.url) == REFUSED
        assert all_.target.gateway.metrics.handshakes.labels("refused")._value.get() == before + 1
        assert not all_.target.gateway.connections


async def test_a_page_of_a_neighbouring_host_is_refused_with_the_same_cookie(browser: Browser) -> None:
    """One site, two hosts: not even a strict cookie is kept from it. Listed, it gets in by it: so it was there."""
    host, neighbour = "signalman.platform.localhost", "evil.platform.localhost"
    async with sites() as all_, signed_in(browser, all_.foreign, neighbour) as page:
        assert await opened(page, f"ws://{host}:{all_.target.port}/v1/ws") == REFUSED
        async with sites(f"http://{neighbour}:{all_.foreign.port}") as listing:
            url = f"ws://{host}:{listing.target.port}/v1/ws"
            assert names(await opened(page, url)) == ["hello", "welcome"]


async def test_the_same_server_under_another_name_is_another_origin(browser: Browser) -> None:
    """``localhost`` is not ``127.0.0.1``, though both are this machine and this port."""
    async with sites() as all_, signed_in(browser, all_.target) as page:
        await page.goto(f"http://localhost:{all_.target.port}/")
        assert await opened(page, all_.url) == REFUSED
        assert await opened(page, all_.url, first=AUTH) == REFUSED


async def test_a_foreign_page_cannot_send_a_first_message_either(browser: Browser) -> None:
    """Nor use the other ways, with a credential that is good: it was not the person who opened that page's socket."""
    async with sites() as all_, signed_in(browser, all_.foreign) as page:
        assert await opened(page, all_.url, first=AUTH) == REFUSED
        assert await opened(page, all_.url, ["signalman.v1", f"bearer.{TOKEN}"]) == REFUSED
        assert await opened(page, f"{all_.url}?ticket={await ticket(all_.target)}") == REFUSED


async def test_the_gateways_own_page_is_not_known_by_the_cookie(browser: Browser) -> None:
    """It is not listed: its host is all that is known of it. With a first message it gets in."""
    async with sites() as all_, signed_in(browser, all_.target) as page:
        nothing = orjson.dumps({"type": "subscribe", "id": "s", "channel": "streams"}).decode()
        result = await opened(page, all_.url, first=nothing)
        assert (names(result), result["code"]) == (["hello", "error"], 4401)
        assert names(await opened(page, all_.url, first=AUTH)) == ["hello", "welcome"]


async def test_a_sandboxed_page_is_refused(browser: Browser) -> None:
    """Its origin is ``null``, which anybody can have."""
    async with sites() as all_, signed_in(browser, all_.target) as page:
        await page.route(
            "**/sandboxed",
            lambda route: route.fulfill(
                body="<p>", content_type="text/html", headers={"Content-Security-Policy": "sandbox allow-scripts"}
            ),
        )
        await page.goto(f"{all_.target.url}sandboxed")
        assert await page.evaluate("self.origin") == "null"
        assert await opened(page, all_.url) == REFUSED


async def test_a_subprotocol_token_works_from_a_page_and_is_not_answered(browser: Browser) -> None:
    """A browser itself would refuse an answer that it had not offered, and shows the page what was chosen."""
    async with gateway() as world, page_of(browser, world) as page:
        url = f"ws://127.0.0.1:{world.port}/v1/ws"
        result = await opened(page, url, ["signalman.v1", f"bearer.{TOKEN}"])
        assert (names(result), result["protocol"]) == (["hello", "welcome"], "signalman.v1")
        assert (await opened(page, url, [f"bearer.{TOKEN}"]))["open"] is False


async def test_a_ticket_works_once_from_a_page(browser: Browser) -> None:
    """Bought by whoever serves the page; the address that has it is worth nothing afterwards."""
    async with gateway() as world, page_of(browser, world) as page:
        url = f"ws://127.0.0.1:{world.port}/v1/ws?ticket={await ticket(world)}"
        assert names(await opened(page, url)) == ["hello", "welcome"]
        assert await opened(page, url) == REFUSED


async def ticket(world: World) -> str:
    """A new one."""
    async with httpx.AsyncClient(base_url=world.url, trust_env=False) as client:
        answer = await client.post("v1/tickets", headers={"Authorization": f"Bearer {TOKEN}"})
    return str(answer.json()["ticket"])
