"""Every way in, over a real socket: header, subprotocol pair, ticket, cookie, first message; and what is refused."""

from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from signalman.access.tickets import TICKET_PREFIX
from signalman.errors import BackendUnavailable
from tests.integration.served import TOKEN, Served, hear, say, served
from tests.integration.test_websocket import closed, refused

LISTED = "https://dash.example"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def post(world: Served, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
    """Ask for a ticket."""
    async with httpx.AsyncClient(base_url=world.http, trust_env=False) as client:
        return await client.post("/v1/tickets", headers=BEARER if headers is None else headers, **options)


async def ticket(world: Served) -> str:
    """A new ticket."""
    return str((await post(world)).json()["ticket"])


def by_ticket(world: Served, text: str) -> connect:
    """A socket whose ticket is in its URL."""
    return connect(f"{world.url}?ticket={text}", proxy=None, compression=None)


async def test_a_subprotocol_pair_is_welcome_and_only_the_protocol_is_answered() -> None:
    """The credential never comes back: what is answered is logged by proxies, and shown by browsers."""
    async with served() as world:
        token = world.jwt()
        async with world.connect(None, subprotocols=["signalman.v1", f"bearer.{token}"]) as socket:
            await hear(socket, "welcome")
            assert socket.response is not None
            assert socket.response.headers.get_all("Sec-WebSocket-Protocol") == ["signalman.v1"]
            assert token not in str(socket.response.headers)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"token": TOKEN, "subprotocols": ["signalman.v1", f"bearer.{TOKEN}"]}, "several credentials"),
        ({"token": None, "subprotocols": ["signalman.v1", "bearer.a", "bearer.b"]}, "exactly one"),
        ({"token": None, "subprotocols": [f"bearer.{TOKEN}"]}, "Offer 'signalman.v1'"),
        ({"token": None, "subprotocols": ["graphql-ws", f"bearer.{TOKEN}"]}, "Offer 'signalman.v1'"),
        ({"token": None, "subprotocols": ["signalman.v1", "bearer."]}, "exactly one"),
        (
            {
                "token": None,
                "additional_headers": [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer b")],
            },
            "several credentials",
        ),
    ],
)
async def test_what_is_no_one_credential_gets_401(options: dict[str, Any], words: str) -> None:
    """Before the upgrade, with a sentence that says what to do and does not repeat what was sent."""
    async with served() as world:
        status, problem, headers = await refused(world, **options)
    assert (status, problem["code"]) == (401, "token_invalid")
    assert headers["www-authenticate"].startswith("Bearer")
    assert words in problem["detail"]
    assert TOKEN not in str(problem) + str(headers)


async def test_a_list_of_subprotocols_that_is_none_is_not_repeated() -> None:
    """A credential with ``/`` or ``=`` cannot stand there; the answer says so in our words."""
    async with served() as world:
        status, problem, headers = await refused(
            world, token=None, additional_headers={"Sec-WebSocket-Protocol": "signalman.v1, bearer.c2VjcmV0/x=="}
        )
    assert (status, problem["code"]) == (400, "bad_message")
    assert "c2VjcmV0" not in str(problem) + str(headers)


async def test_a_ticket_opens_one_connection() -> None:
    """As its buyer, in the URL; a second time it is nobody's."""
    async with served() as world:
        answer = await post(world)
        body = answer.json()
        assert (answer.status_code, body["expires_in"]) == (200, 30.0)
        assert answer.headers["cache-control"] == "no-store"
        assert body["ticket"].startswith(TICKET_PREFIX)
        async with by_ticket(world, body["ticket"]) as socket:
            assert (await hear(socket, "welcome"))[-1]["principal"]["id"] == "dev"
        assert await refused_ticket(world, body["ticket"]) == (401, "token_invalid")
        assert await refused_ticket(world, "sgt_" + "x" * 43) == (401, "token_invalid")


async def refused_ticket(world: Served, text: str) -> tuple[int, str]:
    """With what a ticket in the URL is refused."""
    with pytest.raises(Exception, match="HTTP") as error:
        async with by_ticket(world, text):
            raise AssertionError("the handshake was accepted")
    response = error.value.response  # type: ignore[attr-defined]
    assert text not in response.body.decode()
    return response.status_code, orjson.loads(response.body)["code"]


async def test_a_ticket_may_stand_wherever_a_credential_may() -> None:
    """In the header, in the subprotocol pair, and in the first message."""
    async with served() as world:
        async with world.connect(await ticket(world)) as socket:
            await hear(socket, "welcome")
        async with world.connect(None, subprotocols=["signalman.v1", f"bearer.{await ticket(world)}"]) as socket:
            await hear(socket, "welcome")
        async with world.connect(None) as socket:
            await say(socket, type="auth", token=await ticket(world))
            await hear(socket, "welcome")


async def test_a_ticket_of_somebody_whose_access_has_ended_opens_nothing() -> None:
    """It is looked at when it comes, not only when it was bought."""
    async with served() as world:
        token = world.jwt(lifetime=60)
        bought = (await post(world, {"Authorization": f"Bearer {token}"})).json()["ticket"]
        world.now[0] += 75
        assert await refused_ticket(world, bought) == (401, "token_expired")


async def test_a_ticket_buys_nothing() -> None:
    """Neither another ticket nor, in a URL, a request; and it is not used up by the attempt."""
    async with served() as world:
        text = await ticket(world)
        assert (await post(world, {"Authorization": f"Bearer {text}"})).status_code == 403
        assert (await post(world, {}, params={"ticket": text})).status_code == 401
        async with by_ticket(world, text) as socket:
            await hear(socket, "welcome")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "not_authenticated"),
        ({"Authorization": "Bearer wrong"}, 401, "token_invalid"),
        ({"Cookie": f"access_token={TOKEN}", "Origin": LISTED}, 401, "not_authenticated"),
        ({"Sec-WebSocket-Protocol": f"signalman.v1, bearer.{TOKEN}"}, 401, "not_authenticated"),
    ],
)
async def test_tickets_are_sold_for_the_header_only(headers: dict[str, str], status: int, code: str) -> None:
    """A page of another site could make a browser send everything else."""
    async with served(cookie="access_token", allowed_origins=[LISTED]) as world:
        answer = await post(world, headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_without_the_store_there_are_no_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    """503, and when to come back; so for one that is handed over, where it cannot be told whether it is good."""

    async def away(*_: object) -> Any:
        raise BackendUnavailable("redis", "away")

    async with served() as world:
        monkeypatch.setattr(world.known, "issue_ticket", away)
        answer = await post(world)
        assert (answer.status_code, answer.json()["code"]) == (503, "tickets_unavailable")
        assert answer.headers["retry-after"] == "5"
        monkeypatch.setattr(world.known, "authenticate", away)
        status, problem, headers = await refused(world, token="sgt_" + "x" * 43)
        assert (status, problem["code"], headers["retry-after"]) == (503, "tickets_unavailable", "5")


async def test_a_cookie_counts_for_a_page_of_a_listed_origin() -> None:
    """And where it is bad, that page gets 401."""
    async with served(cookie="access_token", allowed_origins=[LISTED]) as world:
        cookie = {"Cookie": f"theme=dark; access_token={world.jwt()}"}
        async with world.connect(None, origin=LISTED, additional_headers=cookie) as socket:
            assert (await hear(socket, "welcome"))[-1]["principal"]["id"] == "u-1"
        bad = {"Cookie": "access_token=wrong"}
        assert (await refused(world, token=None, origin=LISTED, additional_headers=bad))[0] == 401
        async with world.connect(None, origin=LISTED, additional_headers=BEARER | bad) as socket:
            assert (await hear(socket, "welcome"))[-1]["principal"]["id"] == "dev"


@pytest.mark.parametrize("origin", [None, "own"])
async def test_elsewhere_a_cookie_is_not_seen(origin: str | None) -> None:
    """A program, and a page of this host that is not listed, have to say who they are in another way, and can."""
    async with served(cookie="access_token", allowed_origins=[LISTED]) as world:
        cookie = {"Cookie": f"access_token={world.jwt()}"}
        page = world.http if origin else None
        async with world.connect(None, origin=page, additional_headers=cookie) as socket:
            await hear(socket, "hello")
            await say(socket, type="subscribe", id="s", channel="streams")
            assert (await closed(socket))[0] == 4401
        async with world.connect(None, origin=page, additional_headers=cookie) as socket:
            await say(socket, type="auth", token=TOKEN)
            assert (await hear(socket, "welcome"))[-1]["principal"]["id"] == "dev"


async def test_a_cookie_opens_no_page_of_another_origin() -> None:
    """What makes hijacking work: the browser attaches it, whoever asks."""
    async with served(cookie="access_token", allowed_origins=[LISTED]) as world:
        cookie = {"Cookie": f"access_token={world.jwt()}"}
        for origin in ("https://evil.example", "http://dash.example", "https://dash.example:444", "null"):
            status, problem, _ = await refused(world, token=None, origin=origin, additional_headers=cookie)
            assert (status, problem["code"]) == (403, "origin_refused")


async def test_without_the_setting_a_cookie_is_nothing() -> None:
    """By default none is read."""
    async with served(allowed_origins=[LISTED]) as world:
        cookie = {"Cookie": f"access_token={world.jwt()}; token={TOKEN}"}
        async with world.connect(None, origin=LISTED, additional_headers=cookie) as socket:
            await say(socket, type="ping", t=1)
            assert [each["type"] for each in await hear(socket, "pong")] == ["hello", "pong"]
